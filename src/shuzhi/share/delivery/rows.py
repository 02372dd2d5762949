"""The rows of an agreement as SQL of ours: all of them, or the page that begins at a position.

The order is total over what may be seen, masks applied: the columns of the key first, then all
others. So nothing hidden shows in it, and a page never depends on how rows happen to lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from shuzhi.gather.lake.asking import UNREADABLE, failure_of
from shuzhi.share.access.governed import KEY, governed, mask_key
from shuzhi.share.delivery.admitting import Admitted
from shuzhi.share.delivery.cursors import Position
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import unreadable
from shuzhi.share.receipts import SubjectColumn
from shuzhi.share.receipts.subjects import number_parameters, number_sql

DIALECT = "duckdb"
_SUBJECT = "shuzhi subject"
_AFTER = "shuzhi_after"


@dataclass(frozen=True)
class Page:
    """The rows of one page and the numbers of their subjects; `next` is where the next begins."""

    rows: pa.Table
    subjects: pa.Table | None
    next: Position | None


@contextmanager
def reading(desk: DeliveryDesk, admitted: Admitted) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the one data set at its version, locked in.

    Raises:
        BrokenError: `share.delivery_unreadable`; what the database says may hold values.
    """
    only, version = (admitted.dataset,), {str(admitted.dataset): admitted.version}
    memory = desk.limits.memory
    try:
        with desk.lake.duck(only=only, version=version, memory_limit=memory) as connection:
            yield connection
    except duckdb.Error as error:
        if failure_of(error).code == UNREADABLE:
            raise unreadable() from None
        raise


def all_rows(admitted: Admitted) -> str:
    """Return SQL for every row that may be seen, in no order."""
    return _seen(admitted).sql(DIALECT, identify=True)


def read_page(desk: DeliveryDesk, admitted: Admitted, limit: int, begin: Position | None) -> Page:
    """Return `limit` rows from `begin` on, of the version that `admitted` names."""
    order = order_of(admitted)
    inner = _seen(admitted)
    names = [f"{_SUBJECT} {number}" for number, _ in enumerate(admitted.subjects)]
    for name, subject in zip(names, admitted.subjects, strict=True):
        inner = inner.select(exp.alias_(_column(subject.name), name, quoted=True))
    query = exp.select("*").from_(exp.Subquery(this=inner, alias=exp.to_identifier("seen")))
    values: dict[str, Any] = {}
    if begin is not None:
        (row,) = begin.values.to_pylist()
        values = {f"{_AFTER}_{i}": value for i, value in enumerate(row.values())}
        query = query.where(_from(order, list(values.items())))
    ordered = (exp.Ordered(this=_column(name), nulls_first=False) for name in order)
    query = query.order_by(*ordered).limit(limit + 1).offset(begin.skip if begin else 0)
    # Only of the rows that leave, for a number costs more than all else of a row.
    numbers = (
        exp.alias_(number_of(replace(subject, name=name)), name, quoted=True)
        for name, subject in zip(names, admitted.subjects, strict=True)
    )
    shown = (_column(column.name) for column in admitted.allowed.columns)
    page = exp.Subquery(this=query, alias=exp.to_identifier("page"))
    ordered = (exp.Ordered(this=_column(name), nulls_first=False) for name in order)
    sql = exp.select(*shown, *numbers).from_(page).order_by(*ordered).sql(DIALECT, identify=True)
    given = {name: value for name, value in values.items() if value is not None}
    parameters = parameters_of(desk, admitted, sql) | given
    with reading(desk, admitted) as connection:
        found = connection.sql(sql, params=parameters or None).to_arrow_table()
    return _page(admitted, order, found, limit, begin)


def order_of(admitted: Admitted) -> tuple[str, ...]:
    """Return the columns that rows are in order of: what is seen of the key, then all others."""
    seen = [c.name for c in admitted.allowed.columns]
    first = [name for name in admitted.keys if name in seen]
    return (*first, *(name for name in seen if name not in first))


