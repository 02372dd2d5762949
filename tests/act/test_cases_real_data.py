"""Real cases through our clocks: Boston's own verdicts, and the volume of New York's council."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from shuzhi.act.cases import (
    Case,
    Clocks,
    Reading,
    Report,
    Span,
    SpanUnit,
    Stage,
    Step,
    TimeRules,
    Verb,
    Wanted,
    cases,
    open_all,
    parse_case_kind,
    readings,
    replay,
)
from shuzhi.act.cases.model import CaseId, Spell
from shuzhi.act.cases.spans import runs_out
from shuzhi.kernel.instant import Instant, named_zone, to_instant
from shuzhi.kernel.workdays import WorkingDays

pytestmark = pytest.mark.real_data

BOSTON = "data/04_service_requests/boston_311_2011/boston_311_2011.parquet"
COUNCIL = "data/04_service_requests/nyc_council_constituent_cases/nycomplaints.parquet"
ZONE = "America/New_York"
_ZONE = named_zone(ZONE)
# Days off of the City of Boston, July to September 2011.
HOLIDAYS = frozenset({date(2011, 7, 4), date(2011, 9, 5)})
CALENDAR = WorkingDays(2011, 2012, HOLIDAYS, frozenset())
KIND = """
id: request
title: {zh: 市民诉求, en: Request}
severities: [ordinary]
steps:
  feed_back: {from: NEW, by: desk}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
clocks:
  - {id: target, title: {zh: 时限, en: Target}, over: NEW, answers: desk, limit: stated}
