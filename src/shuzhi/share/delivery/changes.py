"""What changed between two versions of a data set, as far as an agreement shows it.

A change in what is hidden is none. Whom a row is about belongs to it, shown or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import duckdb
import pyarrow as pa
from sqlglot import exp

from shuzhi.gather.lake.query import Snapshot
from shuzhi.share.access.governed import governed
from shuzhi.share.delivery.admitting import Admitted
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import unreadable
from shuzhi.share.delivery.forms import write_rows
from shuzhi.share.delivery.model import MediaType
from shuzhi.share.delivery.rows import DIALECT, number_of, parameters_of
from shuzhi.share.receipts import SubjectSet, set_of

_IS_ADDED, _SUBJECT = "shuzhi is added", "shuzhi subject"
_NEW, _OLD = "shuzhi added", "shuzhi removed"


@dataclass(frozen=True)
class Batch:
    """A part of what changed: `count` rows in `body`; `is_last` when no part comes after it."""

    body: bytes
    count: int
    is_last: bool
    subjects: SubjectSet | None


def read_changes(
    desk: DeliveryDesk, admitted: Admitted, since: int | None, *, skip: int, limit: int
) -> Batch:
    """Return the changes after `since` up to the version of `admitted`, from the `skip`th on.

    They are in a total order: asked again, the same part is the same bytes. `since` None is before
    the first version.

    Raises:
        RefusedError: `gather.version_gone`; BrokenError: `share.delivery_unreadable`.
    """
    found = desk.lake.difference(admitted.dataset, since=since, until=admitted.version)
    tables = (_called(found.added, _NEW), _called(found.removed, _OLD))
    sql = _changes(admitted, skip, limit + 1)
    parameters = parameters_of(desk, admitted, sql)
    memory = desk.limits.memory
    try:
        with desk.lake.duck(only=(), also=tables, memory_limit=memory) as connection:
            rows = connection.sql(sql, params=parameters or None).to_arrow_table()
    except duckdb.IOException:
        raise unreadable() from None
    return _batch(admitted, since, rows, skip, limit)


def _called(snapshot: Snapshot, name: str) -> Snapshot:
    return Snapshot(name, snapshot.version, snapshot.schema, snapshot.files)


def _changes(admitted: Admitted, skip: int, limit: int) -> str:
    new, old = (_side(admitted, name) for name in (_NEW, _OLD))
    parts = (_less(new, old, is_added=True), _less(old, new, is_added=False))
    both = exp.Union(this=parts[0], expression=parts[1], distinct=False)
    query = exp.select("*").from_(exp.Subquery(this=both, alias=exp.to_identifier("changes")))
    names = [_IS_ADDED, *new.named_selects]
    order = (exp.column(exp.to_identifier(name, quoted=True)) for name in names)
    return query.order_by(*order).limit(limit).offset(skip).sql(DIALECT, identify=True)


def _side(admitted: Admitted, table: str) -> exp.Select:
    rows = governed(admitted.allowed, table)
    for number, subject in enumerate(admitted.subjects):
        rows = rows.select(exp.alias_(number_of(subject), f"{_SUBJECT} {number}", quoted=True))
    return rows


def _less(rows: exp.Select, others: exp.Select, *, is_added: bool) -> exp.Select:
    """Return the rows that are not as often among the others."""
    kept = exp.Except(this=rows.copy(), expression=others.copy(), distinct=False)
    source = exp.Subquery(this=kept, alias=exp.to_identifier("kept"))
    told = exp.alias_(exp.convert(is_added), _IS_ADDED, quoted=True)
    return exp.select(told, "*").from_(source)


def _batch(admitted: Admitted, since: int | None, found: pa.Table, skip: int, limit: int) -> Batch:
    rows = found.slice(0, limit)
    is_added = rows[_IS_ADDED]
    shown = rows.select([c.name for c in admitted.allowed.columns])
    numbers = [name for name in rows.column_names if name.startswith(_SUBJECT)]
    head = {
        "dataset": str(admitted.dataset),
        "since": since,
        "until": admitted.version,
        "first": skip,
    }
    is_last = len(found) <= limit
    text = json.dumps({**head, "is_last": is_last}, separators=(",", ":"))[:-1]
    added, removed = (_json(shown.filter(each)) for each in (is_added, _not(is_added)))
    body = f'{text},"added":{added},"removed":{removed}}}\n'.encode()
    held = [n for name in numbers for n in rows[name].drop_null().to_pylist()]
    return Batch(body, len(rows), is_last, set_of(held) if numbers else None)


def _not(flags: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([not flag for flag in flags.to_pylist()], pa.bool_())])


def _json(rows: pa.Table) -> str:
    out = BytesIO()
    batches: Iterable[pa.RecordBatch] = rows.to_batches()
    write_rows(MediaType.JSON, rows.schema, batches, out)
    return out.getvalue().decode().strip()
