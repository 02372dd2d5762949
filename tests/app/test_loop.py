"""The closed loop: a reading becomes a warning, the warning a case, each step an entry."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from shuzhi.act.cases import (
    Actor,
    CaseRole,
    Order,
    Upload,
    cases,
    check,
    close,
    dispatch,
    feed_back,
    take,
)
from shuzhi.app import City
from shuzhi.app.reactions import severity_of_case
from shuzhi.app.running.catching_up import NoProgress, Seen, follow_cases, judge
from shuzhi.cli import main
from shuzhi.decide.rules import Outcome, Severity
from shuzhi.kernel.ids import PartyId

Put = Callable[[City, int, list[tuple[str, int, int]]], None]


def test_a_high_reading_opens_a_case_of_whoever_is_responsible(loop: City, put: Put) -> None:
    put(loop, 1, [("a", 0, 20), ("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    (warning,) = loop.warnings()
    (opened,) = cases(loop.office).cases
    assert (warning.rule_id, warning.severity) == ("dust_high", Severity.ORANGE)
    assert (opened.kind, opened.responsible) == ("data_defect", "works")
    assert (opened.title, opened.title_en) == ("扬尘超标：b", "Too much dust: b")


def test_cases_of_one_rule_are_told_apart_by_their_titles(loop: City, put: Put) -> None:
    put(loop, 1, [("a", 0, 900), ("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    assert {c.title for c in cases(loop.office).cases} == {"扬尘超标：a", "扬尘超标：b"}


def _told(*command: str, loop: City, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main((*command, "--city", str(loop.settings.folder)))
    assert not ended.value.code
    return capsys.readouterr().out


def test_status_tells_how_many_cases_are_open_and_late(
    loop: City, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    put(loop, 1, [("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    told = json.loads(_told("status", "--json", loop=loop, capsys=capsys))
    assert told["cases"] == {"open": 1, "late": 0}
    assert told["is_up"] is False
    assert "1 case open, 0 late" in _told("status", loop=loop, capsys=capsys)


def test_a_unit_of_what_is_counted_is_shown_as_a_word(
    loop: City, capsys: pytest.CaptureFixture[str]
) -> None:
    loop.compute_indicators()
    shown = _told("indicator", "tree", loop=loop, capsys=capsys)
    assert "0 warnings" in shown
    assert "{" not in shown


def test_the_same_matter_joins_its_case(loop: City, put: Put) -> None:
    put(loop, 1, [("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    put(loop, 2, [("b", 5, 800)])
    loop.gather("dust_files", NoProgress())
    (held,) = cases(loop.office).cases
    assert (len(loop.warnings()), held.reports) == (2, 2)


def test_catching_up_adds_nothing_to_what_was_heard(loop: City, put: Put) -> None:
    put(loop, 1, [("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    assert judge(loop, Seen()) == 0
    assert len(cases(loop.office).cases) == 1


def test_a_promise_that_is_broken_is_a_case_of_the_provider(loop: City, put: Put) -> None:
    put(loop, 1, [("a", 0, -5), ("b", 0, 20)])
    loop.gather("dust_files", NoProgress())
    loop.check("dust")
    texts = [c.title for c in cases(loop.office).cases]
    assert texts
    assert all("dust" in text for text in texts)


def test_a_rule_that_fails_is_a_case_of_its_owner(loop: City) -> None:
    loop.switch_rule("dust_high", is_on=False, by="someone", reason="It is wrong.")
    (held,) = cases(loop.office).cases
    assert (held.kind, held.responsible) == ("rule_defect", "city")


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.BLUE, "ordinary"),
        (Severity.YELLOW, "ordinary"),
        (Severity.ORANGE, "urgent"),
        (Severity.RED, "urgent"),
    ],
)
def test_four_colours_become_the_severities_of_a_kind(
    loop: City, severity: Severity, expected: str
) -> None:
    kind = loop.office.clocks("data_defect").kind
    assert severity_of_case(kind, severity) == expected


def test_every_step_of_the_loop_is_in_the_log(loop: City, put: Put) -> None:
    put(loop, 1, [("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    assert loop.record() >= 3
    assert loop.record() == 0


def _closed(loop: City, how: str) -> None:
    """Carry the only case to its end, with evidence and an independent check."""
    office = loop.office
    (held,) = cases(office).cases
    roles = frozenset(CaseRole)
    desk, works = Actor("d", PartyId("city"), roles), Actor("w", PartyId("works"), roles)
    proof = [Upload("report.pdf", b"%PDF-1.4 measured again")]
    dispatch(office, held.id, by=desk, orders=[Order(PartyId("works"), is_lead=True)])
    take(office, held.id, by=works)
    feed_back(office, held.id, by=works, text="done", files=proof)
    check(office, held.id, by=desk, is_good=True)
    close(office, held.id, by=desk, outcome=how)


@pytest.mark.parametrize(
    ("how", "expected"), [("resolved", Outcome.ACTED), ("unfounded", Outcome.FALSE)]
)
def test_a_warning_learns_what_became_of_its_case(
    loop: City, put: Put, how: str, expected: Outcome
) -> None:
    put(loop, 1, [("b", 0, 900)])
    loop.gather("dust_files", NoProgress())
    _closed(loop, how)
    assert follow_cases(loop) > 0
    assert follow_cases(loop) == 0
    assert [w.outcome for w in loop.warnings()] == [expected]
