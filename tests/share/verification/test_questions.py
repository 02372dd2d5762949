"""One question: from the lake through the index to an answer with receipt and audit entry."""

from __future__ import annotations

from typing import Any

import pytest

from shuzhi.share.verification import Receipted

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
