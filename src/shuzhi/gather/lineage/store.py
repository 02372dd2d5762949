"""The tables of lineage: events as they were said, and the edges that tracing follows.

Edges belong to a shape, the digest of everything that a run joined: a job that runs hourly and
reads and writes the same stores its edges once, and every run keeps a pointer to them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from shuzhi.gather.lineage.model import (
    ColumnEdge,
    DatasetEdge,
    Input,
    Node,
    Output,
    Run,
    SchemaField,
    column_edges,
    dataset_edges,
)
from shuzhi.kernel.control import InstantColumn, metadata

event_table = Table(
    "lineage_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("run_id", String(36), index=True),
    Column("event_type", String(16)),
    Column("occurred_at", InstantColumn, nullable=False),
    Column("content", Text, nullable=False),
)

run_table = Table(
    "lineage_run",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("job_namespace", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("started_at", InstantColumn, nullable=False),
    Column("ended_at", InstantColumn),
    Column("is_complete", Boolean, nullable=False),
    Column("error", Text),
    Column("shape", String(64), nullable=False, index=True),
    Index("ix_lineage_run_job", "job_namespace", "job", "started_at"),
)

# One row a job: the latest complete run, whose edges are the current ones.
job_table = Table(
    "lineage_job",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("run_id", String(36), nullable=False),
    Column("ended_at", InstantColumn, nullable=False),
    Column("shape", String(64), nullable=False, index=True),
)

dataset_table = Table(
    "lineage_dataset",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("fields", Text, nullable=False),
)

edge_table = Table(
    "lineage_edge",
    metadata,
    Column("shape", String(64), primary_key=True),
    Column("source_namespace", Text, primary_key=True),
    Column("source_name", Text, primary_key=True),
    Column("target_namespace", Text, primary_key=True),
    Column("target_name", Text, primary_key=True),
    Index("ix_lineage_edge_source", "source_namespace", "source_name"),
    Index("ix_lineage_edge_target", "target_namespace", "target_name"),
)

column_edge_table = Table(
    "lineage_column_edge",
    metadata,
    Column("shape", String(64), primary_key=True),
    Column("source_namespace", Text, primary_key=True),
    Column("source_name", Text, primary_key=True),
    Column("source_column", Text, primary_key=True),
    Column("target_namespace", Text, primary_key=True),
    Column("target_name", Text, primary_key=True),
    Column("target_column", Text, primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("subtype", String(32), primary_key=True),
    Index("ix_lineage_column_edge_source", "source_namespace", "source_name", "source_column"),
    Index("ix_lineage_column_edge_target", "target_namespace", "target_name", "target_column"),
)

_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# Rows of one INSERT: the widest table has 9 columns and SQLite takes 32,766 values.
_BATCH = 1000


def add_event(
    connection: Connection, content: str, *, run_id: str | None, event_type: str | None, at: Any
) -> bool:
    """Keep one event; False when exactly this event is kept already."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    row = {
        "digest": digest,
        "run_id": run_id,
        "event_type": event_type,
        "occurred_at": at,
        "content": content,
    }
    insert = _INSERT[connection.dialect.name](event_table).values(row)
    return bool(connection.execute(insert.on_conflict_do_nothing()).rowcount)


def events_of(connection: Connection, run_id: str) -> list[str]:
    """Return the contents of the run's events in the order of their arrival."""
    query = select(event_table.c.content).where(event_table.c.run_id == run_id)
    return list(connection.scalars(query.order_by(event_table.c.id)))


def has_started(connection: Connection, run_id: str) -> bool:
    """Tell whether a START event of the run is kept."""
    query = select(event_table.c.id).where(
        event_table.c.run_id == run_id, event_table.c.event_type == "START"
    )
    return connection.execute(query.limit(1)).first() is not None


def job_of(connection: Connection, run_id: str) -> tuple[str, str] | None:
    """Return namespace and name of the job that the run is known to be of."""
    query = select(run_table.c.job_namespace, run_table.c.job)
    row = connection.execute(query.where(run_table.c.run_id == run_id)).first()
    return None if row is None else (row.job_namespace, row.job)


