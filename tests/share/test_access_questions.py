"""Questions that must be answered, and rightly: a guard that refuses all guards nothing.

What is right is told by asking the same text of tables that were made by hand from the rows: the
columns and rows that the grant has, masked in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from shuzhi.kernel.documents import read_document
from shuzhi.share.access import Refusal

QUESTIONS = Path(__file__).parent / "questions"
ROWS = read_document(QUESTIONS / "rows.yaml").content["questions"]
FIGURES = read_document(QUESTIONS / "figures.yaml").content["questions"]
CITY_KEY = b"the key of a city that is a test"


def _pseudonym(value: str) -> str:
    key = hmac(CITY_KEY, b"mask of housing", "sha256").hexdigest()
    return sha256((key + sha256((key + value).encode()).hexdigest()).encode()).hexdigest()


def _residents(rows: pa.Table) -> pa.Table:
    """The residents of two districts, as the masks of the test leave them."""
    seen = [r for r in rows.to_pylist() if r["district"] in {"north", "south"}]
    for row in seen:
        row["name"] = row["name"][0] + "***"
        row["mobile"] = _pseudonym(row["mobile"])
        row["born"] = date(row["born"].year, 1, 1)
        row["savings"] = float(row["savings"] // 1000 * 1000)
    names = [n for n in rows.schema.names if n not in {"card", "secret", "note"}]
    at = rows.schema.get_field_index("savings")
    schema = rows.schema.set(at, pa.field("savings", pa.float64()))
    return pa.table({n: pa.array([r[n] for r in seen], schema.field(n).type) for n in names})


@pytest.fixture(scope="module")
def by_hand(asked: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    tables = asked.tables("A")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        shown = {
            "residents": _residents(tables["residents"]),
            "visits": tables["visits"].drop(["clinic"]),
            "incomes": tables["incomes"].drop(["secret"]),
        }
        for name, rows in shown.items():
            connection.register(f"{name} by hand", rows)
            connection.execute(f'CREATE TABLE {name} AS FROM "{name} by hand"')
        yield connection


@pytest.mark.parametrize("sql", ROWS)
def test_a_question_for_rows_is_answered(
    worlds: Any, by_hand: duckdb.DuckDBPyConnection, sql: str
) -> None:
    answer = worlds.answer("A", sql, ["residents", "visits"])
    assert not isinstance(answer, Refusal), answer
    expected = by_hand.sql(sql.strip().rstrip(";")).to_arrow_table()
    assert answer.schema.types == expected.schema.types
    assert _values(answer, sql) == _values(expected, sql)


def _values(answer: pa.Table, sql: str) -> list[str]:
    rows = [repr(row) for row in zip(*(c.to_pylist() for c in answer.columns), strict=True)]
    # An order within OVER or a sub-query is none of the answer.
    is_ordered = re.search(r"ORDER BY([^()]|\([^()]*\))*$", sql)
    return rows if is_ordered else sorted(rows)


@pytest.mark.parametrize("question", FIGURES, ids=lambda q: q["sql"])
def test_a_question_for_figures_is_answered(
    worlds: Any, by_hand: duckdb.DuckDBPyConnection, question: dict[str, Any]
) -> None:
    sql = question["sql"]
    answer = worlds.answer("A", sql, ["incomes"])
    assert not isinstance(answer, Refusal), answer
    given = [list(row) for row in zip(*(c.to_pylist() for c in answer.columns), strict=True)]
    plain = [list(row) for row in by_hand.sql(sql).fetchall()]
    assert given == question.get("rows", plain)


@pytest.mark.parametrize(
    ("person", "kind", "holds"),
    [("p001", "rent", True), ("p001", "heat", False), ("p999", "rent", False)],
)
def test_yes_or_no(worlds: Any, person: str, kind: str, holds: bool) -> None:
    sql = f"SELECT COUNT(*) > 0 FROM benefits WHERE person = '{person}' AND kind = '{kind}'"
    answer = worlds.answer("A", sql, ["benefits"])
    assert answer.to_pylist() == [{"answer": holds}]


def test_there_are_many_questions() -> None:
    assert len(ROWS) + len(FIGURES) >= 60
    assert len(set(ROWS)) == len(ROWS)
