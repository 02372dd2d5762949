"""The table of ASVS requirements: every row has a state, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_TEXT = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _TEXT.splitlines()
    if re.match(r"\| \d", line)
]
TESTS = sorted(set(re.findall(r"(tests/[\w/]+\.py)::(\w+)", _TEXT)))


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_every_test_that_is_named_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_has_a_state_and_a_test_or_a_reason() -> None:
    assert len(ROWS) > 60
    for number, asks, state, shown in ROWS:
        assert state in {"met", "partly", "not met", "n/a"}, number
        assert asks, number
        assert "::" in shown or len(shown) > 15, number


def test_no_requirement_stands_twice() -> None:
    numbers = [row[0] for row in ROWS]
    assert len(set(numbers)) == len(numbers)
