"""The tables of cases: each case as it is now, its tasks and clocks, and every step it ever took.

The steps are the truth; the other tables hold what the steps make of a case, for questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Delete,
    ForeignKey,
    Index,
    Insert,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from shuzhi.act.cases.model import Case, CaseId, Step
from shuzhi.act.cases.rows import case_of, clock_rows, head_row, step_of, step_row, task_rows
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId

case_table = Table(
    "cases_case",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("title", Text, nullable=False),
    Column("title_en", Text, nullable=False, server_default=""),
    Column("severity", String(40), nullable=False),
    Column("stage", String(12), nullable=False),
    Column("stage_before", String(12)),
    Column("responsible", String(120), nullable=False, index=True),
    Column("is_open", Boolean, nullable=False),
    Column("opened_at", InstantColumn, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("closed_at", InstantColumn),
    Column("merge_key", String(200), index=True),
    # The merge key while the case is open: two open cases cannot have the same.
    Column("open_key", String(300), unique=True),
    Column("due", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("touched", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("reports", Integer, nullable=False),
    Column("outcome", Text),
    Column("stars", Integer),
    Column("escalated_to", String(120)),
    Column("handled_by", JSON, nullable=False),
    Column("handling_parties", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Index("ix_cases_case_kind", "kind", "stage"),
    sqlite_autoincrement=True,
)

task_table = Table(
    "cases_task",
    metadata,
    Column("case_id", RowId, ForeignKey(case_table.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("party", String(120), nullable=False),
    Column("is_lead", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Index("ix_cases_task_party", "party", "state"),
)

clock_table = Table(
    "cases_clock",
    metadata,
    Column("case_id", RowId, ForeignKey(case_table.c.id), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("clock", String(60), primary_key=True),
    Column("spells", JSON, nullable=False),
    Column("due_at", InstantColumn),
    Column("next_at", InstantColumn, index=True),
    Column("broken_at", InstantColumn),
    Column("was_due_at", InstantColumn),
    Column("escalations", Integer, nullable=False),
    Column("escalated_to", String(120)),
    Column("above", String(120)),
)

step_table = Table(
    "cases_step",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("case_id", RowId, ForeignKey(case_table.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("verb", String(12), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("party", String(120)),
    Column("stage", String(12), nullable=False),
    Column("facts", JSON, nullable=False),
    # A report that comes twice, as after a crash, is known by this.
    Column("origin", String(200), unique=True),
    UniqueConstraint("case_id", "number"),
    sqlite_autoincrement=True,
)


def concerns(parties: frozenset[PartyId]) -> ColumnElement[bool]:
    """Return the condition that a case concerns one of `parties`: see `CaseFile.parties`."""
    head, ids = case_table.c, sorted(parties)
    task, first = task_table.c, step_table.alias("first").c
    has_part = exists().where(task.case_id == head.id, task.party.in_(ids))
    has_told = exists().where(first.case_id == head.id, first.number == 1, first.party.in_(ids))
    return or_(head.responsible.in_(ids), head.escalated_to.in_(ids), has_part, has_told)


# Statements are built once: building one costs as much as running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_HEADS = select(case_table).where(case_table.c.id.in_(_IDS)).order_by(case_table.c.id)
_LOCKED = _HEADS.with_for_update()
_TASKS = select(task_table).where(task_table.c.case_id.in_(_IDS)).order_by(task_table.c.place)
_CLOCKS = (
    select(clock_table)
    .where(clock_table.c.case_id.in_(_IDS))
    .order_by(clock_table.c.round, clock_table.c.clock)
)
_OPEN = select(case_table.c.open_key, case_table.c.id).where(case_table.c.open_key.in_(_IDS))
_ORIGINS = select(step_table.c.origin, step_table.c.case_id).where(step_table.c.origin.in_(_IDS))
_UPDATE = (
    update(case_table)
    .where(case_table.c.id == bindparam("_id"))
    .values({c.name: bindparam(f"_{c.name}") for c in case_table.columns if c.name != "id"})
)
_NO_TASKS = delete(task_table).where(task_table.c.case_id == bindparam("_id"))
_NO_CLOCKS = delete(clock_table).where(clock_table.c.case_id == bindparam("_id"))
_NEW_CASES = insert(case_table).returning(case_table.c.id, sort_by_parameter_order=True)
_NEW_TASKS, _NEW_CLOCKS, _NEW_STEPS = map(insert, (task_table, clock_table, step_table))


def read_cases(
    connection: Connection, ids: Iterable[CaseId], *, lock: bool = False
) -> dict[CaseId, Case]:
    """Return the cases with these ids, whole; with `lock` nobody else changes them meanwhile."""
    wanted = {"ids": sorted(set(ids))}
    if not wanted["ids"]:
        return {}
    heads = connection.execute(_LOCKED if lock else _HEADS, wanted).mappings().all()
    tasks = _by_case(connection.execute(_TASKS, wanted).mappings())
    runs = _by_case(connection.execute(_CLOCKS, wanted).mappings())
    return {
        CaseId(head["id"]): case_of(head, tasks.get(head["id"], ()), runs.get(head["id"], ()))
        for head in heads
    }


def read_steps(connection: Connection, case_id: CaseId) -> tuple[Step, ...]:
    """Return the whole history of a case, oldest first."""
    query = select(step_table).where(step_table.c.case_id == case_id).order_by(step_table.c.number)
    return tuple(step_of(row) for row in connection.execute(query).mappings())


def open_cases(connection: Connection, keys: Iterable[str]) -> dict[str, CaseId]:
    """Return the open cases by `open_key` of those that have one of `keys`."""
    return _ids_by_text(connection, _OPEN, keys)


def known_origins(connection: Connection, origins: Iterable[str]) -> dict[str, CaseId]:
    """Return the case that each of the reports with these origins was taken into."""
    return _ids_by_text(connection, _ORIGINS, origins)


def insert_cases(connection: Connection, cases: Sequence[Case]) -> tuple[CaseId, ...]:
    """Write new cases and return their ids, in the order of `cases`; their own ids are ignored."""
    if not cases:
        return ()
    rows = [{k: v for k, v in head_row(case).items() if k != "id"} for case in cases]
    return tuple(CaseId(case_id) for case_id in connection.scalars(_NEW_CASES, rows))


def update_cases(connection: Connection, cases: Sequence[Case]) -> None:
    """Write cases that are there already as they are now."""
    heads = [{f"_{k}": v for k, v in head_row(case).items()} for case in cases]
    if heads:
        connection.execute(_UPDATE, heads)


def replace_tasks(connection: Connection, cases: Sequence[Case]) -> None:
    """Write the tasks of `cases` in place of those that are there."""
    rows = [row for case in cases for row in task_rows(case)]
    _replace(connection, _NO_TASKS, _NEW_TASKS, cases, rows)


def replace_clocks(connection: Connection, cases: Sequence[Case]) -> None:
    """Write the clocks of `cases` in place of those that are there."""
    rows = [row for case in cases for row in clock_rows(case)]
    _replace(connection, _NO_CLOCKS, _NEW_CLOCKS, cases, rows)


def append_steps(connection: Connection, steps: Sequence[Step]) -> None:
    """Write steps at the end of their cases' histories."""
    if steps:
        connection.execute(_NEW_STEPS, [step_row(step) for step in steps])


def _by_case(rows: Iterable[RowMapping]) -> dict[int, list[RowMapping]]:
    found: dict[int, list[RowMapping]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(row)
    return found


def _ids_by_text(
    connection: Connection, query: Select[Any], texts: Iterable[str]
) -> dict[str, CaseId]:
    wanted = sorted(set(texts))
    rows = connection.execute(query, {"ids": wanted}) if wanted else ()
    return {text: CaseId(case_id) for text, case_id in rows}


def _replace(
    connection: Connection,
    gone: Delete,
    made: Insert,
    cases: Sequence[Case],
    rows: Sequence[dict[str, Any]],
) -> None:
    if cases:
        connection.execute(gone, [{"_id": case.id} for case in cases])
    if rows:
        connection.execute(made, rows)
