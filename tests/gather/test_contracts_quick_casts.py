"""The cheap way to a typed value gives what the long way gives, whatever the text."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shuzhi.gather.contracts.casts import cast_sql
from shuzhi.gather.contracts.model import Bounds, Field, LogicalType
from shuzhi.gather.contracts.quick_casts import first_looks, typed_sql

CONNECTION = duckdb.connect()
CONNECTION.execute("SET TimeZone = 'UTC'")
CITY = Bounds(zone="Asia/Shanghai")
FIELDS = [Field("f", kind, missing_values=("-999", "NA", " - ")) for kind in LogicalType]
FIELDS += [
    Field("f", LogicalType.TIMESTAMP, bounds=CITY),
    Field("f", LogicalType.DATE, bounds=Bounds(format="%Y/%m/%d")),
    Field("f", LogicalType.NUMBER, physical_type="DECIMAL(6,2)"),
]
moments = st.datetimes().map(lambda d: d.isoformat(" ", "seconds"))
texts = st.one_of(
    st.text("0123456789+-.eE_xX :TZ/年 \u00a0\u3000\t\r\n", max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
    moments,
    moments.map(lambda text: text.replace(" ", "T")),
    st.sampled_from(["true", "False", "是", "NaN", "-inf", "infinity", "-infinity", "1e3", "0x1F"]),
    st.text(max_size=6),
)


def quick(field: Field) -> str:
    looks = first_looks(field, "x")
    named = "".join(f", {sql} AS look{i}" for i, sql in enumerate(looks))
    value = typed_sql(field, "x", [f"look{i}" for i in range(len(looks))])
    return f"SELECT x, {value} AS value FROM (SELECT x{named} FROM given)"


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f"{f.logical_type}-{f.bounds.zone}")
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.none() | texts, min_size=1, max_size=40))
@example(values=["2019-01-01", "0000-01-01", "10000-01-01", "2019-1-1", "2019-02-29", "2020-02-29"])
@example(values=["2019-01-01 00:00:60", "2019-01-01 24:00:00", "1986-05-04 02:30:00", "epoch"])
@example(
    values=["1_000", "1.", ".5", "+1", "007", "-0", "1e400", "12.0", " 12", "-999", "NA ", "-"]
)
def test_the_quick_way_and_the_long_way_agree(field: Field, values: list[str | None]) -> None:
    found = _rows(f"SELECT q.value FROM ({quick(field)}) q ORDER BY q.x", values)
    wanted = _rows(f"SELECT {cast_sql(field, 'x')} FROM given ORDER BY x", values)
    assert found == wanted


def _rows(sql: str, values: list[str | None]) -> list[Any]:
    listed = "(SELECT unnest(?::VARCHAR[]) AS x)"
    return CONNECTION.execute(sql.replace("given", listed), [values]).fetchall()
