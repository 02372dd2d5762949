"""Whatever is asked, what a grant forbids changes nothing of the answer (non-interference)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from shuzhi.kernel.documents import read_document
from shuzhi.share.access import Refusal

HERE = Path(__file__).parent
NUMBERS = ["income", "kids", "score", "savings", "kids + 1", "income * 2", "income % kids"]
NUMBERS += ["CAST(code AS BIGINT)", "CAST(code AS DOUBLE)", "LENGTH(code)", "100 // kids", "cost"]
TEXTS = ["id", "name", "mobile", "district", "code", "UPPER(district)", "district || code"]
TEXTS += ["SUBSTRING(code, kids, 2)", "CAST(income AS VARCHAR)", "resident"]
DAYS = ["born", "moved", "DATE_TRUNC('month', moved)", "moved + INTERVAL 5000 YEAR", "day"]
HIDDEN = ["note", "secret", "card", "clinic"]
OF_NUMBERS = ["0", "1", "3500", "9223372036854775807", "1.5", "-1", "NULL"]
OF_TEXTS = ["'east'", "'north'", "'7'", "'x'", "NULL"]
OF_DAYS = ["'1970-01-01'", "'2021-06-01'", "DATE '2020-02-02'"]
FIGURES = ["COUNT({0})", "SUM({0})", "MIN({0})", "MAX({0})", "AVG({0})", "COUNT(DISTINCT {0})"]
TESTS = ["=", "<>", "<", ">=", "IS DISTINCT FROM"]


def _tests(columns: list[str], constants: list[str]) -> st.SearchStrategy[str]:
    """Tests of values of one type, so that most of what is made up can be answered."""
    value, constant = st.sampled_from(columns), st.sampled_from(constants)
    return st.one_of(
        st.builds("{} {} {}".format, value, st.sampled_from(TESTS), st.one_of(constant, value)),
        st.builds("{} IN ({}, {})".format, value, constant, st.one_of(constant, value)),
        st.builds("{} BETWEEN {} AND {}".format, value, constant, constant),
        st.builds("{} IS NULL".format, value),
        st.builds("{} IN (SELECT {} FROM residents)".format, value, value),
    )


# A resident's columns are there in every source; those of visits and hidden ones now and then.
values = st.sampled_from((NUMBERS + TEXTS + DAYS) * 6 + HIDDEN)
plain_tests = st.one_of(
    _tests(NUMBERS, OF_NUMBERS),
    _tests(TEXTS, OF_TEXTS),
    _tests(DAYS, OF_DAYS),
    _tests(["code", "kids", "income", "is_active"], [*OF_NUMBERS, *OF_TEXTS]),
    st.builds("{} LIKE '{}%'".format, st.sampled_from(TEXTS), st.sampled_from(["n", "1", "张"])),
    st.builds("EXISTS (SELECT 1 FROM visits WHERE resident = {})".format, st.sampled_from(TEXTS)),
    st.sampled_from(["is_active", "TRUE", "code", "secret IS NULL"]),
)
conditions = st.recursive(
    plain_tests,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
    ),
    max_leaves=4,
)
figures = st.builds(
    lambda figure, value: figure.format(value), st.sampled_from(FIGURES), st.sampled_from(NUMBERS)
)
sources = st.sampled_from(
    [
        *["residents JOIN visits ON visits.resident = id"] * 3,
        "residents LEFT JOIN visits ON visits.cost = income",
        "(SELECT * FROM residents) AS r CROSS JOIN (SELECT * FROM visits WHERE cost < 30) AS v",
        "residents",
        "(SELECT code AS kids, income, district, id FROM residents) AS r",
        "(SELECT kids AS code, income, district, id FROM residents UNION ALL "
        "SELECT code, income, district, id FROM residents) AS r",
    ]
)
rows = st.builds("SELECT {}, {} FROM {} WHERE {}".format, values, values, sources, conditions)
groups = st.builds(
    "SELECT {0}, {1} FROM {2} WHERE {3} GROUP BY {0} HAVING {4} IS NOT NULL".format,
    *(values, figures, sources, conditions, figures),
)
windows = st.builds(
    "SELECT {0}, {1} OVER (PARTITION BY {2} ORDER BY id, {0}) FROM {3} WHERE {4}".format,
    *(values, figures, values, sources, conditions),
)
firsts = st.builds("WITH x AS ({}) SELECT * FROM x".format, st.one_of(rows, groups))
unions = st.builds("{} UNION {}".format, rows, st.one_of(rows, groups))
chains = st.builds(
    "SELECT x, {0} * 2 AS f FROM (SELECT {1} AS x, {2} AS y FROM {3} WHERE {4}) AS q "
    "WHERE x IS NOT NULL AND y {5} GROUP BY x HAVING COUNT(*) * 2 > 1".format,
    st.builds(lambda figure: figure.format("y"), st.sampled_from(FIGURES)),
    *(values, st.sampled_from(NUMBERS), sources, conditions),
    st.sampled_from(["+ 1 > 2", "% 7 < 5", "IS NOT NULL"]),
)
tops = st.builds(
    "SELECT id, {}, {} FROM residents WHERE {} ORDER BY {}, id LIMIT {}".format,
    *(values, values, conditions, values, st.integers(0, 70)),
)
queries = st.one_of(rows, groups, windows, firsts, unions, chains, tops)


def _same(pair: tuple[Any, Any]) -> bool:
    first, second = pair
    event(first.reason if isinstance(first, Refusal) else "answered")
    return bool(first == second)


calm = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)


@pytest.mark.slow
@calm
@given(sql=queries)
def test_made_up_sql_tells_nothing_that_is_forbidden(worlds: Any, sql: str) -> None:
    pair = worlds.both(sql, ["residents", "visits"])
    assert _same(pair), pair
    assert "SECRET-A-" not in repr(pair)


def _words() -> Iterator[str]:
    for path in (*HERE.glob("attacks/*.yaml"), HERE / "questions" / "rows.yaml"):
        content = read_document(path).content
        for item in content.get("attacks") or content["questions"]:
            sql = item["sql"] if isinstance(item, dict) else item
            yield from [sql] if isinstance(sql, str) else sql


TEXTS_OF_ALL = sorted(
    {sql for sql in _words() if "visits g" not in sql and "residents g" not in sql}
)
PARTS = sorted({part for sql in TEXTS_OF_ALL for part in re.findall(r"\w+|'[^']*'|\S", sql)})


@pytest.mark.slow
@calm
@given(
    sql=st.sampled_from(TEXTS_OF_ALL),
    changes=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(PARTS)), max_size=3),
    tail=st.one_of(st.just(""), st.sampled_from(TEXTS_OF_ALL)),
)
def test_changed_attacks_tell_nothing_either(
    worlds: Any, sql: str, changes: list[tuple[int, str]], tail: str
) -> None:
    parts = re.findall(r"\w+|'[^']*'|\s+|.", sql, re.DOTALL)
    for place, part in changes:
        if place < len(parts):
            parts[place] = part
    pair = worlds.both("".join(parts) + tail, ["residents", "visits"], max_seconds=20)
    assert _same(pair), pair
    assert "SECRET-A-" not in repr(pair)


COLUMNS = {
    "district": ["'north'", "'south'", "'harbour'"],
    "job": ["'cook'", "'clerk'", "'mayor'"],
    "year": ["2024", "2025"],
    "person": ["'p001'", "'p039'", "'p080'"],
}
filters = st.lists(
    st.sampled_from(sorted(COLUMNS)).flatmap(
        lambda column: st.tuples(
            st.just(column),
            st.sampled_from(["{} = {}", "{} <> {}", "{} IN ({})", "{} NOT IN ({})"]),
            st.lists(st.sampled_from(COLUMNS[column]), min_size=1, max_size=3, unique=True),
        )
    ),
    max_size=3,
)


def _holds(row: dict[str, Any], term: tuple[str, str, list[str]]) -> bool:
    column, form, words = term
    is_in = repr(row[column]) in (words if "IN" in form else words[:1])
    return is_in != ("NOT" in form or "<>" in form)


def _text(term: tuple[str, str, list[str]]) -> str:
    column, form, words = term
    return form.format(column, ", ".join(words) if "IN" in form else words[0])


@pytest.mark.slow
@calm
@given(
    keys=st.lists(st.sampled_from(sorted(COLUMNS)), max_size=3, unique=True),
    terms=filters,
)
def test_no_cell_that_is_shown_is_small_or_gives_a_small_one_away(
    worlds: Any, asked: Any, keys: list[str], terms: list[tuple[str, str, list[str]]]
) -> None:
    where = f" WHERE {' AND '.join(map(_text, terms))}" if terms else ""
    group = f" GROUP BY {', '.join(keys)}" if keys else ""
    outputs = ", ".join([*keys, "COUNT(*) AS n"])
    answer = worlds.answer("A", f"SELECT {outputs} FROM incomes{where}{group}", ["incomes"])
    shown = {tuple(cell[k] for k in keys): cell["n"] for cell in answer.to_pylist()}
    people = asked.tables("A")["incomes"].to_pylist()
    event(f"{len(shown)} cells")
    for cell, count in shown.items():
        inside = [r for r in people if tuple(r[k] for k in keys) == cell]
        matching = [r for r in inside if all(_holds(r, t) for t in terms)]
        assert count == len(matching)
        assert len({r["person"] for r in matching}) >= 5
        for term in terms:
            others = [r for r in inside if all(_holds(r, t) for t in terms if t is not term)]
            without = {r["person"] for r in others if not _holds(r, term)}
            assert not without or len(without) >= 5
    _check_lots(people, keys, terms, shown)


def _check_lots(
    people: list[dict[str, Any]],
    keys: list[str],
    terms: list[tuple[str, str, list[str]]],
    shown: dict[tuple[Any, ...], int],
) -> None:
    """Of cells with the same value of some keys, those that are hidden are of nobody or of many."""
    matching = [r for r in people if all(_holds(r, t) for t in terms)]
    for picked in product([True, False], repeat=len(keys)):
        lots: dict[tuple[Any, ...], tuple[set[str], bool]] = {}
        for row in matching:
            lot = tuple(row[k] for k, is_in in zip(keys, picked, strict=True) if is_in)
            hidden, has_shown = lots.get(lot, (set(), False))
            is_shown = tuple(row[k] for k in keys) in shown
            lots[lot] = (hidden if is_shown else hidden | {row["person"]}, has_shown or is_shown)
        for hidden, has_shown in lots.values():
            assert not hidden or not has_shown or len(hidden) >= 5