def parameters_of(desk: DeliveryDesk, admitted: Admitted, sql: str) -> dict[str, Any]:
    """Return the parameters of ours that stand in `sql`."""
    key = mask_key(desk.city_key, admitted.allowed.grant.assignee)
    known: Mapping[str, Any] = {KEY: key, **number_parameters(desk.receipts)}
    return {name: value for name, value in known.items() if f"${name}" in sql}


def _seen(admitted: Admitted) -> exp.Select:
    return governed(admitted.allowed, str(admitted.dataset))


def _page(
    admitted: Admitted, order: tuple[str, ...], found: pa.Table, limit: int, begin: Position | None
) -> Page:
    shown = [c.name for c in admitted.allowed.columns]
    rows = found.slice(0, limit)
    numbers = [name for name in found.column_names if name.startswith(_SUBJECT)]
    subjects = rows.select(numbers) if numbers else None
    if len(found) <= limit:
        return Page(rows.select(shown), subjects, None)
    return Page(rows.select(shown), subjects, _next(admitted, found.select(order), limit, begin))


def _next(admitted: Admitted, found: pa.Table, limit: int, begin: Position | None) -> Position:
    """Return where the page begins after the first `limit` rows of `found`."""
    last, following = (_row(found, at) for at in (limit - 1, limit))
    for number, (old, new) in enumerate(zip(last, following, strict=True)):
        if not _same(old, new):
            leading = found.column_names[: number + 1]
            return Position(admitted.version, found.slice(limit, 1).select(leading))
    # The two cannot be told apart: say how many of their like were sent.
    like = next(n for n in range(limit) if n + 1 == limit or not _alike(found, limit - 2 - n, last))
    sent = like + 1
    if begin is not None and sent == limit and _is_whole(begin, following):
        sent += begin.skip
    return Position(admitted.version, found.slice(limit, 1), sent)


def _alike(found: pa.Table, at: int, row: list[Any]) -> bool:
    return all(_same(a, b) for a, b in zip(_row(found, at), row, strict=True))


def _is_whole(begin: Position, row: list[Any]) -> bool:
    """Tell whether `begin` stands at rows like this one."""
    before = _row(begin.values, 0)
    return len(before) == len(row) and all(map(_same, before, row))


def _row(table: pa.Table, at: int) -> list[Any]:
    return [column[at].as_py() for column in table.columns]


def _same(a: Any, b: Any) -> bool:
    """Tell whether the database takes two values of one column for equal; NaN is itself there."""
    return bool(a == b) or (a != a and b != b)


def _from(order: tuple[str, ...], values: list[tuple[str, Any]]) -> exp.Expr:
    """Return the condition for rows that equal the values or come after; missing comes last."""
    condition: exp.Expr = exp.true()
    for name, (parameter, value) in reversed(list(zip(order, values, strict=False))):
        column, is_missing = _column(name), exp.Is(this=_column(name), expression=exp.Null())
        if value is None:
            condition = exp.and_(is_missing, condition)
            continue
        limit = exp.Placeholder(this=parameter)
        after = exp.or_(exp.GT(this=column, expression=limit), is_missing)
        same = exp.EQ(this=column.copy(), expression=limit.copy())
        condition = exp.or_(after, exp.and_(same, condition))
    return condition


def _column(name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def number_of(subject: SubjectColumn) -> exp.Expr:
    """Return the number of the subject in a column of the data set."""
    return _number(subject.kind, quoted(subject.name)).copy()


@lru_cache(256)
def _number(kind: str, column: str) -> exp.Expr:
    """The same few are asked for again and again, and to parse one takes milliseconds."""
    return sqlglot.parse_one(number_sql(kind, column), dialect=DIALECT)


def quoted(name: str) -> str:
    """Return a column's name as it is written in SQL."""
    return _column(name).sql(DIALECT)
