"""The one decision: each term of a grant is kept, and the default is no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from shuzhi.gather.contracts import Field, LogicalType, Table
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.share.access import (
    AccessError,
    Allowed,
    DatasetFacts,
    DateTo,
    Either,
    Every,
    Form,
    Hashed,
    Keep,
    MaskRule,
    MaskTable,
    Operator,
    Partial,
    Refusal,
    Term,
    User,
    decide,
)

NORTH = Term("district", Operator.ONE_OF, ("north",))
SECOND = timedelta(seconds=1)


@pytest.fixture
def decided(asked: Any) -> Any:
    """Decide on the residents, with some terms of grant and request changed."""

    def made(
        terms: dict[str, Any] | None = None,
        masks: MaskTable = asked.masks,
        version: str = "1.4.0",
        **request: Any,
    ) -> Allowed | Refusal:
        granted = replace(asked.grants["residents"], **(terms or {}))
        facts = replace(asked.facts("residents"), contract_version=version)
        return decide(granted, asked.request("residents", **request), facts, masks)

    return made


def _reason(decision: Allowed | Refusal) -> str:
    assert isinstance(decision, Refusal), decision
    assert decision.zh and decision.en
    return decision.reason


def test_no_grant_means_no_rows(asked: Any) -> None:
    decision = decide(None, asked.request("residents"), asked.facts("residents"), asked.masks)
    assert _reason(decision) == "no_grant"


def test_no_mask_rule_means_no_data(decided: Any) -> None:
    assert _reason(decided(masks=MaskTable("empty", ()))) == "no_mask_rule"


def test_what_is_granted_is_allowed_through_its_masks(decided: Any) -> None:
    decision = decided()
    masks = {c.name: c.mask for c in decision.columns}
    assert masks["id"] == Keep()
    assert masks["name"] == Partial(1, 0)
    assert masks["mobile"] == Hashed()
    assert masks["born"] == DateTo("year")
    assert decision.withheld == ("card",)
    assert "secret" not in masks


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"user": User("wu", PartyId("police"), frozenset({"analyst"}))}, "not_the_assignee"),
        ({"dataset": DatasetName("visits")}, "not_the_dataset"),
        ({"role": "clerk"}, "role_not_covered"),
        ({"role": "owner"}, "role_not_held"),
        ({"purpose": "tax"}, "purpose_not_covered"),
        ({"columns": ("id", "secret")}, "column_not_granted"),
        ({"columns": ("nothing",)}, "column_not_granted"),
        ({"columns": ("card",)}, "no_mask_rule"),
        ({"rows": Term("secret", Operator.IS_PRESENT)}, "column_not_granted"),
        ({"rows": Term("nothing", Operator.IS_PRESENT)}, "condition_unfit"),
        ({"rows": Term("name", Operator.ONE_OF, ("张三",))}, "masked_condition"),
        ({"rows": Term("income", Operator.ABOVE, ("1",))}, "condition_unfit"),
    ],
)
def test_what_lies_outside_of_the_grant_is_refused(
    decided: Any, request_: dict[str, Any], reason: str
) -> None:
    assert _reason(decided(**request_)) == reason


def test_a_grant_holds_from_its_first_instant_until_before_its_last(
    asked: Any, decided: Any
) -> None:
    granted = asked.grants["residents"]
    assert _reason(decided(at=granted.since - SECOND)) == "not_yet"
    assert isinstance(decided(at=granted.since), Allowed)
    assert isinstance(decided(at=granted.until - SECOND), Allowed)
    assert _reason(decided(at=granted.until)) == "expired"


def test_a_contract_with_another_main_version_must_be_agreed_on_again(decided: Any) -> None:
    assert isinstance(decided(version="1.9.3"), Allowed)
    assert _reason(decided(version="2.0.0")) == "contract_changed"


def test_a_budget_of_questions_is_kept(asked: Any) -> None:
    facts, granted = asked.facts("incomes"), asked.grants["incomes"]
    allowed = decide(granted, asked.request("incomes", asked=999), facts, asked.masks)
    spent = decide(granted, asked.request("incomes", asked=1000), facts, asked.masks)
    assert isinstance(allowed, Allowed)
    assert _reason(spent) == "budget_spent"


def test_rows_of_grant_and_request_must_both_hold(asked: Any, decided: Any) -> None:
    decision = decided(rows=NORTH)
    assert decision.rows == Every((asked.grants["residents"].rows, NORTH))


@pytest.mark.parametrize(
    "rows",
    [
        Term("nothing", Operator.IS_PRESENT),
        Term("income", Operator.ONE_OF, ()),
        Term("income", Operator.ABOVE, (1, 2)),
        Term("income", Operator.ABOVE, (Decimal("1.5"),)),
        Term("kids", Operator.ONE_OF, (True,)),
        Term("is_active", Operator.ABOVE, (True,)),
        Term("district", Operator.ONE_OF, ("north", 1)),
        Term("district", Operator.IS_MISSING, ("north",)),
        Either((NORTH, Every((Term("moved", Operator.BELOW, ("2020-01-01",)),)))),
    ],
)
def test_a_condition_that_could_fail_on_a_row_is_refused(decided: Any, rows: Any) -> None:
    assert _reason(decided({"rows": rows})) == "condition_unfit"


def test_a_mask_that_does_not_fit_its_column_is_refused(decided: Any) -> None:
    masks = MaskTable("unfit", (MaskRule(DateTo("year"), None, None, None),))
    assert _reason(decided(masks=masks)) == "mask_unfit"


def test_the_first_rule_that_fits_counts() -> None:
    clerk = MaskRule(Keep(), frozenset({"personal"}), frozenset({"clerk"}), frozenset({"aid"}))
    anybody = MaskRule(Hashed(), frozenset({"personal"}), None, None)
    masks = MaskTable("two", (clerk, anybody))
    assert masks.of("clerk", "aid").mask("personal", None) == Keep()
    assert masks.of("clerk", "tax").mask("personal", "name") == Hashed()
    assert masks.of("guest", "aid").mask("personal", None) == Hashed()
    assert masks.of("clerk", "aid").mask("general", None) is None


@pytest.mark.parametrize(
    "terms",
    [
        {"columns": ()},
        {"purposes": frozenset()},
        {"roles": frozenset()},
        {"form": Form.AGGREGATE, "budget": 5},
        {"form": Form.AGGREGATE, "budget": 5, "minimum_group": 1},
        {"form": Form.AGGREGATE, "minimum_group": 5},
        {"form": Form.YES_NO, "budget": 5},
        {"form": Form.YES_NO, "budget": 5, "subject": "secret"},
        {"minimum_group": 5},
        {"budget": 5},
        {"form": Form.AGGREGATE, "budget": 0, "minimum_group": 5},
    ],
)
def test_a_grant_that_contradicts_itself_cannot_be(asked: Any, terms: dict[str, Any]) -> None:
    with pytest.raises(AccessError, match=r"share\.grant_bad: The grant 'grant of residents'"):
        asked.grant("residents", **terms)


def test_a_grant_must_end_after_it_begins(asked: Any) -> None:
    with pytest.raises(AccessError, match="it ends before it begins"):
        asked.grant("residents", until=asked.grants["residents"].since)


def test_facts_of_a_contract_know_grades_and_kinds() -> None:
    fields = (
        Field("id", LogicalType.STRING),
        Field(
            "name", LogicalType.STRING, classification="personal", properties={"valueKind": "name"}
        ),
    )
    facts = DatasetFacts.of(
        Table(DatasetName("people"), fields), contract_version="1.0.0", grade="general"
    )
    assert facts.columns["id"].grade == "general"
    assert facts.columns["id"].kind is None
    assert (facts.columns["name"].grade, facts.columns["name"].kind) == ("personal", "name")


def test_a_refusal_says_its_code_and_place() -> None:
    refusal = Refusal("column_not_granted", "…", "The column 'x' is not in the grant.", 2, 7)
    assert str(refusal) == (
        "share.column_not_granted: Line 2, column 7: The column 'x' is not in the grant."
    )
