"""Approved queries: asked by name, with values in their bounds, inside of the agreement."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import Actor
from shuzhi.share.delivery import Parameter, approve, approved_queries, ask_approved

REGISTRY = Actor("r.zhou", PartyId("registry"))
SQL = "SELECT COUNT(*) AS n FROM residents WHERE district = $district AND no >= $low"
PARAMETERS = (
    Parameter("district", LogicalType.STRING, choices=("north", "south")),
    Parameter("low", LogicalType.INTEGER, "0", "100"),
)


def asked(town: Any, held: Any, name: str = "how_many", **values: str) -> Any:
    return ask_approved(town.desk, town.wanted(held), town.asker(), name, values)


def test_a_query_is_asked_by_name(town: Any) -> None:
    held = town.agreed()
    made = approve(town.desk, held.id, "how_many", SQL, PARAMETERS, by=REGISTRY)
    assert approved_queries(town.desk, held.id) == (made,)
    found = asked(town, held, district="north", low="8")
    assert json.loads(found.content.read()) == [{"n": 3}]
    assert found.receipt.what.rows == 1


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"district": "east", "low": "1"}, "district is none of north, south"),
        ({"district": "north' OR '1'='1", "low": "1"}, "district is none of"),
        ({"district": "north", "low": "101"}, "low is above 100"),
        ({"district": "north", "low": "-1"}, "low is below 0"),
        ({"district": "north", "low": "1 OR 1=1"}, "low is no integer"),
        ({"district": "north"}, "low is missing, or is none of this query"),
        ({"district": "north", "low": "1", "more": "1"}, "more is missing, or is none"),
    ],
)
def test_values_stay_in_their_bounds(town: Any, values: dict[str, str], problem: str) -> None:
    held = town.agreed()
    approve(town.desk, held.id, "how_many", SQL, PARAMETERS, by=REGISTRY)
    with pytest.raises(RefusedError, match=rf"share.parameter_bad: The parameter {problem}"):
        asked(town, held, **values)


def test_a_text_is_a_text_whatever_stands_in_it(town: Any) -> None:
    held = town.agreed()
    free = (Parameter("district", LogicalType.STRING, most="30"),)
    sql = "SELECT COUNT(*) AS n FROM residents WHERE district = $district"
    approve(town.desk, held.id, "how_many", sql, free, by=REGISTRY)
    for text in ("north' OR '1'='1", "\\' OR 1=1 --", '"', "$low"):
        assert json.loads(asked(town, held, district=text).content.read()) == [{"n": 0}]
    with pytest.raises(RefusedError, match=r"district has more than 30 characters"):
        asked(town, held, district="x" * 31)


def test_dates_and_numbers_are_of_their_types(town: Any) -> None:
    held = town.agreed()
    sql = "SELECT COUNT(*) AS n FROM residents WHERE income > $least AND DATE '2026-01-01' < $day"
    types = (
        Parameter("least", LogicalType.NUMBER),
        Parameter("day", LogicalType.DATE, "2026-01-01", "2026-12-31"),
    )
    approve(town.desk, held.id, "rich", sql, types, by=REGISTRY)
    found = asked(town, held, "rich", least="2.5", day="2026-02-01")
    assert json.loads(found.content.read()) == [{"n": 9}]
    for bad in ({"least": "NaN", "day": "2026-02-01"}, {"least": "1", "day": "2027-01-01"}):
        with pytest.raises(RefusedError, match=r"share.parameter_bad"):
            asked(town, held, "rich", **bad)


def test_approval_does_not_widen_an_agreement(town: Any) -> None:
    held = town.agreed()
    approve(town.desk, held.id, "secrets", "SELECT secret FROM residents", by=REGISTRY)
    found = asked(town, held, "secrets")
    assert isinstance(found, Refusal)


def test_who_approves_what(town: Any) -> None:
    held = town.agreed()
    with pytest.raises(RefusedError, match=r"share.not_your_side: Queries of agreement 1"):
        approve(town.desk, held.id, "mine", "SELECT 1", by=Actor("h.li", PartyId("housing")))
    for sql, parameters in (
        ("SELECT", ()),
        ("DROP TABLE residents", ()),
        (SQL, ()),
        (SQL, (*PARAMETERS, PARAMETERS[0])),
        ("SELECT $x AS x", (Parameter("x", LogicalType.OBJECT),)),
    ):
        with pytest.raises(RefusedError, match=r"share.query_bad"):
            approve(town.desk, held.id, "bad", sql, parameters, by=REGISTRY)
    approve(town.desk, held.id, "good", "SELECT no FROM residents", by=REGISTRY)
    with pytest.raises(RefusedError, match=r"share.query_taken"):
        approve(town.desk, held.id, "good", "SELECT no FROM residents", by=REGISTRY)
    with pytest.raises(RefusedError, match=r"share.query_unknown"):
        asked(town, held, "unheard_of")
