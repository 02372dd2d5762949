"""Masks: the file they are in, and what each leaves of a value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.documents import DocumentError
from shuzhi.share.access import (
    AddressTo,
    AllowedColumn,
    DateTo,
    Hashed,
    Keep,
    Mask,
    Nothing,
    NumberTo,
    Partial,
    parse_masks,
)
from shuzhi.share.access.governed import KEY, mask_key, masked

FILE = """id: city
title: {zh: 脱敏规则, en: Masks}
source: custom, no standard's text
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
  - grades: [personal]
    kinds: [name]
    roles: [clerk]
    purposes: any
    mask: {partial: {first: 1, last: 0}}
  - {grades: [personal], kinds: [address], roles: any, purposes: any, mask: {address_to: [区, 县]}}
  - {grades: [personal], kinds: [birth], roles: any, purposes: any, mask: {date_to: year}}
  - {grades: [personal], kinds: [money], roles: any, purposes: any, mask: {number_to: 0.5}}
  - {grades: [personal], kinds: [id], roles: any, purposes: [linkage], mask: hash}
  - {grades: any, kinds: any, roles: [auditor], purposes: any, mask: nothing}
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'")
        yield made


def _shown(
    connection: duckdb.DuckDBPyConnection, mask: Mask, value: Any, kind: LogicalType, type_: Any
) -> Any:
    connection.register("given", pa.table({"v": pa.array([value], type_)}))
    sql = exp.select(masked(AllowedColumn("v", kind, mask))).from_("given").sql("duckdb")
    key = {KEY: mask_key(b"city", "housing")} if f"${KEY}" in sql else None  # type: ignore[arg-type]
    return connection.execute(sql, key).to_arrow_table().column(0)[0].as_py()


TEXT = (LogicalType.STRING, pa.string())


@pytest.mark.parametrize(
    ("mask", "value", "kind", "shown"),
    [
        (Keep(), "张三", TEXT, "张三"),
        (Nothing(), "张三", TEXT, None),
        (Partial(1, 0), "张三丰", TEXT, "张***"),
        (Partial(1, 0), "张", TEXT, "***"),
        (Partial(3, 4), "13800001234", TEXT, "138***1234"),
        (Partial(3, 4), "1234567", TEXT, "***"),
        (Partial(0, 0), "", TEXT, "***"),
        (Partial(1, 1), None, TEXT, None),
        (Partial(1, 1), 12345, (LogicalType.INTEGER, pa.int64()), "1***5"),
        (DateTo("month"), date(2026, 3, 14), (LogicalType.DATE, pa.date32()), date(2026, 3, 1)),
        (
            DateTo("year"),
            datetime(2026, 3, 14, 5, tzinfo=UTC),
            (LogicalType.TIMESTAMP, pa.timestamp("us", tz="UTC")),
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
        (NumberTo(Decimal(500)), 1999, (LogicalType.INTEGER, pa.int64()), 1500.0),
        (NumberTo(Decimal("0.5")), -0.7, (LogicalType.NUMBER, pa.float64()), -1.0),
        (AddressTo(("区", "街道")), "北京市海淀区中关村街道9号", TEXT, "北京市海淀区"),
        (AddressTo(("街道",)), "北京市海淀区中关村街道9号", TEXT, "北京市海淀区中关村街道"),
        (AddressTo(("区",)), "somewhere", TEXT, None),
        (AddressTo(("区",)), None, TEXT, None),
        (Hashed(), None, TEXT, None),
    ],
)
def test_a_mask_shows(
    connection: duckdb.DuckDBPyConnection, mask: Mask, value: Any, kind: Any, shown: Any
) -> None:
    assert _shown(connection, mask, value, *kind) == shown


def test_a_pseudonym_is_the_same_for_the_same_assignee_only() -> None:
    keys = {mask_key(b"city", p) for p in ("housing", "police")} | {mask_key(b"town", "housing")}  # type: ignore[arg-type]
    assert len(keys) == 3
    assert mask_key(b"city", "housing") in keys  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=12), first=st.integers(0, 4), last=st.integers(0, 4))
def test_a_partial_mask_shows_no_character_in_between(
    connection: duckdb.DuckDBPyConnection, value: str, first: int, last: int
) -> None:
    value = value.replace("\0", "0").encode("utf-8", "replace").decode()
    shown = _shown(connection, Partial(first, last), value, *TEXT)
    # DuckDB counts characters as Python does but for those made of several code points.
    assert shown == "***" or shown.replace("***", "", 1) in value[:first] + value[-last or 99 :]


def test_masks_are_read_from_their_file() -> None:
    masks = parse_masks(FILE.encode(), file="masks.yaml")
    clerk, guest = masks.of("clerk", "aid"), masks.of("guest", "aid")
    assert clerk.mask("general", "name") == Keep()
    assert clerk.mask("personal", "name") == Partial(1, 0)
    assert guest.mask("personal", "name") is None
    assert guest.mask("personal", "address") == AddressTo(("区", "县"))
    assert guest.mask("personal", "birth") == DateTo("year")
    assert guest.mask("personal", "money") == NumberTo(Decimal("0.5"))
    assert masks.of("guest", "linkage").mask("personal", "id") == Hashed()
    assert guest.mask("personal", "id") is None
    assert masks.of("auditor", "aid").mask("secret", None) == Nothing()


def test_the_masks_that_are_shown_are_masks() -> None:
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [parse_masks(block.encode(), file="access.md").id for block in shown] == ["city_masks"]


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("mask: keep", "mask: show", 6, "'keep'"),
        ("purposes: any, mask: keep", "mask: keep", 6, "Field required"),
        ("{date_to: year}", "{date_to: hour}", 13, "'year'"),
        ("{date_to: year}", "{date_to: year, number_to: 5}", 13, "name one mask"),
        ("{date_to: year}", "{}", 13, "name one mask"),
        ("{date_to: year}", "{date_to: null}", 13, "name one mask"),
        ("number_to: 0.5", "number_to: 0", 14, "greater than 0"),
        ("first: 1", "first: -1", 11, "greater than or equal to 0"),
        ("[general]", "[]", 6, "at least 1"),
        ("verified: false", "checked: false", 4, "unknown key"),
    ],
)
def test_a_file_of_masks_is_read_strictly(old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(DocumentError) as refused:
        parse_masks(FILE.replace(old, new, 1).encode(), file="masks.yaml")
    assert refused.value.code == "share.masks_bad"
    assert any(f.line == line and problem in f.problem for f in refused.value.findings), (
        refused.value.findings
    )