def put_run(connection: Connection, run: Run) -> None:
    """Keep what `run` joined; it becomes its job's current run when it is the latest complete."""
    edges, columns = dataset_edges(run), column_edges(run)
    shape = _shape(edges, columns)
    _put_edges(connection, shape, edges, columns)
    _put_datasets(connection, run)
    row = _run_row(run) | {"shape": shape}
    insert = _INSERT[connection.dialect.name](run_table).values(row)
    connection.execute(insert.on_conflict_do_update(index_elements=["run_id"], set_=row))
    if run.is_complete and run.ended_at is not None:
        _make_current(connection, run, shape)


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "run_id": str(run.run_id),
        "job_namespace": run.job_namespace,
        "job": run.job,
        "kind": run.kind,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "is_complete": run.is_complete,
        "error": run.error,
    }


def _make_current(connection: Connection, run: Run, shape: str) -> None:
    row = {
        "namespace": run.job_namespace,
        "name": run.job,
        "kind": run.kind,
        "run_id": str(run.run_id),
        "ended_at": run.ended_at,
        "shape": shape,
    }
    insert = _INSERT[connection.dialect.name](job_table).values(row)
    # Events can arrive late: an older run never takes the place of a newer one.
    is_newer = insert.excluded.ended_at >= job_table.c.ended_at
    statement = insert.on_conflict_do_update(
        index_elements=["namespace", "name"], set_=row, where=is_newer
    )
    connection.execute(statement)


def _shape(edges: Sequence[DatasetEdge], columns: Sequence[ColumnEdge]) -> str:
    rows = [list(_edge_row("", e).values()) for e in edges]
    rows += [list(_column_row("", c).values()) for c in columns]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _put_edges(
    connection: Connection,
    shape: str,
    edges: Iterable[DatasetEdge],
    columns: Iterable[ColumnEdge],
) -> None:
    known = select(run_table.c.run_id).where(run_table.c.shape == shape).limit(1)
    if connection.execute(known).first() is not None:
        return
    _insert_all(connection, edge_table, [_edge_row(shape, e) for e in edges])
    _insert_all(connection, column_edge_table, [_column_row(shape, c) for c in columns])


def _insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _BATCH):
        insert = _INSERT[connection.dialect.name](table).values(rows[start : start + _BATCH])
        connection.execute(insert.on_conflict_do_nothing())


def _edge_row(shape: str, edge: DatasetEdge) -> dict[str, str]:
    return {
        "shape": shape,
        "source_namespace": edge.source.namespace,
        "source_name": edge.source.name,
        "target_namespace": edge.target.namespace,
        "target_name": edge.target.name,
    }


def _column_row(shape: str, edge: ColumnEdge) -> dict[str, str]:
    return _edge_row(shape, DatasetEdge(edge.source, edge.target)) | {
        "source_column": edge.source_column,
        "target_column": edge.target_column,
        "kind": edge.kind.value,
        "subtype": edge.subtype.value,
    }


def _put_datasets(connection: Connection, run: Run) -> None:
    seen: dict[Node, tuple[SchemaField, ...]] = {}
    datasets: tuple[Input | Output, ...] = (*run.inputs, *run.outputs)
    for dataset in datasets:
        seen[dataset.node] = dataset.fields or seen.get(dataset.node, ())
    for node, fields in seen.items():
        row = {
            "namespace": node.namespace,
            "name": node.name,
            "fields": json.dumps([[f.name, f.type] for f in fields], ensure_ascii=False),
        }
        insert = _INSERT[connection.dialect.name](dataset_table).values(row)
        keys = ["namespace", "name"]
        # A run that tells no columns does not make us forget those that another told.
        statement = (
            insert.on_conflict_do_update(index_elements=keys, set_=row)
            if fields
            else insert.on_conflict_do_nothing(index_elements=keys)
        )
        connection.execute(statement)


def fields_of(connection: Connection, node: Node) -> tuple[str, ...]:
    """Return the columns that any run told of `node`, by its schema or by an edge."""
    c, e = dataset_table.c, column_edge_table.c
    here = (c.namespace == node.namespace) & (c.name == node.name)
    fields = connection.scalar(select(dataset_table.c.fields).where(here)) or "[]"
    as_source = select(e.source_column).where(
        e.source_namespace == node.namespace, e.source_name == node.name
    )
    as_target = select(e.target_column).where(
        e.target_namespace == node.namespace, e.target_name == node.name
    )
    edges = connection.scalars(as_source.union(as_target))
    return tuple(dict.fromkeys([*(name for name, _ in json.loads(fields)), *edges]))


def all_events(connection: Connection) -> Iterator[str]:
    """Yield the contents of all events in the order of their arrival."""
    yield from connection.scalars(select(event_table.c.content).order_by(event_table.c.id))
