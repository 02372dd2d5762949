"""A city scores its parties: from runs, reports, clocks and cases to a league, from the shell."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from shuzhi.act.cases import Actor, CaseRole, Order, Report, Upload
from shuzhi.act.cases import use_cases as do
from shuzhi.act.evaluation import Arrival, Window, parse_period
from shuzhi.app import City, create_city
from shuzhi.app.act.score_facts import deliveries
from shuzhi.cli.commands import app
from shuzhi.gather.quality import Evidence, Ratio, latest, totals_between
from shuzhi.gather.quality.model import Report as QualityReport
from shuzhi.gather.quality.store import put_report
from shuzhi.gather.sources import RunReport, Source, State, read_source, runs_between
from shuzhi.gather.sources.store import save_run
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, PartyId, RunId, SourceName
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
description: {purpose: Hourly readings of dust.}
customProperties:
  - {property: titleZh, value: 空气质量小时值}
  - {property: provider, value: ecology}
  - {property: sharingType, value: unconditional}
  - {property: sharingMethod, value: query}
  - {property: openType, value: open}
  - {property: updateCycle, value: hour}
  - {property: grade, value: general}
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
KIND = """
id: dust
title: {zh: 扬尘, en: Dust}
severities: [ordinary]
steps:
  verify: {from: NEW, by: desk}
  file: {from: VERIFIED, by: desk}
  dispatch: {from: FILED, by: dispatcher}
  take: {from: DISPATCHED, by: handler}
  feed_back: {from: IN_HAND, by: handler}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
  rate: {from: CLOSED, by: rater}
clocks:
  - id: answer
    title: {zh: 受理, en: Taken up}
    over: [NEW, VERIFIED]
    answers: desk
    limit: 30 minutes
  - id: handle
    title: {zh: 处置, en: Handled}
    over: [DISPATCHED, IN_HAND]
    answers: handler
    limit: 5 working days
closing:
  evidence: {photo: 1}
"""
PARTIES = """
parties:
  - {id: city, title: {zh: 市政府, en: City}, level: city}
  - {id: ecology, title: {zh: 生态环境局, en: Ecology Bureau}, level: city, superior: city}
  - {id: north, title: {zh: 北区, en: North District}, level: district, superior: city}
  - {id: bridge, title: {zh: 桥头镇, en: Bridge Town}, level: town, superior: north}
  - {id: ford, title: {zh: 渡口镇, en: Ford Town}, level: town, superior: north}
