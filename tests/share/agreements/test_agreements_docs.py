"""The page on agreements shows what the software does: its diagram, its file, its words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from shuzhi.share.agreements import ApplicationState, Verb, duties, read_application, submit
from shuzhi.share.agreements.ways import WAYS
from shuzhi.share.catalogue.model import Rank

PAGE = (Path(__file__).parents[3] / "docs" / "agreements.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (\S+) --> (\S+): (.+)$", re.MULTILINE)
# They leave the state as it is, or are said in words below the diagram.
STAYING = {
    Verb.ASK_EXTENSION, Verb.GRANT_EXTENSION, Verb.DENY_EXTENSION, Verb.PROVIDE, Verb.RENEW,
    Verb.WITHDRAW,
}  # fmt: skip
BY_THEMSELVES = {"submit", "make", "expire"}


def test_the_diagram_has_every_way_and_no_other() -> None:
    drawn = {
        (start, word.partition("(")[0].strip())
        for start, _, label in ARROW.findall(PAGE)
        for word in label.split(",")
    }
    ways = {
        (str(state), verb.value)
        for verb, froms in WAYS.items()
        for state in froms
        if verb not in STAYING and (verb, state) != (Verb.ASSIGN, ApplicationState.WAITING)
    }
    assert {(start, word) for start, word in drawn if word not in BY_THEMSELVES} == ways


def test_the_file_shown_is_a_whole_application(exchange: Any, tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "air.yaml"
    file.write_text(block, encoding="utf-8")
    held = submit(exchange.office, read_application(file), by=exchange.water).application
    assert (held.state, held.missing) == (ApplicationState.WAITING, ())


def test_every_rank_of_the_catalogue_stands_in_the_table_and_agrees_with_it() -> None:
    table = {row.rank: row.may_refuse for row in duties().ranks}
    assert table == {rank: rank.may_withhold for rank in Rank}
    assert duties().source
    assert duties().is_verified is False


@pytest.mark.parametrize("item", [r.item for r in duties().requirements])
def test_each_thing_that_law_asks_is_asked(exchange: Any, item: str) -> None:
    empty = {"rows": None, "method": None, "starts_on": None, "ends_on": None, "basis": "",
             "scenario": "", "agreed_by": ""}  # fmt: skip
    held = exchange.submitted(**{item: empty.get(item, ())})
    assert held.missing == (item,)
