"""What a run read and wrote, down to columns, as frozen values.

A run is told once, by whoever ran it; `openlineage.py` says it in the standard's words and
`store.py` keeps the edges that tracing follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import DatasetName, RunId
from shuzhi.kernel.instant import Instant

LAKE, LAW = "lake", "law"
JOB_NAMESPACE = "shuzhi"
RunKind = Literal["load", "model", "indicator", "check", "harvest", "foreign"]
# The authority of a URL that carries a password, as in https://user:word@host.
_SECRET = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@]*:[^/?#\s]+@", re.IGNORECASE)


class Kind(StrEnum):
    """How a column depends on another (OpenLineage ColumnLineageDatasetFacet 1-2-0, `type`)."""

    DIRECT = "DIRECT"
    INDIRECT = "INDIRECT"


class Subtype(StrEnum):
    """What was done with the input column (the same facet, `subtype`).

    The first three are DIRECT, from the weakest to the strongest; the others are INDIRECT.
    """

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    JOIN = "JOIN"
    FILTER = "FILTER"
    GROUP_BY = "GROUP_BY"
    SORT = "SORT"
    WINDOW = "WINDOW"
    CONDITIONAL = "CONDITIONAL"


@dataclass(frozen=True, order=True)
class Node:
    """A data set: in the lake (namespace `lake`), a number or table of `law`, or outside.

    Namespaces of what lies outside are `file`, `http`, `sql`, or a foreign one.

    Raises:
        BrokenError: `gather.lineage_secret` when the name is a URL with a password in it.
    """

    namespace: str
    name: str

    def __post_init__(self) -> None:
        if _SECRET.match(self.name) or _SECRET.match(self.namespace):
            raise BrokenError(
                "gather.lineage_secret",
                "A data set outside the lake is named by a URL that holds a password.",
                next_step="Name it without the password before it is recorded.",
            )

    def __str__(self) -> str:
        return self.name if self.namespace == LAKE else f"{self.namespace}:{self.name}"


def lake_node(name: str) -> Node:
    """Return the node of the lake's data set `name`."""
    return Node(LAKE, DatasetName(name))


def law_node(id: str) -> Node:  # noqa: A002  (the word of law files)
    """Return the node of the law parameter or table `id`."""
    return Node(LAW, id)


@dataclass(frozen=True)
class SchemaField:
    """A column of a data set as it was at the run; `type` is the writer's own word for it."""

    name: str
    type: str = ""
    description: str = ""


@dataclass(frozen=True)
class ColumnRef:
    """An input column that an output column depends on, and how."""

    dataset: Node
    column: str
    kind: Kind = Kind.DIRECT
    subtype: Subtype = Subtype.IDENTITY


@dataclass(frozen=True)
class Assertion:
    """One check on an input and whether it held; `column` None when it is about the data set."""

    assertion: str
    is_success: bool
    column: str | None = None


@dataclass(frozen=True)
class Input:
    """A data set that a run read; `version` is the lake's version that it saw."""

    node: Node
    fields: tuple[SchemaField, ...] = ()
    version: int | None = None
    assertions: tuple[Assertion, ...] = ()


@dataclass(frozen=True)
class Output:
    """A data set that a run wrote; `columns` maps each of its columns to what it comes from.

    `row_count`, `byte_count` and `file_count` are what this run wrote, not the whole table.
    """

    node: Node
    fields: tuple[SchemaField, ...] = ()
    columns: Mapping[str, tuple[ColumnRef, ...]] = field(default_factory=dict)
    row_count: int | None = None
    byte_count: int | None = None
    file_count: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Run:
    """One run of a job. `ended_at` is None while it runs; `error` says why it failed.

    `job` is stable over runs (`load:flights`): the job's latest complete run is what is current.
    `error` and `sql` are published: they hold no personal data and no secrets.
    """

    run_id: RunId
    job: str
    kind: RunKind
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    started_at: Instant
    ended_at: Instant | None
    is_complete: bool
    error: str | None = None
    sql: str | None = None
    job_namespace: str = JOB_NAMESPACE


@dataclass(frozen=True, order=True)
class DatasetEdge:
    """`source` was read to write `target`."""

    source: Node
    target: Node


@dataclass(frozen=True, order=True)
class ColumnEdge:
    """`source_column` of `source` decides `target_column` of `target`, as `subtype` says."""

    source: Node
    source_column: str
    target: Node
    target_column: str
    kind: Kind
    subtype: Subtype


def dataset_edges(run: Run) -> tuple[DatasetEdge, ...]:
    """Return every input of `run` joined to every output, sorted, without repeats."""
    return tuple(sorted({DatasetEdge(i.node, o.node) for i in run.inputs for o in run.outputs}))


def column_edges(run: Run) -> tuple[ColumnEdge, ...]:
    """Return the column edges of all outputs of `run`, sorted, without repeats."""
    edges = {
        ColumnEdge(ref.dataset, ref.column, output.node, column, ref.kind, ref.subtype)
        for output in run.outputs
        for column, refs in output.columns.items()
        for ref in refs
    }
    return tuple(sorted(edges))
