"""One question: from the lake through the index to an answer with receipt and audit entry."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Operator, User
from shuzhi.share.agreements.model import RowTerm
from shuzhi.share.receipts.turns import leaf, turn_root
from shuzhi.share.verification import Asking, Claim, Question, Receipted

ZHANG, ABDULLA, LI = "11010119900307721X", "110101198512120023", "110101197001010011"


def test_a_claim_that_holds_is_confirmed_with_a_receipt(registry: Any) -> None:
    result = registry.ask(ZHANG, {"name": "张三丰", "born": "1990-03-07"})
    assert isinstance(result, Receipted), result
    assert (result.answer.told, result.receipt) == ("yes", 1)


@pytest.mark.parametrize(
    ("subject", "claims", "told"),
    [
        (ZHANG.lower(), {"name": "张三丰"}, "yes"),
        (ZHANG, {"name": "张三"}, "no"),
        (ZHANG, {"name": {"name": "张 三 丰"}}, "yes"),
        (ZHANG, {"name": {"masked": "张*"}}, "yes"),
        (ZHANG, {"name": "张三丰", "district": "d2"}, "differs"),
        (ABDULLA, {"name": {"name": "阿卜杜拉•买买提"}}, "yes"),
        (ABDULLA, {"born": {"date": "1985-12-14", "within_days": 2}}, "yes"),
        (ABDULLA, {"born": {"date": "1985-12-14", "within_days": 1}}, "no"),
        (ABDULLA, {"phone": {"last": "1234"}}, "yes"),
        (ABDULLA, {"phone": {"masked": "139****1234"}}, "yes"),
        (ABDULLA, {"rooms": 2}, "yes"),
        (LI, {"name": {"name": "LI  Sj"}}, "differs"),
        (LI, {"phone": "13900001234"}, "no"),
        ("110101190001010000", {"name": "Nobody"}, "no"),
        (ZHANG, {"secret": "s"}, "masked_condition"),
        (ZHANG, {"id": ZHANG}, "column_not_verifiable"),
        (ZHANG, {"height": 3}, "column_not_granted"),
        (ZHANG, {"name": {"last": "丰"}}, "comparison_not_allowed"),
    ],
)
def test_what_is_told(registry: Any, subject: str, claims: dict[str, Any], told: str) -> None:
    assert registry.told(subject, claims) == told


def test_who_is_not_there_looks_like_a_no_unless_the_agreement_says_otherwise(
    registry: Any,
) -> None:
    here, away = (registry.ask(who, {"rooms": 9}).answer for who in (ZHANG, "nobody"))
    assert (here.told, here.verdicts) == (away.told, away.verdicts)
    registry.declare("agreements: {1: {tells_absent: true}}\n")
    assert registry.told("nobody", {"rooms": 9}) == "no_such_subject"
    assert registry.told(ZHANG, {"rooms": 9}) == "no"


def test_rows_outside_of_the_grant_are_not_there(registry: Any) -> None:
    rows = (RowTerm("district", Operator.ONE_OF, ("d1",)),)
    registry.agreed(rows=rows, purposes=("rent_aid", "in d1"))
    assert registry.told(ZHANG, {"rooms": 3}, agreement=2) == "yes"
    assert registry.told(LI, {"rooms": 1}, agreement=2) == "no"


def test_another_party_learns_nothing_of_an_agreement(registry: Any) -> None:
    stranger = User("w.li", PartyId("water"), frozenset({"data_user"}))
    assert registry.told(ZHANG, {"rooms": 3}, user=stranger) == "no_grant"
    assert registry.told(ZHANG, {"rooms": 3}, agreement=99) == "no_grant"


def _leaf(number: int, small: Any) -> bytes:
    about = hashlib.sha256(small.subject.to_bytes(8, "little")).hexdigest()
    own = (small.sha256, small.size_bytes, small.question_sha256)
    return leaf(number, small.alike.common_sha256, about, *own)


def test_answers_that_are_written_together_share_one_entry_of_the_log(registry: Any) -> None:
    desk, asking = registry.desk, Asking(registry.user, 1, "data_user", "rent_aid")
    permit = desk.permit(asking)
    questions = [
        Question(1, "rent_aid", "data_user", who, (Claim("rooms", 3),)) for who in (ZHANG, LI)
    ]
    answered = [desk.answer(permit, question) for question in questions]
    results = desk.settle(answered)
    with registry.control.transaction() as connection:
        raw = connection.scalars(select(outbox_table.c.content)).all()[-1]
    entry = json.loads(raw)
    ids = [result.receipt for result in results]
    assert (entry["kind"], entry["facts"]["receipts"]) == ("receipt.many_recorded", 2)
    leaves = [_leaf(number, each.small) for number, each in zip(ids, answered, strict=True)]
    assert entry["facts"]["root"] == turn_root(leaves) != turn_root(leaves[::-1])
    assert ZHANG.encode() not in raw
