"""What a running city does again and again: one thing that fails keeps it from no other."""

from __future__ import annotations

import fcntl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pyarrow as pa
import pytest

from shuzhi.act.cases import case, cases
from shuzhi.app import City, open_city
from shuzhi.app.running.catching_up import Seen, judge
from shuzhi.app.running.worker import lanes_of, run_city
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import china_working_days

_LAST_YEAR = china_working_days().last_year
_NOTICE = f"""
year: {_LAST_YEAR + 1}
legal_reference: an example, not the State's notice
holidays: [{_LAST_YEAR + 1}-01-01, {_LAST_YEAR + 1}-05-01, {_LAST_YEAR + 1}-10-01]
working_weekends: []
"""


def _readings(value: int) -> pa.Table:
    at = pa.array([datetime(2026, 3, 2, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    return pa.table({"station": ["a"], "observed_at": at, "pm10_ug_m3": [value]})


@pytest.fixture
def eve(loop: City) -> City:
    """The city with the same for another data set, on the last day that the calendar knows."""
    folder = loop.settings.folder
    for name in ("contracts/{}.odcs.yaml", "rules/{}_high.yaml"):
        text = (folder / name.format("dust")).read_text(encoding="utf-8")
        (folder / name.format("gas")).write_text(text.replace("dust", "gas"), encoding="utf-8")
    now = Instant(datetime(_LAST_YEAR, 12, 31, 4, tzinfo=UTC))
    city = replace(open_city(folder), clock=lambda: now)
    city.register()
    return city


def test_a_case_that_is_refused_keeps_no_rule_from_judging(eve: City) -> None:
    kinds = dict(eve.declared.case_kinds)
    del eve.declared.case_kinds["data_defect"]
    for dataset in ("dust", "gas"):
        eve.lake.append(dataset, _readings(900))
    seen = Seen()
    with pytest.raises(RefusedError, match=r"act\.no_such_kind"):
        judge(eve, seen)
    assert {warning.dataset for warning in eve.warnings()} == {"dust", "gas"}
    assert (judge(eve, seen), cases(eve.office).cases) == (0, ())
    eve.declared.case_kinds.update(kinds)
    eve.look()
    assert {case.responsible for case in cases(eve.office).cases} == {"works"}
    assert len(cases(eve.office).cases) == 2


def test_no_case_waits_for_the_next_notice_and_each_is_dated_by_it(
    eve: City, tmp_path: Path
) -> None:
    eve.lake.append("dust", _readings(900))
    assert judge(eve, Seen()) == 1
    (opened,) = cases(eve.office).cases
    assert {run.due_at for run in opened.runs if run.is_running} == {None}
    (date,) = (job for lane in lanes_of(eve) for job in lane if job.name == "date")
    assert date.do() == 0
    # Another process takes the notice; this one goes on as it is.
    notice = tmp_path / "notice.yaml"
    notice.write_text(_NOTICE, encoding="utf-8")
    open_city(eve.settings.folder).take_notice(notice)
    assert (date.do(), date.do()) == (1, 0)
    file = case(eve.office, opened.id)
    assert None not in {reading.due_at for reading in file.readings}
    eve.record()
    audited = [entry.content["kind"] for entry in eve.audit_entries(0, 1_000) if entry.content]
    assert audited[-1] == "case.clock_dated"


def test_who_looks_whether_a_city_is_up_keeps_nobody_from_running_it(loop: City) -> None:
    stop = Event()
    with loop.up_file.open("w") as looking, ThreadPoolExecutor(1) as thread:
        fcntl.flock(looking, fcntl.LOCK_SH)
        running = thread.submit(run_city, loop, stop)
        # Time enough to be refused, for one that takes a look for a process that runs the city.
        stop.wait(0.5)
        fcntl.flock(looking, fcntl.LOCK_UN)
        stop.set()
        running.result(60)