closing: {evidence: {photo: 1}}
"""


@dataclass(frozen=True)
class Request:
    """A row of the file whose case has a target; `is_late` is what the city says, if it does."""

    kind: str
    opened_at: Instant
    due_at: Instant
    closed_at: Instant | None
    is_late: bool | None


@pytest.fixture(scope="module")
def requests(shared: Path) -> list[Request]:
    columns = ["type", "open_dt", "target_dt", "closed_dt", "ontime"]
    rows = pq.read_table(shared / BOSTON, columns=columns).to_pylist()
    return [
        Request(r["type"], _at(r["open_dt"]), _at(r["target_dt"]), _closed(r), _verdict(r))
        for r in rows
        if r["target_dt"]
    ]


def _at(text: str) -> Instant:
    return to_instant(datetime.fromisoformat(text), zone=ZONE)


def _closed(row: dict[str, str]) -> Instant | None:
    return _at(row["closed_dt"]) if row["closed_dt"] else None


def _verdict(row: dict[str, str]) -> bool | None:
    return {"OVERDUE": True, "ONTIME": False}.get(row["ontime"])


def _history(number: int, request: Request) -> Iterator[Step]:
    facts = {
        "kind": "request",
        "title": request.kind,
        "severity": "ordinary",
        "responsible": "boston",
        "merge_key": None,
        "due": {"target": request.due_at.isoformat()},
    }
    case_id = CaseId(number)
    yield Step(case_id, 1, Verb.OPEN, request.opened_at, "311", None, Stage.NEW, facts)
    if request.closed_at is not None:
        evidence: dict[str, Any] = {"evidence": []}
        at = request.closed_at
        yield Step(case_id, 2, Verb.FEED_BACK, at, "crew", None, Stage.FED_BACK, evidence)


def _read(requests: list[Request]) -> list[Reading]:
    kind = parse_case_kind(KIND.encode(), file="request.yaml")
    clocks = Clocks(kind, TimeRules(CALENDAR, ZONE))
    exported_at = max(r.closed_at for r in requests if r.closed_at)
    found = (replay(_history(i, r), clocks) for i, r in enumerate(requests))
    return [readings(case, clocks, exported_at)[0] for case in found]


def test_our_clocks_say_of_every_case_with_a_target_what_the_city_says(
    requests: list[Request],
) -> None:
    verdicts = Counter(
        (request.is_late, reading.is_late)
        for request, reading in zip(requests, _read(requests), strict=True)
    )
    # Of 83 cases the city says nothing; all are past their targets, and one is still open.
    assert verdicts == {(False, False): 20_356, (True, True): 6_376, (None, True): 83}


def test_what_is_odd_in_the_targets_is_counted(requests: list[Request]) -> None:
    backwards = [r for r in requests if r.due_at < r.opened_at]
    still_open = Counter(r.is_late for r in requests if r.closed_at is None)
    assert (len(backwards), {r.is_late for r in backwards}) == (3, {True})
    assert still_open == {True: 1_631, None: 1}


# Kinds of request whose targets are working days by the hour, and how many. They and the hours
# were read off this file: it shows that the arithmetic fits, not what other years would.
WORKING_DAYS = {
    "Schedule a Bulk Item Pickup": 2,
    "Tree Emergencies": 1,
    "Missed Trash/Recycling/Yard Waste/Bulk Item": 2,
    "Traffic Signal Repair": 1,
    "Sidewalk Repair (Make Safe)": 2,
    "Request for Pothole Repair": 2,
    "Pick up Dead Animal": 1,
    "Sticker Request": 2,
    "Requests for Street Cleaning": 2,
}
HOURS = (time(8, 30), time(17, 0))


def _in_office_hours(request: Request) -> bool:
    at = request.opened_at.astimezone(_ZONE)
    return CALENDAR.is_working_day(at.date()) and HOURS[0] <= at.time() < HOURS[1]


def test_targets_of_working_days_come_out_of_our_own_working_hours(
    requests: list[Request],
) -> None:
    rules = TimeRules(CALENDAR, ZONE, (HOURS,))
    chosen = [r for r in requests if r.kind in WORKING_DAYS and _in_office_hours(r)]
    spans = [Span(WORKING_DAYS[r.kind] * 510, SpanUnit.WORKING_MINUTES) for r in chosen]
    pairs = zip(spans, chosen, strict=True)
    ours = [runs_out(span, [Spell(r.opened_at)], rules) for span, r in pairs]
    # The city cuts some targets to the minute, and others a second or two short.
    near = sum(
        abs(request.due_at - due) < timedelta(minutes=1)
        for request, due in zip(chosen, ours, strict=True)
    )
    same = sum(
        request.is_late in (None, request.closed_at is None or request.closed_at >= due)
        for request, due in zip(chosen, ours, strict=True)
    )
    # The rest are targets that the city counted or moved by other rules than working days.
    assert (len(chosen), near, same) == (8_793, 8_339, 8_781)


MARCH_2019 = [("opendate", ">=", "2019-03-01"), ("opendate", "<", "2019-04-01")]


@pytest.mark.parametrize(
    ("days", "count"),
    [(MARCH_2019, 3_195), pytest.param(None, 341_299, marks=pytest.mark.slow)],
    ids=["a month", "ten years"],
)
def test_reports_of_a_council_that_are_identical_join_one_case(
    shared: Path, town: Any, days: Any, count: int
) -> None:
    rows = pq.read_table(shared / COUNCIL, filters=days)
    first = dict[str, str]()
    done = Counter[tuple[bool, bool]]()
    for batch in rows.to_batches(max_chunksize=5_000):
        read = batch.to_pylist()
        for row in read:
            first.setdefault(row["unique_key"], _matter(row))
        found = open_all(town.office, [_council_report(row, town) for row in read])
        done.update((opened.is_new, opened.is_repeat) for opened in found)
    matters = set(first.values())
    assert rows.num_rows == count
    assert done == Counter(
        {
            (True, False): len(matters),
            (False, False): len(first) - len(matters),
            (False, True): count - len(first),
        }
    )
    stored = list(_all_cases(town))
    assert (len(stored), sum(case.reports for case in stored)) == (len(matters), len(first))


def _council_report(row: dict[str, str], town: Any) -> Report:
    return Report(
        "river_pollution", "ordinary", town.desk, None, row["complaint_type"] or "",
        merge_key=_matter(row), origin=f"council:{row['unique_key']}",
    )  # fmt: skip


def _matter(row: dict[str, str]) -> str:
    fields = "\n".join(f"{k}={v}" for k, v in sorted(row.items()) if k != "unique_key")
    return hashlib.sha256(fields.encode()).hexdigest()


def _all_cases(town: Any) -> Iterator[Case]:
    page = cases(town.office, limit=500)
    yield from page.cases
    while page.after is not None:
        page = cases(town.office, Wanted(), after=page.after, limit=500)
        yield from page.cases
