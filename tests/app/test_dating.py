"""The one verb that dates: what waited for a notice, and what a later one moved, all at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.act.cases import SYSTEM, Report, Verb, case, open_case
from shuzhi.act.evaluation import Body, CaseFact, Person, appeals, publish, score
from shuzhi.app import City, create_city, open_city
from shuzhi.app.act.dating import Dated
from shuzhi.app.running.worker import lanes_of
from shuzhi.cli.commands import app
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.kernel.party import Level
from shuzhi.kernel.workdays import china_working_days
from shuzhi.web import make_app

LAST = china_working_days().last_year
ZONE = "Asia/Shanghai"
NOW = Instant(datetime(LAST, 12, 31, 2, tzinfo=UTC))
TOWN = PartyId("bridge")
PERIOD = ("case_handling", f"{LAST}-11")


def _notice(folder: Path, *more: date) -> Path:
    off = [f"{LAST + 1}-{month}-01" for month in ("01", "05", "10")]
    days = ", ".join([*off, *(day.isoformat() for day in more)])
    lines = (f"year: {LAST + 1}", "legal_reference: 通知 of a test", f"holidays: [{days}]")
    file = folder / "notice.yaml"
    file.write_text("\n".join((*lines, "working_weekends: []")), encoding="utf-8")
    return file


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city with a case and an appeal whose deadlines lie beyond the known calendar."""
    create_city(tmp_path / "city", pack="city_evaluation")
    city = replace(open_city(tmp_path / "city"), clock=lambda: NOW)
    open_case(city.office, Report("data_defect", "ordinary", SYSTEM, title="缺数 gap"))
    begun, closed = (Instant(datetime(LAST, 11, day, tzinfo=UTC)) for day in (2, 9))
    fact = CaseFact("case:1/1", TOWN, "event", 1, begun, begun, closed, closed)
    score(city.evaluating, *PERIOD, [fact], {TOWN: Body(Level.TOWN)}, by="clerk")
    publish(city.evaluating, *PERIOD, by="clerk")
    by = Person("m.lin", TOWN)
    city.appeal_score(*PERIOD, "closing_rate", by=by, facts=[fact.id], reason="shut")
    return city


def _dues(city: City) -> list[Instant | None]:
    clocks = [run.due_at for run in case(city.office, 1).case.runs]
    return [*clocks, *(each.due_at for each in appeals(city.evaluating))]


def test_all_three_ways_date_all_that_waits(city: City) -> None:
    assert _dues(city) == [None, None]
    folder = city.settings.folder / "calendar"
    folder.mkdir()
    _notice(folder)
    (job,) = (job for lane in lanes_of(city) for job in lane if job.name == "date")
    where = ("--city", str(city.settings.folder))
    ticked = json.loads(CliRunner().invoke(app, ["case", "tick", "--json", *where]).output)
    assert ticked["dated"] == {"clocks": 1, "appeals": 1, "sharing": 0}
    assert None not in _dues(city)
    assert (job.do(), city.date()) == (0, Dated(0, 0))


def test_an_amended_notice_moves_all_that_is_open_once(city: City, tmp_path: Path) -> None:
    city.take_notice(_notice(tmp_path))
    assert city.date() == Dated(1, 1)
    before = _dues(city)
    city.take_notice(_notice(tmp_path, *(date(LAST + 1, 1, day) for day in range(4, 9))))
    assert city.date() == Dated(1, 1)
    after = _dues(city)
    assert all(new > old for new, old in zip(after, before, strict=True) if new and old)
    assert city.date() == Dated(0, 0)
    step = case(city.office, 1).steps[-1]
    assert step.verb is Verb.DATE_CLOCK
    assert parse_instant(step.facts["instead_of"]) == before[0]
    with TestClient(make_app(city), "http://127.0.0.1") as client:
        page = client.get("/cases/1", headers={"Accept-Language": "zh"}).text
    assert ("原为" in page, "通知 of a test" in page) == (True, True)


def test_one_that_was_raised_too_late_says_so_wherever_it_is_shown(
    city: City, tmp_path: Path
) -> None:
    later = replace(city, clock=lambda: parse_instant(f"{LAST + 1}-02-20 10:00", zone=ZONE))
    by = Person("m.lin", TOWN)
    later.appeal_score(*PERIOD, "on_time_rate", by=by, facts=["case:1/1"], reason="shut")
    later.take_notice(_notice(tmp_path))
    assert later.date().appeals == 2
    where = ("--city", str(city.settings.folder))
    shown = CliRunner().invoke(app, ["evaluation", "appeals", *where]).output
    assert ("too late" in shown, "in time" in shown) == (True, True)
    with TestClient(make_app(later), "http://127.0.0.1") as client:
        items = client.get("/api/v1/evaluation/appeals").json()["items"]
        page = client.get("/evaluation", headers={"Accept-Language": "en"}).text
    assert [each["is_raised_late"] for each in items] == [False, True]
    assert page.count("raised too late") == 1


def test_two_who_date_at_once_date_once(city: City, tmp_path: Path) -> None:
    city.take_notice(_notice(tmp_path))
    # Each has connections of its own, as another process has.
    others = [replace(open_city(city.settings.folder), clock=lambda: NOW) for _ in range(2)]
    start = Barrier(2)

    def dated(other: City) -> int:
        start.wait(timeout=60)
        return other.date().all

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(dated, others)) == 2
    verbs = [step.verb for step in case(city.office, 1).steps]
    assert verbs.count(Verb.DATE_CLOCK) == 1
    city.record()
    kinds = [entry.content["kind"] for entry in city.audit_entries(0, 1_000) if entry.content]
    assert (kinds.count("case.clock_dated"), kinds.count("evaluation.appeal_dated")) == (1, 1)
