"""The table of searches: what each tracing was asked, what it answered, and what began it.

What a search stood on is kept with it: the part of the river, or the wind of those hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NewType, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
)

from shuzhi.act.cases import CaseId
from shuzhi.decide.tracing import Candidate, Question, Trace
from shuzhi.kernel.control import Control, InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant

SearchId = NewType("SearchId", int)
Kept = TypeVar("Kept")

search_table = Table(
    "app_search",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("tracing", String(60), nullable=False),
    Column("case_id", RowId, nullable=True),
    Column("sought_at", InstantColumn, nullable=False),
    # Whoever began it by hand; empty where a warning did.
    Column("sought_by", String(120), nullable=False),
    Column("question", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("candidates", Text, nullable=False),
    # What stands in lists, so that they need not read all candidates.
    Column("count", Integer, nullable=False),
    Column("best", Text, nullable=False),
    Column("trace", Text, nullable=False),
    # What is sent twice, as after a lost answer, is known by this.
    Column("origin", String(200), nullable=True, unique=True),
    UniqueConstraint("case_id", "tracing"),
    sqlite_autoincrement=True,
)
_columns = search_table.c
_LONG = frozenset({"candidates", "trace"})


@dataclass(frozen=True)
class Sought:
    """A search: its question, and candidates in order or why there is no answer.

    `question` is None where a warning told too little, and `trace` where there is no answer; both
    are None in searches that were kept before they were kept too.
    """

    tracing: str
    sought_at: Instant
    question: Question | None = None
    case_id: CaseId | None = None
    by: str = ""
    candidates: tuple[Candidate, ...] = ()
    trace: Trace | None = None
    failure: str = ""
    id: SearchId = SearchId(0)


@dataclass(frozen=True)
class SoughtLine:
    """A search as lists have it: how many candidates, and the likeliest."""

    id: SearchId
    tracing: str
    sought_at: Instant
    question: Question | None
    case_id: CaseId | None
    by: str
    count: int
    best: Candidate | None
    failure: str


_QUESTION: TypeAdapter[Question] = TypeAdapter(Question)
_TRACE: TypeAdapter[Trace] = TypeAdapter(Trace)
_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
_CANDIDATES: TypeAdapter[tuple[Candidate, ...]] = TypeAdapter(tuple[Candidate, ...])


def save_sought(control: Control, sought: Sought, *, origin: str | None = None) -> SearchId:
    """Keep a search and return its id; once for each `origin`, and for each case and tracing."""
    same = (
        _columns.origin == origin
        if origin is not None
        else (_columns.case_id == sought.case_id) & (_columns.tracing == sought.tracing)
    )
    with control.transaction() as connection:
        known = connection.execute(select(_columns.id).where(same)).scalar_one_or_none()
        return SearchId(known or _insert(connection, sought, origin))


def _insert(connection: Connection, sought: Sought, origin: str | None) -> int:
    trace = sought.trace and replace(sought.trace, candidates=())
    values = {
        "tracing": sought.tracing,
        "case_id": sought.case_id,
        "sought_at": sought.sought_at,
        "sought_by": sought.by,
        "question": _written(_QUESTION, sought.question),
        "failure": sought.failure,
        "candidates": _written(_CANDIDATES, sought.candidates),
        "count": len(sought.candidates),
        "best": _written(_CANDIDATE, next(iter(sought.candidates), None)),
        "trace": _written(_TRACE, trace),
        "origin": origin,
    }
    made = connection.execute(insert(search_table).values(values).returning(_columns.id))
    return int(made.scalar_one())


def causes_of(control: Control, case_id: CaseId) -> tuple[Sought, ...]:
    """Return what the tracings answered for a case, by the name of the tracing."""
    query = select(search_table).where(_columns.case_id == case_id).order_by(_columns.tracing)
    return tuple(_sought(row) for row in _rows(control, query))


def find_sought(control: Control, search_id: SearchId) -> Sought | None:
    """Return a search; None where there is no such."""
    rows = _rows(control, select(search_table).where(_columns.id == search_id))
    return next((_sought(row) for row in rows), None)


def newest_searches(
    control: Control, *, before: SearchId | None, limit: int
) -> tuple[SoughtLine, ...]:
    """Return at most `limit` searches that came before one, the newest first."""
    query = (
        select(*(c for c in _columns if c.name not in _LONG))
        .order_by(_columns.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(_columns.id < before)
    return tuple(_line(row) for row in _rows(control, query))


def _rows(control: Control, query: Any) -> Sequence[RowMapping]:
    with control.transaction() as connection:
        return connection.execute(query).mappings().all()


def _line(row: RowMapping) -> SoughtLine:
    return SoughtLine(
        row["id"],
        row["tracing"],
        row["sought_at"],
        _read(_QUESTION, row["question"]),
        row["case_id"],
        row["sought_by"],
        row["count"],
        _read(_CANDIDATE, row["best"]),
        row["failure"],
    )


def _sought(row: RowMapping) -> Sought:
    candidates = _read(_CANDIDATES, row["candidates"]) or ()
    trace = _read(_TRACE, row["trace"])
    return Sought(
        row["tracing"],
        row["sought_at"],
        _read(_QUESTION, row["question"]),
        row["case_id"],
        row["sought_by"],
        candidates,
        trace and replace(trace, candidates=candidates),
        row["failure"],
        row["id"],
    )


def _written(kind: TypeAdapter[Kept], value: Kept | None) -> str:
    return "" if value is None else kind.dump_json(value).decode()


def _read(kind: TypeAdapter[Kept], text: str) -> Kept | None:
    return kind.validate_json(text) if text else None
