"""Figures come out the same whichever way they are counted: by rows, or by whom rows are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.share.access import Allowed, Form, Refusal, ask, decide

CITY_KEY = b"the key of a city that is a test"
ALL = "COUNT(*) AS n, COUNT(score) AS c, SUM(kids) AS s, AVG(income) AS a"


@pytest.mark.parametrize(
    ("sql", "cells"),
    [
        ("SELECT COUNT(*) AS n FROM residents", 1),
        (f"SELECT {ALL} FROM residents", 1),
        (f"SELECT district, {ALL} FROM residents GROUP BY district ORDER BY district", 2),
        (f"SELECT district, kids, {ALL} FROM residents GROUP BY ALL ORDER BY district, kids", 0),
        (f"SELECT kids, {ALL} FROM residents GROUP BY kids ORDER BY kids", 4),
        (f"SELECT kids, {ALL} FROM residents WHERE kids IN (1, 2, 1) GROUP BY kids ORDER BY 1", 2),
        (f"SELECT {ALL} FROM residents WHERE kids NOT IN (1, 9) AND is_active = TRUE", 1),
        (f"SELECT {ALL} FROM residents WHERE NOT kids = 1 AND district <> 'south'", 1),
        (f"SELECT {ALL} FROM residents WHERE district IN ('north', 'x') AND score IS NOT NULL", 1),
        (f"SELECT {ALL} FROM residents WHERE id IN ('r0000', 'r0001')", 0),
        (f"SELECT {ALL} FROM residents WHERE id <> 'r0000'", 0),
        ("SELECT COUNT(DISTINCT kids), SUM(DISTINCT kids), AVG(DISTINCT kids) FROM residents", 1),
        ("SELECT COUNT(DISTINCT mobile), COUNT(*), SUM(kids) FROM residents WHERE kids = 2", 1),
    ],
)
def test_who_is_in_one_row_counts_as_a_row(worlds: Any, asked: Any, sql: str, cells: int) -> None:
    form = {"form": Form.AGGREGATE, "minimum_group": 5, "budget": 9}
    rows = asked.grant("residents", rows=asked.allowed("residents").rows, **form)
    answers = [_ask(worlds, asked, replace(rows, subject=subject), sql) for subject in (None, "id")]
    assert answers[0] == answers[1]
    assert len(answers[0]) == cells


def _ask(worlds: Any, asked: Any, grant: Any, sql: str) -> Any:
    return _cells(worlds.lakes["A"], asked, grant, sql)


def _cells(lake: Lake, asked: Any, grant: Any, sql: str) -> list[dict[str, Any]]:
    dataset = str(grant.dataset)
    seen = decide(grant, asked.request(dataset), asked.facts(dataset), asked.masks)
    assert isinstance(seen, Allowed)
    answer = ask(lake, [seen], sql, city_key=CITY_KEY)
    return [] if isinstance(answer, Refusal) else answer.to_pylist()


@pytest.fixture(scope="module")
def people_of_years(tmp_path_factory: pytest.TempPathFactory, asked: Any) -> Lake:
    """A lake in which the year 100 has one person, 101 two, and so on; each has many rows."""
    folder: Path = tmp_path_factory.mktemp("years")
    lake = open_lake(folder / "lake")
    rows = [_row(count, n % count, n) for count in range(1, 61) for n in range(count * 6 + 40)]
    nobody = [("north", "cook", 99, None, n) for n in range(50)]
    columns: Sequence[Any] = list(zip(*rows, *nobody, strict=True))
    made = dict(zip(("district", "job", "year", "person", "amount"), columns, strict=True))
    schema = asked.tables("A")["incomes"].schema
    missing = {name: [None] * len(columns[0]) for name in schema.names}
    lake.append("incomes", pa.table(missing | made, schema=schema))
    return lake


def _row(count: int, person: int, n: int) -> tuple[Any, ...]:
    # Of the first two of each year nobody has an amount, the third not always.
    amount = None if person < 2 or (person == 2 and n % 2) else n
    district = "south" if person % 7 == 0 else "north"
    return district, "clerk" if n % 9 else "cook", 99 + count, f"p{count}-{person}", amount


@pytest.mark.parametrize("minimum", [3, 10, 31])
@pytest.mark.parametrize(
    ("figure", "rest"),
    [
        ("SUM(amount)", "WHERE district IN ('north', 'south', 'x') GROUP BY year"),
        ("COUNT(amount)", "WHERE job <> 'cook' GROUP BY year"),
        ("AVG(amount)", "WHERE district = 'south' GROUP BY year, job"),
        ("COUNT(amount)", "WHERE year IN (100, 103, 104, 105, 110, 129, 130)"),
    ],
)
def test_subjects_are_told_as_well_as_by_counting_each(
    people_of_years: Lake, asked: Any, figure: str, rest: str, minimum: int
) -> None:
    outputs = ", ".join([*filter(None, [rest.partition("GROUP BY ")[2]]), f"{figure} AS f"])
    plain = f"SELECT {outputs} FROM incomes {rest}"
    # What is counted once can only be told by counting each.
    each = f"SELECT {outputs}, SUM(DISTINCT amount) AS d FROM incomes {rest}"
    grant = replace(asked.grants["incomes"], minimum_group=minimum)
    found, right = (_cells(people_of_years, asked, grant, sql) for sql in (plain, each))
    assert _sorted(found) == _sorted([{k: v for k, v in row.items() if k != "d"} for row in right])


@pytest.mark.parametrize("minimum", [3, 10, 30])
def test_a_cell_has_as_many_subjects_as_are_asked_for(
    people_of_years: Lake, asked: Any, minimum: int
) -> None:
    grant = replace(asked.grants["incomes"], minimum_group=minimum)
    sql = "SELECT year, SUM(amount) AS s FROM incomes GROUP BY year"
    shown = {row["year"] for row in _cells(people_of_years, asked, grant, sql)}
    assert shown == {99 + count for count in range(minimum + 2, 61)}


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))
