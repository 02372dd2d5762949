"""The tables of cases: each case as it is now, its tasks and clocks, and every step it ever took.

The steps are the truth; the other tables hold what the steps make of a case, for questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from shuzhi.act.cases.model import Case, CaseId, Step
from shuzhi.act.cases.rows import case_of, clock_rows, head_row, step_of, step_row, task_rows
from shuzhi.kernel.control import InstantColumn, metadata

_Id = BigInteger().with_variant(Integer, "sqlite")

case_table = Table(
    "cases_case",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("title", Text, nullable=False),
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
    Column("case_id", _Id, ForeignKey(case_table.c.id), primary_key=True),
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
    Column("case_id", _Id, ForeignKey(case_table.c.id), primary_key=True),
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
    Column("id", _Id, primary_key=True),
    Column("case_id", _Id, ForeignKey(case_table.c.id), nullable=False),
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


def read_cases(
    connection: Connection, ids: Iterable[CaseId], *, lock: bool = False
) -> dict[CaseId, Case]:
    """Return the cases with these ids, whole; with `lock` nobody else changes them meanwhile."""
    wanted = sorted(set(ids))
    query = select(case_table).where(case_table.c.id.in_(wanted)).order_by(case_table.c.id)
    heads = connection.execute(query.with_for_update() if lock else query).mappings().all()
    tasks = _by_case(connection, task_table, wanted, task_table.c.place)
    runs = _by_case(connection, clock_table, wanted, clock_table.c.round, clock_table.c.clock)
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
    query = select(case_table.c.open_key, case_table.c.id).where(
        case_table.c.open_key.in_(sorted(set(keys)))
    )
    return {key: CaseId(case_id) for key, case_id in connection.execute(query)}


def known_origins(connection: Connection, origins: Iterable[str]) -> dict[str, CaseId]:
    """Return the case that each of the reports with these origins was taken into."""
    query = select(step_table.c.origin, step_table.c.case_id).where(
        step_table.c.origin.in_(sorted(set(origins)))
    )
    return {origin: CaseId(case_id) for origin, case_id in connection.execute(query)}


def insert_cases(connection: Connection, cases: Sequence[Case]) -> tuple[CaseId, ...]:
    """Write new cases and return their ids, in the order of `cases`; their own ids are ignored."""
    if not cases:
        return ()
    rows = [{k: v for k, v in head_row(case).items() if k != "id"} for case in cases]
    made = insert(case_table).returning(case_table.c.id, sort_by_parameter_order=True)
    return tuple(CaseId(case_id) for case_id in connection.scalars(made, rows))


def update_cases(connection: Connection, cases: Sequence[Case]) -> None:
    """Write cases that are there already as they are now."""
    heads = [{f"_{k}": v for k, v in head_row(case).items()} for case in cases]
    if heads:
        values: dict[Any, Any] = {
            c.name: bindparam(f"_{c.name}") for c in case_table.columns if c.name != "id"
        }
        query = update(case_table).where(case_table.c.id == bindparam("_id")).values(values)
        connection.execute(query, heads)


def replace_parts(connection: Connection, cases: Sequence[Case]) -> None:
    """Write the tasks and clocks of `cases` in place of those that are there."""
    tasks = [row for case in cases for row in task_rows(case)]
    runs = [row for case in cases for row in clock_rows(case)]
    ids = [{"_id": case.id} for case in cases]
    for table, rows in ((task_table, tasks), (clock_table, runs)):
        if ids:
            gone = delete(table).where(table.c.case_id == bindparam("_id"))
            connection.execute(gone, ids)
        if rows:
            connection.execute(insert(table), rows)


def append_steps(connection: Connection, steps: Sequence[Step]) -> None:
    """Write steps at the end of their cases' histories."""
    if steps:
        connection.execute(insert(step_table), [step_row(step) for step in steps])


def _by_case(
    connection: Connection, table: Table, ids: Sequence[CaseId], *order: Column[Any]
) -> dict[int, list[RowMapping]]:
    found: dict[int, list[RowMapping]] = {}
    query = select(table).where(table.c.case_id.in_(ids)).order_by(*order)
    for row in connection.execute(query).mappings():
        found.setdefault(row["case_id"], []).append(row)
    return found
