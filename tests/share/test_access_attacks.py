"""Attempts to get at what a grant forbids: each is refused, or tells nothing of it.

What tells nothing is proven by asking in two worlds that differ only in what is forbidden: hidden
columns, hidden rows and their number, what masks cut off, tables of others, and of figures those
who stand out. All that the asker gets, errors too, must be the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shuzhi.kernel.documents import read_document
from shuzhi.share.access import REASONS, Refusal

ATTACKS = Path(__file__).parent / "attacks"


def _attacks() -> Iterator[Any]:
    for path in sorted(ATTACKS.glob("*.yaml")):
        content = read_document(path).content
        for number, attack in enumerate(content["attacks"], 1):
            yield pytest.param(content["grants"], attack, id=f"{path.stem}-{number}")


def _is_nothing(outcome: Any) -> bool:
    return isinstance(outcome, Refusal) or not outcome[2]


ALL = list(_attacks())


def test_there_are_many_attacks_and_no_two_are_the_same() -> None:
    texts = [str(p.values[1]["sql"]) for p in ALL]
    assert len(texts) >= 300
    assert [t for t in texts if texts.count(t) > 1] == []


@pytest.mark.parametrize(("grants", "attack"), ALL)
def test_an_attack_tells_nothing(worlds: Any, grants: list[str], attack: dict[str, Any]) -> None:
    questions = [attack["sql"]] if isinstance(attack["sql"], str) else attack["sql"]
    seconds = 0.5 if attack.get("endless") else 60
    outcomes = [worlds.both(sql, grants, max_seconds=seconds) for sql in questions]
    # Of several questions one alone may tell what anybody may know; then another has to fail.
    same = [first == second for first, second in outcomes]
    nothing = [_is_nothing(first) and _is_nothing(second) for first, second in outcomes]
    assert all(same) if len(questions) == 1 else any(nothing), outcomes
    assert "SECRET-A-" not in repr(outcomes) and "SECRET-B-" not in repr(outcomes)
    answers = [o for pair in outcomes for o in pair if not isinstance(o, Refusal)]
    assert not re.search("residents apart|read_parquet", repr(answers))


def test_every_refusal_has_words_in_both_languages() -> None:
    assert all(zh and en and zh != en for zh, en in REASONS.values())
