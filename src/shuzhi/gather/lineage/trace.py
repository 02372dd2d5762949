"""Follows the current edges from a data set or a column, upstream and downstream.

Each step outwards is one question to the store for the whole frontier, never one for each node;
what was seen is not entered again, so that circles end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    exists,
    literal,
    or_,
    select,
)

from shuzhi.gather.lineage.model import LAKE, Node, Subtype
from shuzhi.gather.lineage.store import (
    column_edge_table,
    dataset_table,
    edge_table,
    fields_of,
    job_table,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

Direction = Literal["upstream", "downstream"]
_MOST_STEPS = 5_000
_MOST_DEPTH = 50
_FRONTIER = 100


@dataclass(frozen=True, order=True)
class Place:
    """A data set, or one of its columns."""

    node: Node
    column: str | None = None

    def __str__(self) -> str:
        return str(self.node) if self.column is None else f"{self.node}.{self.column}"


@dataclass(frozen=True)
class Step:
    """`source` was read to write `target` by the newest complete run of `job`.

    `distance` counts jobs from where the trace began. `how` says what was done with the column;
    empty where columns are not told, as in a step between whole data sets.
    """

    source: Place
    target: Place
    job: str
    run_id: str
    ran_at: Instant
    distance: int
    how: tuple[Subtype, ...] = ()


@dataclass(frozen=True)
class Trace:
    """What was found from `place`, nearest first; `is_cut` when there is more than is shown."""

    place: Place
    upstream: tuple[Step, ...]
    downstream: tuple[Step, ...]
    is_cut: bool = False


def trace(control: Control, what: str, *, depth: int = _MOST_DEPTH) -> Trace:
    """Trace `what` (`flights`, `flights.dep_delay`, `file:x.csv`) at most `depth` jobs away.

    Raises:
        RefusedError: `gather.nothing_to_trace` for a data set or column that no run has told of.
    """
    with control.transaction() as connection:
        place = _place(connection, what)
        upstream, up_cut = _follow(connection, place, "upstream", depth)
        downstream, down_cut = _follow(connection, place, "downstream", depth)
    return Trace(place, upstream, downstream, up_cut or down_cut)


def _follow(
    connection: Connection, start: Place, direction: Direction, depth: int
) -> tuple[tuple[Step, ...], bool]:
    found: list[Step] = []
    seen, frontier = {start}, [start]
    for distance in range(1, depth + 1):
        steps = _around(connection, frontier, direction, distance)
        if len(found) + len(steps) > _MOST_STEPS:
            return (*found, *steps[: _MOST_STEPS - len(found)]), True
        found += steps
        reached = dict.fromkeys(s.source if direction == "upstream" else s.target for s in steps)
        frontier = [place for place in reached if place not in seen]
        seen.update(frontier)
        if not frontier:
            return tuple(found), False
    return tuple(found), bool(_around(connection, frontier, direction, depth + 1))


def _around(
    connection: Connection, frontier: Sequence[Place], direction: Direction, distance: int
) -> list[Step]:
    near = "target" if direction == "upstream" else "source"
    whole = {p.node for p in frontier if p.column is None}
    # A job that tells no columns still joins the data sets, and so all of their columns.
    coarse = sorted({p.node for p in frontier} - whole)
    columns = sorted((p.node, p.column) for p in frontier if p.column is not None)
    rows = [
        *_asked(connection, sorted(whole), lambda some: _edges(near, some)),
        *_asked(connection, coarse, lambda some: _edges(near, some).where(~_tells_columns())),
    ]
    steps = {_step(row, distance): None for row in rows}
    told: dict[Step, list[Subtype]] = {}
    for row in _asked(connection, columns, lambda some: _column_edges(near, some)):
        told.setdefault(_column_step(row, distance), []).append(Subtype(row.subtype))
    steps |= {replace(s, how=tuple(sorted(set(how)))): None for s, how in told.items()}
    return sorted(steps, key=lambda s: (s.source, s.target, s.job))


def _asked(
    connection: Connection, places: Sequence[Any], query: Callable[[Sequence[Any]], Select[Any]]
) -> Iterable[Row[Any]]:
    for start in range(0, len(places), _FRONTIER):
        yield from connection.execute(query(places[start : start + _FRONTIER])).all()


def _edges(near: str, nodes: Sequence[Node]) -> Select[Any]:
    query = select(edge_table, job_table.c.name, job_table.c.run_id, job_table.c.ended_at)
    joined = query.join(job_table, job_table.c.shape == edge_table.c.shape)
    return joined.where(or_(*(_is_node(edge_table, near, node) for node in nodes)))


def _column_edges(near: str, columns: Sequence[tuple[Node, str]]) -> Select[Any]:
    c = column_edge_table.c
    query = select(column_edge_table, job_table.c.name, job_table.c.run_id, job_table.c.ended_at)
    joined = query.join(job_table, job_table.c.shape == c.shape)
    wanted = (
        and_(_is_node(column_edge_table, near, node), c[f"{near}_column"] == column)
        for node, column in columns
    )
    return joined.where(or_(*wanted))


def _is_node(table: Any, near: str, node: Node) -> ColumnElement[bool]:
    namespace, name = table.c[f"{near}_namespace"], table.c[f"{near}_name"]
    return and_(namespace == node.namespace, name == node.name)


def _tells_columns() -> ColumnElement[bool]:
    return exists(select(literal(1)).where(column_edge_table.c.shape == edge_table.c.shape))


def _step(row: Row[Any], distance: int) -> Step:
    source = Place(Node(row.source_namespace, row.source_name))
    target = Place(Node(row.target_namespace, row.target_name))
    return Step(source, target, row.name, row.run_id, row.ended_at, distance)


def _column_step(row: Row[Any], distance: int) -> Step:
    source = Place(Node(row.source_namespace, row.source_name), row.source_column)
    target = Place(Node(row.target_namespace, row.target_name), row.target_column)
    return Step(source, target, row.name, row.run_id, row.ended_at, distance)


def _place(connection: Connection, what: str) -> Place:
    node = _node(connection, what)
    if node is not None:
        return Place(node)
    named, _, column = what.rpartition(".")
    node = _node(connection, named)
    if node is None:
        raise _unknown(f"data set {named or what!r}", named or what, _names(connection))
    known = fields_of(connection, node)
    if column not in known:
        raise _unknown(f"column {column!r} of {named!r}", column, known)
    return Place(node, column)


def _node(connection: Connection, name: str) -> Node | None:
    c = dataset_table.c
    namespace, _, outside = name.partition(":")
    told = select(c.namespace, c.name).where(
        or_(
            and_(c.namespace == LAKE, c.name == name),
            and_(c.namespace == namespace, c.name == outside),
        )
    )
    row = connection.execute(told).first()
    return None if row is None else Node(row.namespace, row.name)


def _names(connection: Connection) -> list[str]:
    c = dataset_table.c
    rows = connection.execute(select(c.namespace, c.name).order_by(c.namespace.cast(String)))
    return [str(Node(row.namespace, row.name)) for row in rows]


def _unknown(what: str, name: str, known: Iterable[str]) -> RefusedError:
    close = get_close_matches(name, list(known), n=3)
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    return RefusedError(
        "gather.nothing_to_trace",
        f"No run has told of the {what[:200]}.",
        next_step=f"{meant}Load it first: shuzhi gather run.",
    )
