"""The forms in which rows leave, each read back by its ordinary reader."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from shuzhi.share.delivery import MediaType
from shuzhi.share.delivery.forms import write_rows

ANY = pa.table(
    {
        "整数": pa.array([2**53 + 1, None, -1], pa.int64()),
        "f": pa.array([1.5, float("nan"), float("-inf")]),
        "money": pa.array(
            [Decimal("0.10"), None, Decimal("-99999999999.99")], pa.decimal128(18, 2)
        ),
        "day": pa.array([date(2026, 3, 2), None, date(1, 1, 1)]),
        "at": pa.array(
            [datetime(2026, 3, 2, 8, tzinfo=UTC), None, datetime(2026, 3, 2, 8, 0, 0, 5, UTC)],
            pa.timestamp("us", "UTC"),
        ),
        "yes": pa.array([True, None, False]),
        "t": pa.array(['a"b\\\n\t张\x01', None, ""]),
    }
)  # fmt: skip


def written(media: MediaType, rows: pa.Table) -> bytes:
    out = io.BytesIO()
    assert write_rows(media, rows.schema, rows.to_batches(max_chunksize=2), out) == len(rows)
    return out.getvalue()


def test_json_says_every_value_with_all_its_digits() -> None:
    content = written(MediaType.JSON, ANY)
    rows = json.loads(content, parse_float=Decimal)
    assert rows[0] == {
        "整数": 2**53 + 1,
        "f": Decimal("1.5"),
        "money": Decimal("0.10"),
        "day": "2026-03-02",
        "at": "2026-03-02T08:00:00Z",
        "yes": True,
        "t": 'a"b\\\n\t张\x01',
    }
    assert set(rows[1].values()) == {None}
    assert (rows[2]["f"], rows[2]["money"]) == (None, Decimal("-99999999999.99"))
    assert (rows[2]["at"], rows[2]["t"]) == ("2026-03-02T08:00:00.000005Z", "")
    assert json.loads(written(MediaType.JSON, ANY.slice(0, 0))) == []


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))),
    st.lists(st.one_of(st.none(), st.floats())),
)
def test_json_gives_texts_and_numbers_back(texts: list[Any], numbers: list[Any]) -> None:
    rows = pa.table({"t": pa.array(texts, pa.string())})
    assert [row["t"] for row in json.loads(written(MediaType.JSON, rows))] == texts
    rows = pa.table({"n": pa.array(numbers, pa.float64())})
    is_finite = [n is not None and abs(n) < float("inf") for n in numbers]
    expected = [n if ok else None for n, ok in zip(numbers, is_finite, strict=True)]
    assert [row["n"] for row in json.loads(written(MediaType.JSON, rows))] == expected


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.one_of(st.none(), st.text('=＝+a\t"\\,\n张＠é', max_size=3)), max_size=8),
    st.integers(0, 3),
)
def test_part_of_a_column_is_written_as_the_whole(texts: list[Any], begin: int) -> None:
    rows = pa.table({"t": pa.array(texts, pa.string()), "n": range(len(texts))}).slice(begin)
    told = json.loads(written(MediaType.JSON, rows))
    assert [row["t"] for row in told] == texts[begin:]
    content = written(MediaType.CSV, rows).decode("utf-8-sig")
    signs = tuple("=+-@\t\r\n＝＋－＠")
    expected = [f"'{t}" if t and t.startswith(signs) else t or "" for t in texts[begin:]]
    assert [r["t"] for r in csv.DictReader(io.StringIO(content, newline=""))] == expected


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_csv_has_no_formulas_and_the_other_forms_leave_texts_alone(sign: str) -> None:
    text = f"{sign}cmd|' /C calc'!A0"
    rows = pa.table({f"{sign}name": [text], "n": [-1]})
    content = written(MediaType.CSV, rows)
    assert content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert row == {f"'{sign}name": f"'{text}", "n": "-1"}
    assert json.loads(written(MediaType.JSON, rows))[0][f"{sign}name"] == text
    kept = parquet.read_table(pa.BufferReader(written(MediaType.PARQUET, rows)))
    assert kept == rows


def test_csv_tells_a_missing_text_from_an_empty_one() -> None:
    lines = written(MediaType.CSV, ANY.select(["t"])).decode("utf-8-sig")
    assert lines.endswith('\n\n""\n')


def test_parquet_and_arrow_keep_types_and_values() -> None:
    found = parquet.read_table(pa.BufferReader(written(MediaType.PARQUET, ANY)))
    streamed = pa.ipc.open_stream(written(MediaType.ARROW, ANY)).read_all()
    assert found.schema == streamed.schema == ANY.schema
    assert repr(found.to_pylist()) == repr(streamed.to_pylist()) == repr(ANY.to_pylist())
