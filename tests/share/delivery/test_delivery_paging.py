"""Pages: each row in one of them, of one version, by a cursor that nobody can bend."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.access import Operator, Refusal
from shuzhi.share.agreements import RowTerm
from shuzhi.share.delivery import page

TEXTS = st.sampled_from([None, "", "a", "ab", "ü", "张三", "'", '"', "=1+1", "z" * 40])
INCOMES = st.sampled_from([None, 0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 2.0])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "no": st.one_of(st.none(), st.integers(0, 3)),
            "person": st.sampled_from(["p1", "p2", None]),
            "name": TEXTS,
            "district": TEXTS,
            "income": INCOMES,
        }
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def shared_town(tmp_path_factory: pytest.TempPathFactory, new_town: Callable[[Path], Any]) -> Any:
    """A city whose residents each example replaces."""
    town = new_town(tmp_path_factory.mktemp("paging") / "city")
    town.put([1])
    town.held = town.agreed()
    return town


def every_page(town: Any, limit: int, between: Callable[[], None]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    for _ in range(100):
        found = page(town.desk, town.wanted(town.held), town.asker(), limit=limit, cursor=cursor)
        assert not isinstance(found, Refusal)
        rows += json.loads(found.content.read())
        between()
        cursor = found.next_cursor
        if cursor is None:
            return rows
    raise AssertionError("the pages never end")


def counted(rows: list[dict[str, Any]]) -> Counter[str]:
    """Count rows; the two zeros are one, as they are for the database."""
    return Counter(f"{r['no']} {r['district']!r} {_number(r['income'])}" for r in rows)


def _number(income: float | None) -> float | None:
    # JSON has no NaN and no infinity: they leave as null.
    return None if income is None or not isfinite(income) else abs(float(income))


@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROWS, st.integers(1, 7))
def test_each_row_is_in_one_page_while_rows_come_in(
    shared_town: Any, rows: list[dict[str, Any]], limit: int
) -> None:
    town, lake = shared_town, shared_town.city.lake
    held = [{**row, "secret": "SECRET"} for row in rows]
    schema = lake.schema("residents")
    lake.overwrite("residents", pa.Table.from_pylist(held, schema=schema))
    seen = every_page(town, limit, lambda: town.put([1]))
    assert counted(seen) == counted(rows)


def test_pages_are_in_the_order_of_the_key(town: Any) -> None:
    town.held = town.agreed()
    assert [row["no"] for row in every_page(town, 3, lambda: town.put([99]))] == list(range(20))


def test_a_cursor_is_good_for_its_own_question_alone(town: Any) -> None:
    held, other = town.agreed(), town.agreed("water")
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    cursor = page(desk, wanted, asker, limit=5).next_cursor
    changed = cursor[:30] + ("A" if cursor[30] != "A" else "B") + cursor[31:]
    narrower = town.wanted(held, columns=("no",))
    fewer = town.wanted(held, rows=(RowTerm("no", Operator.AT_LEAST, (3,)),))
    for asked, who, given_cursor in (
        (wanted, asker, changed),
        (wanted, asker, "no cursor of ours"),
        (wanted, asker, "A" * 200_000),
        (narrower, asker, cursor),
        (fewer, asker, cursor),
        (town.wanted(other), town.asker("water"), cursor),
    ):
        with pytest.raises(RefusedError, match=r"share.bad_cursor"):
            page(desk, asked, who, limit=5, cursor=given_cursor)
    assert page(desk, wanted, asker, limit=2, cursor=cursor).receipt.what.rows == 2
    raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert is_packed(zlib.compress(b"p2") + b"more")
    assert not any(is_packed(raw[start:]) for start in range(len(raw)))


def is_packed(raw: bytes) -> bool:
    """Whether there is something to be read that was packed, as a position is before its seal."""
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(raw)
    except zlib.error:
        return False
    return unpacking.eof


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_page_has_bounds(town: Any, limit: int) -> None:
    held = town.agreed()
    with pytest.raises(RefusedError, match=r"share.bad_page: A page has 1 to 10,000 rows"):
        page(town.desk, town.wanted(held), town.asker(), limit=limit)
