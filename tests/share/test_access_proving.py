"""What the first rows prove of a cell changes no answer: it is the one that counting all gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.gather.lake import Lake, open_lake
from shuzhi.share.access import (
    Allowed,
    Limits,
    Most,
    Operator,
    Plan,
    Refusal,
    Term,
    ask,
    decide,
    plan,
)

CITY_KEY = b"the key of a city that is a test"
ROWS = 1500
COLUMNS = ("person", "district", "job", "year", "amount", "bonus")
TESTS = (
    "district = 'north'",
    "district IN ('north', 'south', 'nowhere')",
    "district <> 'north'",
    "district IS NULL",
    "job IN ('cook', 'clerk')",
    "job NOT IN ('mayor', 'nobody')",
    "NOT job = 'cook'",
    "year = 2024",
    "year IN (2024, 2025)",
    "bonus IS NOT NULL",
)
KEYS = ("district", "job", "year", "YEAR(since)")
FIGURES = ("COUNT(*)", "SUM(amount)", "AVG(bonus)", "SUM(bonus)", "SUM(DISTINCT amount)")


def _rows(random: Random) -> Iterator[tuple[Any, ...]]:
    """Rows of which some values are rare, sorted now and then, some about many and some nobody."""
    for n in range(ROWS):
        # A few persons have most of the rows of the rarer districts.
        district = random.choices(["north", "south", "harbour", None], [60, 30, 4, 1])[0]
        people = 300 if district == "north" else 12
        person = None if random.random() < 0.02 else f"p{random.randrange(people)}"
        job = random.choices(["cook", "clerk", "mayor"], [50, 45, 1])[0]
        bonus = random.randrange(9) if random.random() < 0.7 else None
        yield person, district, job, 2023 + n * 3 // ROWS, random.randrange(50), bonus


def _questions(random: Random) -> Iterator[str]:
    for _ in range(6):
        keys = random.sample(KEYS, random.randrange(3))
        terms = random.sample(TESTS, random.choice((0, 1, 1, 2, 3)))
        figures = random.sample(FIGURES, random.choice((1, 2)))
        outputs = ", ".join(f"{part} AS c{i}" for i, part in enumerate((*keys, *figures)))
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        group = f" GROUP BY {', '.join(keys)}" if keys else ""
        yield f"SELECT {outputs} FROM incomes{where}{group}"


def _lake(folder: Path, asked: Any, rows: Sequence[tuple[Any, ...]]) -> Lake:
    schema = asked.tables("A")["incomes"].schema
    missing: dict[str, Any] = {name: [None] * len(rows) for name in schema.names}
    made = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    lake = open_lake(folder / "lake")
    lake.append("incomes", pa.table(missing | made, schema=schema))
    return lake


def _allowed(asked: Any, **terms: Any) -> Allowed:
    grant = replace(asked.grants["incomes"], **terms)
    seen = decide(grant, asked.request("incomes"), asked.facts("incomes"), asked.masks)
    assert isinstance(seen, Allowed)
    return seen


def _answer(lake: Lake, allowed: Allowed, sql: str, first_rows: int) -> Any:
    limits = Limits(first_rows=first_rows)
    answer = ask(lake, [allowed], sql, city_key=CITY_KEY, limits=limits)
    if isinstance(answer, Refusal):
        return answer
    return answer.schema.types, sorted(map(repr, answer.to_pylist()))


def _doubts(
    lake: Lake, allowed: Allowed, sql: str, first_rows: int, tries: int = 0
) -> set[int] | None:
    """How many cells are left in doubt, as each row says; None where nothing is tried."""
    made = plan(sql, [allowed], salt="salt", most=Most(first_rows=first_rows, tries=tries))
    assert isinstance(made, Plan)
    if not made.tells_doubts:
        return None
    with lake.duck(only=("incomes",)) as connection:
        connection.execute('ALTER VIEW incomes RENAME TO "salt incomes"')
        return {row[-1] for row in connection.sql(made.question.sql).fetchall()}


@pytest.mark.parametrize("subject", ["person", None])
@pytest.mark.parametrize("seed", range(2))
def test_the_first_rows_change_no_answer(
    tmp_path: Path, asked: Any, seed: int, subject: str | None
) -> None:
    random = Random(seed)  # noqa: S311  (it makes questions, and no secrets)
    lake = _lake(tmp_path, asked, list(_rows(random)))
    rows = Term("year", Operator.ONE_OF, (2023, 2024, 2025)) if seed else None
    told = set()
    for sql in _questions(random):
        allowed = _allowed(asked, subject=subject, rows=rows, minimum_group=random.choice((2, 5)))
        right = _answer(lake, allowed, sql, 0)
        for first_rows in (random.randrange(1, 300), ROWS * 2):
            assert _answer(lake, allowed, sql, first_rows) == right, (sql, first_rows)
        told.add(_doubts(lake, allowed, sql, ROWS * 2) == {0})
    assert told == {True, False}


PEOPLE = "SELECT year, SUM(amount) AS s FROM incomes GROUP BY year"
FILTERED = "SELECT year, SUM(amount) AS s FROM incomes WHERE job = 'cook' GROUP BY year"


@pytest.mark.parametrize(
    ("sql", "first_rows", "doubts"),
    [
        # Each year has two hundred rows and six persons more than the one before.
        (PEOPLE, 5000, {1}),
        (f"{PEOPLE} HAVING year > 3", 5000, {1}),
        # So many rows as so many cells may need are not to be looked at, so that none are.
        (PEOPLE, 4000, set()),
        (FILTERED, 5000, {1}),
        ("SELECT SUM(amount) FROM incomes WHERE job = 'cook'", 5000, {0}),
        ("SELECT SUM(amount) FROM incomes WHERE job = 'nobody'", 5000, set()),
        # Whether one is missing cannot be told by some of the rows.
        ("SELECT COUNT(amount) FROM incomes", 5000, None),
        # Nor may what might fail be asked in this way.
        ("SELECT SUM(amount) AS s FROM incomes WHERE job = 7", 5000, None),
    ],
)
def test_what_the_first_rows_tell(
    tmp_path: Path, asked: Any, sql: str, first_rows: int, doubts: set[int] | None
) -> None:
    rows = [
        (f"p{n % (6 * year)}", None, "cook" if n % 7 < 3 else "clerk", year, n, n)
        for year in range(1, 11)
        for n in range(200)
    ]
    lake = _lake(tmp_path, asked, rows)
    allowed = _allowed(asked, minimum_group=7)
    assert _doubts(lake, allowed, sql, first_rows) == doubts
    assert _answer(lake, allowed, sql, first_rows) == _answer(lake, allowed, sql, 0)


def test_subjects_of_the_rows_asked_for_are_counted_where_the_first_rows_leave_doubts(
    tmp_path: Path, asked: Any
) -> None:
    sql = f"{PEOPLE.partition('GROUP')[0]} WHERE job IN ('cook', 'clerk') GROUP BY year"
    jobs = [(year, job) for year in range(1, 9) for job in ["cook"] * 20 + ["clerk"] * year]
    jobs += [(year, "mayor") for year in range(1, 9)] * 30
    rows = [(f"p{n}", None, job, year, n, n) for n, (year, job) in enumerate(jobs)]
    lake = _lake(tmp_path, asked, rows)
    allowed = _allowed(asked, minimum_group=5)
    assert _doubts(lake, allowed, sql, 5000) != {0}
    assert _doubts(lake, allowed, sql, 5000, tries=1) == {0}
    assert _doubts(lake, allowed, sql, 5000, tries=2) is None
    years = ask(lake, [allowed], sql, city_key=CITY_KEY)
    assert isinstance(years, pa.Table)
    # One clerk less than five gives the year away.
    assert set(years.column("year").to_pylist()) == {5, 6, 7, 8}


def test_who_has_many_rows_is_told_by_counting_all(tmp_path: Path, asked: Any) -> None:
    rows = [(f"p{n % 4}", None, ("cook", "clerk")[n % 2], 2024, n, n) for n in range(300)]
    lake = _lake(tmp_path, asked, rows)
    allowed = _allowed(asked, minimum_group=5)
    for tries, doubts in ((0, set()), (1, set()), (2, None)):
        assert _doubts(lake, allowed, FILTERED, 5000, tries) == doubts
    shown = ask(lake, [allowed], FILTERED, city_key=CITY_KEY)
    assert isinstance(shown, pa.Table)
    assert not shown.num_rows


def test_only_cells_of_enough_subjects_are_shown(tmp_path: Path, asked: Any) -> None:
    rows = [(f"p{n % year}", None, "cook", year, n, n) for year in range(1, 13) for n in range(50)]
    lake = _lake(tmp_path, asked, rows)
    allowed = _allowed(asked, minimum_group=5)
    for first_rows in (10, 300, 5000):
        answer = ask(
            lake, [allowed], PEOPLE, city_key=CITY_KEY, limits=Limits(first_rows=first_rows)
        )
        assert isinstance(answer, pa.Table)
        years = set(answer.column("year").to_pylist())
        # Of the hidden ones the largest has four persons, so the smallest of the others goes too.
        assert years == set(range(6, 13))
