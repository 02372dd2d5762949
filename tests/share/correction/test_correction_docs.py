"""The picture in docs/correction.md is the table of ways."""

from __future__ import annotations

import re
from pathlib import Path

from shuzhi.share.correction import DoubtState, Verb
from shuzhi.share.correction.life_cycle import WAYS, state_after

_PAGE = (Path(__file__).resolve().parents[3] / "docs" / "correction.md").read_text(encoding="utf-8")


def test_the_picture_shows_every_way_and_no_other() -> None:
    drawn = re.findall(r"^    (\S+) --> (\w+): (\w+)$", _PAGE, re.MULTILINE)
    stays = {Verb.ACKNOWLEDGE, Verb.REVIEW, Verb.BREAK_CLOCK, Verb.DATE_CLOCK}
    ways = {
        (before.value, state_after(verb, before).value, verb.value)
        for verb, states in WAYS.items()
        for before in states
        if verb not in stays
    }
    assert set(drawn) == ways | {("[*]", DoubtState.CHECKING.value, Verb.SUBMIT.value)}
