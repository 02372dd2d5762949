"""Rehearsals over the interface: rules with other values, past work with other people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shuzhi.kernel.ids import PartyId

from .conftest import Program, Town
from .test_deliveries import refusal

As = Callable[[str], Program]


@pytest.fixture
def span(town: Town) -> dict[str, str]:
    year = town.city.clock().year
    return {"start": f"{year}-03-01", "end": f"{year}-04-01"}


def test_to_rehearse_is_for_analysts_and_managers(as_: As, span: dict[str, str]) -> None:
    rule = {**span, "rule": "dust_high", "values": {"most": "200"}}
    for path, given in (("rules", rule), ("staffing", span)):
        for who, status in (("", 401), ("li", 403), ("chen", 200), ("gao", 200)):
            assert as_(who).post(f"/rehearsals/{path}", given).status_code == status, who


def test_a_rule_with_another_value_raises_other_warnings_and_stores_none(
    as_: As, town: Town, span: dict[str, str]
) -> None:
    assert as_("chen").get("/rules/dust_high").json()["values"] == {"most": "150"}
    before = town.city.warnings(limit=None)
    given = {**span, "rule": "dust_high", "values": {"most": "200"}}
    found = as_("chen").post("/rehearsals/rules", given).json()
    assert found["present"] > found["other"] > 0
    assert found["only_present"] == found["present"] - found["other"]
    assert (found["only_other"], found["failure"]) == (0, "")
    for way in ("present", "other"):
        assert sum(day[way] for day in found["days"]) == found[way]
    assert {day["severity"] for day in found["days"]} == {"orange"}
    same = as_("chen").post("/rehearsals/rules", {**given, "values": {"most": "150"}}).json()
    assert same["present"] == same["other"] == found["present"]
    assert town.city.warnings(limit=None) == before


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"rule": "none"}, 404, "app.no_such_rule"),
        ({"values": {"least": "1"}}, 422, "decide.no_such_value"),
        ({"values": {"most": "many"}}, 422, "decide.bad_value"),
        ({"values": {"merge_within": "soon"}}, 422, "kernel.bad_span"),
        ({"values": {}}, 422, "web.bad_words"),
        ({"start": "2026-03-05", "end": "2026-03-05"}, 422, "web.bad_words"),
        ({"start": "2025-03-01", "end": "2026-03-03"}, 422, "web.bad_words"),
        ({"start": "0001-01-01", "end": "0001-01-02"}, 422, "web.bad_words"),
        ({"end": "9999-12-31"}, 422, "web.bad_words"),
        ({"start": 7}, 422, "web.bad_words"),
    ],
)
def test_what_a_rule_cannot_be_rehearsed_with_is_refused(
    as_: As, span: dict[str, str], changed: dict[str, Any], status: int, code: str
) -> None:
    given = {**span, "rule": "dust_high", "values": {"most": "200"}, **changed}
    assert refusal(as_("chen").post("/rehearsals/rules", given)) == (status, code)


@pytest.mark.parametrize("most", ["1e400", "-1e400", "1e-400", "123456789012345678901234567890123"])
def test_a_value_that_no_engine_holds_breaks_nothing(
    as_: As, span: dict[str, str], most: str
) -> None:
    given = {**span, "rule": "dust_high", "values": {"most": most}}
    assert as_("chen").post("/rehearsals/rules", given).status_code in (200, 422)


def test_past_work_is_done_again_by_other_people(as_: As, span: dict[str, str]) -> None:
    chen = as_("chen")
    found = chen.post("/rehearsals/staffing", span).json()
    assert "simulation" in found["says"]["en"]
    teams = {team["party"]: team for team in found["parties"]}
    assert {"west", "old_town"} <= teams.keys()
    for team in teams.values():
        assert team["was_simulated"] == team["asked"]
    nobody = chen.post("/rehearsals/staffing", {**span, "handlers": {"west": 0}}).json()
    other = {team["party"]: team for team in nobody["parties"]}
    assert other["old_town"] == teams["old_town"]
    assert other["west"]["was"] == teams["west"]["was"]
    asked = other["west"]["asked"]
    assert (asked["handlers"], asked["finished"]) == (0, 0)
    assert asked["open_at_end"] == asked["pieces"] == teams["west"]["was"]["pieces"]


def test_one_team_is_told_of_with_those_below_it(as_: As, town: Town, span: dict[str, str]) -> None:
    found = as_("chen").post("/rehearsals/staffing", {**span, "team": "east"}).json()
    within = {"east", *town.city.organisation().below(PartyId("east"))}
    parties = {team["party"] for team in found["parties"]}
    assert "old_town" in parties <= within
    nobody = as_("chen").post("/rehearsals/staffing", {**span, "team": "hills"}).json()
    assert nobody["parties"] == []


def test_other_hours_and_limits_are_taken(as_: As, span: dict[str, str]) -> None:
    asked = {"hours": ["09:00-12:00", "13:00-18:00"], "limits": {"ordinary": "1 minute"}}
    found = as_("chen").post("/rehearsals/staffing", {**span, **asked}).json()
    west = next(team for team in found["parties"] if team["party"] == "west")
    assert west["asked"]["late"] == west["asked"]["timed"] > 0


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"start": "2026-03-01", "end": "2026-12-01"}, "web.bad_words"),
        ({"handlers": {"west": 1_001}}, "web.bad_words"),
        ({"handlers": {"west": -1}}, "web.bad_words"),
        ({"hours": ["always"]}, "web.bad_words"),
        ({"hours": ["09:00-12:00", "11:00-13:00"]}, "web.bad_words"),
        ({"limits": {"ordinary": "soon"}}, "web.bad_words"),
        ({"limits": {"none_such": "3 working days"}}, "web.bad_words"),
        ({"start": "2010-01-01", "end": "2010-01-03"}, "act.nothing_to_rehearse"),
    ],
)
def test_what_staffing_cannot_be_rehearsed_with_is_refused(
    as_: As, span: dict[str, str], changed: dict[str, Any], code: str
) -> None:
    answer = as_("chen").post("/rehearsals/staffing", {**span, **changed})
    assert refusal(answer) == (422, code)