"""
SOURCE = """
name: air_file
dataset: air
provider: ecology
kind: file
path: ../incoming/air.csv
format: csv
on_broken_rule: keep
"""
ALL = frozenset(CaseRole)
DESK, CHECKER = Actor("d", PartyId("city"), ALL), Actor("c", PartyId("ecology"), ALL)
PHOTO = Upload("after.png", b"\x89PNG\r\n\x1a\nx")
START = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
RUNNER = CliRunner()


class Hand:
    """A clock that stands where a test puts it."""

    now = START

    def __call__(self) -> Instant:
        return self.now


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        """Nobody looks."""

    def advanced(self, amount: int) -> None:
        """Nobody looks."""

    def finished(self) -> None:
        """Nobody looks."""


@pytest.fixture
def city(tmp_path: Path) -> City:
    files = {
        "contracts/air.odcs.yaml": CONTRACT,
        "sources/air.yaml": SOURCE,
        "incoming/air.csv": "station,pm10_ug_m3\na,1\nb,-4\nc,7\n",
        "cases/dust.yaml": KIND,
        "parties.yaml": PARTIES,
    }
    for name, text in files.items():
        path = tmp_path / "city" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    made = create_city(tmp_path / "city", pack="city_evaluation")
    return replace(made, clock=Hand())


def _case(city: City, hand: Hand, town: str, days: int, stars: int) -> None:
    """Open a case for a town and close it `days` later."""
    office, handler = city.office, Actor(town, PartyId(town), ALL)
    hand.now = START
    report = Report("dust", "ordinary", DESK, PartyId(town))
    case_id = do.open_case(office, report).case_id
    do.verify(office, case_id, by=DESK)
    do.file_case(office, case_id, by=DESK)
    do.dispatch(office, case_id, by=DESK, orders=[Order(PartyId(town), is_lead=True)])
    do.take(office, case_id, by=handler)
    hand.now = Instant(START + timedelta(days=days))
    do.feed_back(office, case_id, by=handler, files=[PHOTO])
    do.check(office, case_id, by=CHECKER, is_good=True)
    do.close(office, case_id, by=DESK)
    do.rate(office, case_id, by=DESK, stars=stars)


def _worked(city: City) -> Hand:
    """Six cases of Bridge Town, two of them late, and five of Ford Town, none late."""
    hand: Hand = city.clock  # type: ignore[assignment]
    for days in (1, 2, 3, 4, 10, 11):
        _case(city, hand, "bridge", days, 4)
    for _ in range(5):
        _case(city, hand, "ford", 2, 5)
    hand.now = Instant(datetime(2026, 4, 1, 2, tzinfo=UTC))
    return hand


def _run(city: City, *words: str) -> Any:
    """Run a command of evaluation that must do well, and return its JSON."""
    return json.loads(_told(city, *words, "--json"))


def _told(city: City, *words: str, group: str = "evaluation") -> str:
    arguments = [group, *words, "--city", str(city.settings.folder)]
    done = RUNNER.invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_towns_are_scored_by_their_cases_and_compared_with_towns(city: City) -> None:
    _worked(city)
    city.score("case_handling", "2026-03", by="clerk")
    city.publish_score("case_handling", "2026-03", by="clerk")
    towns = city.league("case_handling", "2026-03", Level.TOWN).rows
    assert [(r.score.party, r.score.rank) for r in towns] == [("ford", 1), ("bridge", 2)]
    on_time = {r.score.party: r.score.number("on_time_rate") for r in towns}
    assert (on_time["bridge"].numerator, on_time["bridge"].denominator) == (4, 6)
    assert (on_time["ford"].numerator, on_time["ford"].denominator) == (5, 5)
    (north,) = city.league("case_handling", "2026-03", Level.DISTRICT).rows
    assert north.score.number("on_time_rate").denominator == 11
    found = city.behind("case_handling", "2026-03", PartyId("bridge"), "on_time_rate")
    assert [c.fact.id for c in found.facts if not c.numerator] == ["case:5/1", "case:6/1"]
    assert len(city.recompute_score("case_handling", "2026-03")) == 3


def test_the_shell_scores_publishes_shows_appeals_and_decides(city: City) -> None:
    _worked(city)
    scheme = ("case_handling", "2026-03")
    made = _run(city, "score", *scheme, "--as", "clerk", "--publish")
    assert (made["published"], len(made["scored"]["scores"])) == (True, 3)
    found = _run(city, "league", *scheme, "--level", "town")
    assert [r["score"]["party"] for r in found["rows"]] == ["ford", "bridge"]
    named = ["--measure", "on_time_rate"]
    shown = _run(city, "show", *scheme, "--party", "bridge", *named)
    late = [c["fact"]["id"] for c in shown["facts"] if c["numerator"] == "0"]
    facts = [word for fact in late for word in ("--fact", fact)]
    who = ["--as", "m.lin", "--party", "bridge", "--reason", "flood"]
    (raised,) = _run(city, "appeal", *scheme, *named, *facts, *who)
    cure = ["--fact", late[0], "--fact", f"{late[1]}:is_late=false", "--reason", "seen"]
    judge = ["--as", "j.he", "--party", "ecology"]
    (done,) = _run(city, "decide", str(raised["id"]), "--uphold", *cure, *judge)
    assert done["decision"]["version_after"] == 2
    again = _run(city, "show", *scheme, "--party", "bridge", *named)
    assert (again["number"]["numerator"], again["number"]["denominator"]) == ("5", "5")
    first = _run(city, "show", *scheme, "--party", "bridge", *named, "--version", "1")
    assert (first["number"]["numerator"], first["number"]["denominator"]) == ("4", "6")
    assert _run(city, "verify", *scheme, "--version", "1") == {"is_same": True, "parties": 3}
    assert [a["id"] for a in _run(city, "appeals")] == [raised["id"]]


def test_the_tables_show_formulas_numbers_and_what_stands_beside_them(city: City) -> None:
    _worked(city)
    scheme = ("case_handling", "2026-03")
    assert "2 of 3 parties" not in _told(city, "score", *scheme, "--as", "clerk")
    _told(city, "publish", *scheme, "--as", "clerk")
    league = _told(city, "league", *scheme, "--level", "town")
    assert "66.67 % (4/6)" in " ".join(league.split())
    assert "按期结案数 ÷ 应结案数" in league
    assert "reopening_rate" in league
    shown = _told(city, "show", *scheme, "--party", "bridge", "--measure", "on_time_rate")
    assert "case:5/1" in shown
    assert "beside it: paused_share 0 / 6" in shown


def test_data_duties_are_scored_from_runs_reports_and_clocks(city: City) -> None:
    hand: Hand = city.clock  # type: ignore[assignment]
    for day in (3, 4, 5):
        hand.now = Instant(datetime(2026, 3, day, 2, tzinfo=UTC))
        city.gather("air_file", Silent())
        city.check("air")
        city.check("air")
    report = latest(city.control, "air")
    assert report is not None
    assert report.total is not None
    hand.now = Instant(datetime(2026, 4, 1, 2, tzinfo=UTC))
    city.score("data_duties", "2026-Q1", by="clerk")
    rows = city.league("data_duties", "2026-Q1", Level.CITY).rows
    ecology = next(r.score for r in rows if r.score.party == "ecology")
    assert ecology.number("punctuality").denominator == 3
    # Two reports a day, of which the last one counts.
    assert ecology.number("faulty_reports").denominator == 3
    quality = ecology.number("quality")
    # Each report is alike, but for the runs that succeeded until then: one, two and three.
    broken = report.total.checked - report.total.satisfied
    assert quality.denominator == 3 * report.total.checked - 3
    assert quality.denominator - quality.numerator == 3 * broken == 3
    city_desk = next(r.score for r in rows if r.score.party == "city")
    assert city_desk.number("punctuality").denominator == 0


def test_what_a_report_found_in_all_is_summed_by_the_store_as_the_report_sums_it(
    city: City,
) -> None:
    hand: Hand = city.clock  # type: ignore[assignment]
    city.gather("air_file", Silent())
    report = city.check("air")
    bare = QualityReport(
        RunId(UUID(int=7)), DatasetName("air"), "air", "1.0.0", 1, hand.now, 0, 0, (),
        Evidence(access=Ratio(1, 2)),
    )  # fmt: skip
    with city.control.transaction() as connection:
        put_report(connection, bare)
    later = Instant(hand.now + timedelta(seconds=1))
    found = {t.run_id: t.ratio for t in totals_between(city.control, hand.now, later)}
    assert found == {report.run_id: report.total, bare.run_id: bare.total}
    assert totals_between(city.control, later, Instant(later + timedelta(days=1))) == ()


def test_a_scheme_that_is_about_unknown_cases_is_refused(city: City) -> None:
    folder = city.settings.folder / "evaluation"
    folder.mkdir()
    scheme = city.declared.schemes["case_handling"].text
    wrong = scheme.replace("    of: cases\n", "    of: cases\n    only: [smog]\n", 1)
    (folder / "case_handling.yaml").write_text(wrong, encoding="utf-8")
    again = replace(city)
    with pytest.raises(RefusedError) as refused:
        again.score("case_handling", "2026-03", by="clerk")
    assert refused.value.code == "app.unknown_case_kind"
    assert "dust" in refused.value.next_step


@pytest.fixture
def source(city: City) -> Source:
    return read_source(city.settings.folder / "sources" / "air.yaml")


def _runs(*ended: tuple[int, int, State]) -> list[RunReport]:
    return [
        RunReport(
            RunId(UUID(int=n)),
            SourceName("air_file"),
            DatasetName("air"),
            state,
            START,
            Instant(datetime(2026, 3, day, hour, tzinfo=UTC)),
        )
        for n, (day, hour, state) in enumerate(ended)
    ]


@pytest.fixture
def window() -> Window:
    march = parse_period("2026-03")
    return Window(march.starts_at("UTC"), march.ends_at("UTC"))


def test_a_delivery_is_on_time_in_its_span_late_after_it_and_failed_if_it_never_came(
    source: Source, window: Window
) -> None:
    daily = source.model_copy(update={"every": "1 day"})
    runs = _runs(
        (1, 9, State.FAILED),
        (1, 10, State.DONE),  # the first day: on time in the end
        (2, 9, State.FAILED),
        (3, 9, State.DONE),  # brings the second day late, and the third on time
        (5, 9, State.FAILED),  # nobody was asked on the fourth; the fifth never came
    )
    found = {f.due_at.day: f.arrival for f in deliveries(daily, runs, window)}
    assert found == {
        1: Arrival.ON_TIME,
        2: Arrival.LATE,
        3: Arrival.ON_TIME,
        5: Arrival.FAILED,
    }


def test_a_source_without_a_rhythm_owes_what_it_is_asked_for(
    source: Source, window: Window
) -> None:
    runs = _runs((1, 9, State.FAILED), (1, 10, State.DONE))
    found = [(f.party, f.subject, f.arrival) for f in deliveries(source, runs, window)]
    assert found == [("ecology", "air", Arrival.FAILED), ("ecology", "air", Arrival.ON_TIME)]


def test_runs_are_found_by_when_they_ended(city: City) -> None:
    made = _runs((1, 9, State.DONE), (2, 9, State.FAILED), (3, 9, State.DONE))
    with city.control.transaction() as connection:
        for run in made:
            save_run(connection, run)
    start, end = made[1].ended_at, made[2].ended_at
    assert start is not None
    assert end is not None
    assert runs_between(city.control, start, end) == (made[1],)


def test_the_shell_rehearses_the_same_cases_with_other_people(city: City) -> None:
    _worked(city)
    days = ["--from", "2026-03-01", "--to", "2026-03-31", "--hours", "09:00-17:00"]
    words = ["rehearse", *days, "--handlers", "bridge=6", "--limit", "ordinary=9 working days"]
    found = json.loads(_told(city, *words, "--json", group="case"))
    bridge = next(p for p in found["parties"] if p["party"] == "bridge")
    assert (bridge["was"]["handlers"], bridge["was"]["late"]) == (1, 2)
    assert (bridge["asked"]["handlers"], bridge["asked"]["late"]) == (6, 0)
    assert "模拟推演" in _told(city, *words, group="case")


@pytest.mark.parametrize(
    "words",
    [
        ["--handlers", "bridge"],
        ["--handlers", "bridge=-1"],
        ["--hours", "9-17"],
        ["--limit", "ordinary=3 days"],
        ["--to", "2026-02-01"],
        ["--from", "March"],
    ],
)
def test_what_the_shell_cannot_read_is_refused(city: City, words: list[str]) -> None:
    days = ["--from", "2026-03-01", "--to", "2026-03-31"]
    arguments = ["case", "rehearse", *days, *words, "--city", str(city.settings.folder)]
    done = RUNNER.invoke(app, arguments)
    assert isinstance(done.exception, RefusedError)
    assert done.exception.code == "cli.bad_word"
