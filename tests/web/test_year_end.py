"""A case whose deadline the calendar does not reach yet: every reader is told so, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from starlette.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.act.cases import SYSTEM, Report, case, open_case
from shuzhi.act.evaluation import Body, CaseFact, Person, publish, score
from shuzhi.app import City, create_city, open_city
from shuzhi.app.act.dating import Dated
from shuzhi.cli.commands import app
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.agreements import Clock, ClockRun
from shuzhi.share.agreements.clocks import paused
from shuzhi.web import assets, make_app
from shuzhi.web.live import Live
from shuzhi.web.pages.frame.languages import read_words
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site

LAST = china_working_days().last_year
NOW = Instant(datetime(LAST, 12, 31, 2, tzinfo=UTC))
NOTICE = f"""
year: {LAST + 1}
legal_reference: an example, not the State's notice
holidays: [{LAST + 1}-01-01, {LAST + 1}-05-01, {LAST + 1}-10-01]
working_weekends: []
"""


REASON = "kernel.calendar_ends"


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city on the last day that the calendar knows, with one case of that morning."""
    create_city(tmp_path / "city")
    made = replace(open_city(tmp_path / "city"), clock=lambda: NOW)
    open_case(made.office, Report("data_defect", "ordinary", SYSTEM, title="缺数 gap"))
    return made


@pytest.fixture
def visit(city: City) -> Iterator[TestClient]:
    with TestClient(make_app(city), "http://127.0.0.1") as client:
        yield client


def test_a_page_says_that_a_deadline_is_not_known_yet_and_why(
    city: City, visit: TestClient, tmp_path: Path
) -> None:
    chinese, english = ({"Accept-Language": x, "Accept": "text/html"} for x in ("zh", "en"))
    file = visit.get("/cases/1", headers=chinese).text
    assert "节假日安排尚未公布，期限待定" in file
    assert "the holiday notice is not out" in visit.get("/cases/1", headers=english).text
    listed = visit.get("/cases", headers=chinese).text
    assert ("1 个期限待定" in listed, listed.count("期限待定")) == (True, 2)
    (tmp_path / "notice.yaml").write_text(NOTICE, encoding="utf-8")
    city.take_notice(tmp_path / "notice.yaml")
    assert city.date() == Dated(clocks=1, appeals=0)
    file = visit.get("/cases/1", headers=chinese).text
    assert ("期限待定" in file, "期限已定" in file) == (False, True)


def test_so_does_a_page_of_an_application_or_agreement(city: City) -> None:
    site = Site(city, assets.read_assets(), Live(city))
    page = "{% import 'deed.html' as deed with context %}{{ deed.clocks([run]) }}"
    reader, run = Reader(city, read_words(), "en"), ClockRun(Clock.ANSWER, PartyId("city"), NOW)

    def is_told(run: ClockRun) -> bool:
        made = site.environment.from_string(page).render(r=reader, t=reader.t, run=run)
        return "the holiday notice is not out" in made

    told = [is_told(each) for each in (run, replace(run, due_at=NOW), paused(run, NOW))]
    assert told == [True, False, False]


def test_the_interface_answers_null_and_why(visit: TestClient) -> None:
    (clock,) = visit.get("/api/v1/cases/1").json()["clocks"]
    told = {name: clock[name] for name in ("state", "due_at", "why_undated", "is_late")}
    assert told == {
        "state": "running",
        "due_at": None,
        "why_undated": REASON,
        "is_late": False,
    }
    (counted,) = visit.get("/api/v1/cases/tally").json()["clocks"]
    assert (counted["running"], counted["undated"], counted["late"]) == (1, 1, 0)


def test_the_shell_says_so_and_dates_it_with_the_notice(city: City, tmp_path: Path) -> None:
    shell, where = CliRunner(), ("--city", str(city.settings.folder))
    shown = shell.invoke(app, ["case", "show", "1", *where])
    assert "not known yet" in " ".join(shown.output.split())
    assert _why(shell.invoke(app, ["case", "show", "1", "--json", *where]), "readings") == REASON
    (tmp_path / "notice.yaml").write_text(NOTICE, encoding="utf-8")
    loaded = shell.invoke(app, ["calendar", "load", str(tmp_path / "notice.yaml"), *where])
    assert "1 clock of open cases got a deadline by the calendar." in " ".join(
        loaded.output.split()
    )
    (run,) = case(open_city(city.settings.folder).office, 1).case.runs
    assert run.due_at is not None
    shown = shell.invoke(app, ["case", "show", "1", *where])
    assert f"{LAST + 1}-01-" in shown.output
    assert _why(shell.invoke(app, ["case", "show", "1", "--json", *where]), "readings") is None


def _why(shown: Result, among: str) -> object:
    (reading,) = json.loads(shown.output)[among]
    return reading["why_undated"]


def test_an_appeal_against_a_score_is_shown_without_a_deadline_and_dated(tmp_path: Path) -> None:
    create_city(tmp_path / "city", pack="city_evaluation")
    city = replace(open_city(tmp_path / "city"), clock=lambda: NOW)
    period, town = ("case_handling", f"{LAST}-11"), PartyId("bridge")
    begun, closed = (Instant(datetime(LAST, 11, day, tzinfo=UTC)) for day in (2, 9))
    fact = CaseFact("case:1/1", town, "event", 1, begun, begun, closed, closed)
    score(city.evaluating, *period, [fact], {town: Body(Level.TOWN)}, by="clerk")
    publish(city.evaluating, *period, by="clerk")
    person = Person("m.lin", town)
    city.appeal_score(*period, "closing_rate", by=person, facts=[fact.id], reason="shut")
    where = ["--city", str(city.settings.folder)]
    listed = CliRunner().invoke(app, ["evaluation", "appeals", *where])
    assert "holiday" in listed.output
    listed = CliRunner().invoke(app, ["evaluation", "appeals", "--json", *where])
    assert [each["why_undated"] for each in json.loads(listed.output)] == [REASON]
    with TestClient(make_app(city), "http://127.0.0.1") as client:

        def told() -> tuple[bool, object, object]:
            page = client.get("/evaluation", headers={"Accept-Language": "zh"}).text
            (each,) = client.get("/api/v1/evaluation/appeals").json()["items"]
            return "期限待定" in page, each["due_at"] is None, each["why_undated"]

        assert told() == (True, True, REASON)
        (tmp_path / "notice.yaml").write_text(NOTICE, encoding="utf-8")
        loaded = CliRunner().invoke(
            app, ["calendar", "load", str(tmp_path / "notice.yaml"), *where]
        )
        assert "1 appeal got a deadline by the calendar." in " ".join(loaded.output.split())
        assert told() == (False, False, None)
