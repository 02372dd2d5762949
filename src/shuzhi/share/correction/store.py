"""The tables of corrections: doubts, their steps, notices to receivers, decisions to review.

The steps are the truth of a doubt. A head keeps the whole state as JSON, and in columns what is
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    JSON,
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
    and_,
    func,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.clocks import has_no_deadline, next_at
from shuzhi.share.agreements.plain import plain, unplain
from shuzhi.share.correction.model import (
    Decision,
    DecisionKind,
    Doubt,
    DoubtId,
    DoubtState,
    Listed,
    Nearness,
    Notice,
    Review,
    Step,
    Verb,
)

_ENDS = ("first", "last")

doubt_table = Table(
    "correction_doubt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("state", String(12), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("party", String(120), nullable=False, index=True),
    Column("responsible", String(120), nullable=False, index=True),
    Column("dataset", String(120), nullable=False, index=True),
    Column("next_at", InstantColumn, index=True),
    Column("has_no_deadline", Boolean, nullable=False),
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

step_table = Table(
    "correction_step",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("doubt", RowId, ForeignKey(doubt_table.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("verb", String(12), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("party", String(120)),
    Column("state", String(12), nullable=False),
    Column("facts", JSON, nullable=False),
    # A request that comes twice, as after a crash, is known by this.
    Column("origin", String(200), unique=True),
    UniqueConstraint("doubt", "number"),
    sqlite_autoincrement=True,
)

notice_table = Table(
    "correction_notice",
    metadata,
    Column("doubt", RowId, ForeignKey(doubt_table.c.id), primary_key=True),
    Column("party", String(120), primary_key=True),
    Column("receipts", JSON, nullable=False),
    Column("told_at", InstantColumn, nullable=False),
    Column("acknowledged_at", InstantColumn),
    Column("by", String(120)),
    Index("ix_correction_notice_party", "party", "acknowledged_at"),
)

decision_table = Table(
    "correction_decision",
    metadata,
    Column("doubt", RowId, ForeignKey(doubt_table.c.id), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("at", InstantColumn, nullable=False),
    Column("party", String(120)),
    Column("title", Text, nullable=False),
    Column("dataset", String(120), nullable=False),
    Column("version", Integer),
    Column("nearness", String(8), nullable=False),
    Column("review", String(8), nullable=False),
    Column("reviewed_at", InstantColumn),
    Column("by", String(120)),
    Column("why", Text, nullable=False),
    Index("ix_correction_decision_party", "party", "review"),
)


def insert_doubt(connection: Connection, doubt: Doubt) -> DoubtId:
    """Write a new doubt and return its id; its own is ignored."""
    made = insert(doubt_table).values(_row(doubt)).returning(doubt_table.c.id)
    return DoubtId(connection.execute(made).scalar_one())


def write_doubt(connection: Connection, doubt: Doubt) -> None:
    """Write a doubt as it stands now."""
    query = update(doubt_table).where(doubt_table.c.id == doubt.id)
    connection.execute(query.values(_row(doubt)))


def find_doubt(connection: Connection, doubt: int, *, lock: bool = False) -> Doubt | None:
    """Return a doubt; with `lock` nobody else changes it until the transaction ends."""
    query = select(doubt_table).where(doubt_table.c.id == doubt)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else doubt_of(row)


def doubt_of(row: RowMapping) -> Doubt:
    """Return the doubt of its row."""
    return unplain(Doubt, {**row["content"], "id": row["id"]})


def closed_with(connection: Connection, dataset: str, version: int | None) -> tuple[Doubt, ...]:
    """Return the closed doubts whose wrong value a version held; of all versions for None."""
    c = doubt_table.c
    first, last = (c.content["used", f"{which}_version"].as_integer() for which in _ENDS)
    is_held = first.is_not(None) if version is None else and_(first <= version, version <= last)
    closed = (c.dataset == dataset, c.state == DoubtState.CLOSED.value)
    rows = connection.execute(select(doubt_table).where(*closed, is_held).order_by(c.id))
    return tuple(doubt_of(row) for row in rows.mappings())


def append_step(connection: Connection, step: Step) -> None:
    """Append one line to the history of a doubt."""
    row = {
        "doubt": step.doubt,
        "number": step.number,
        "verb": step.verb.value,
        "at": step.at,
        "by": step.by,
        "party": step.party,
        "state": step.state.value,
        "facts": step.facts,
        "origin": step.origin,
    }
    connection.execute(insert(step_table).values(row))


def read_steps(connection: Connection, doubt: int) -> tuple[Step, ...]:
    """Return the history of a doubt, oldest first."""
    c = step_table.c
    rows = connection.execute(select(step_table).where(c.doubt == doubt).order_by(c.number))
    return tuple(step_of(row) for row in rows.mappings())


def step_of(row: RowMapping) -> Step:
    """Return the step of its row."""
    party = row["party"]
    return Step(
        row["doubt"],
        row["number"],
        Verb(row["verb"]),
        row["at"],
        row["by"],
        None if party is None else PartyId(party),
        DoubtState(row["state"]),
        row["facts"],
        row["origin"],
    )


def known_origin(connection: Connection, origin: str) -> int | None:
    """Return the doubt that the request with this origin made; None when it is new."""
    query = select(step_table.c.doubt).where(step_table.c.origin == origin)
    return connection.execute(query).scalar_one_or_none()


def read_notices(
    connection: Connection, *, doubt: int | None = None, party: str | None = None
) -> tuple[Notice, ...]:
    """Return notices of a doubt, or to a party, the oldest first."""
    c = notice_table.c
    query = select(notice_table).order_by(c.told_at, c.party)
    query = query if doubt is None else query.where(c.doubt == doubt)
    query = query if party is None else query.where(c.party == party)
    return tuple(
        Notice(
            DoubtId(row["doubt"]),
            PartyId(row["party"]),
            tuple(row["receipts"]),
            row["told_at"],
            row["acknowledged_at"],
            row["by"],
        )
        for row in connection.execute(query).mappings()
    )


def put_notice(connection: Connection, notice: Notice) -> None:
    """Write a notice, in the place of one to the same party about the same doubt."""
    c = notice_table.c
    row = {
        "receipts": list(notice.receipts),
        "told_at": notice.told_at,
        "acknowledged_at": notice.acknowledged_at,
        "by": notice.by,
    }
    mine = update(notice_table).where(c.doubt == notice.doubt, c.party == notice.party)
    if not connection.execute(mine.values(row)).rowcount:
        key = {"doubt": notice.doubt, "party": notice.party}
        connection.execute(insert(notice_table).values(**key, **row))


def read_listed(
    connection: Connection, *, doubt: int | None = None, party: str | None = None
) -> tuple[tuple[DoubtId, Listed], ...]:
    """Return the decisions on the list of a doubt, or for a party to review, the oldest first."""
    c = decision_table.c
    query = select(decision_table).order_by(c.doubt, c.at, c.kind, c.id)
    query = query if doubt is None else query.where(c.doubt == doubt)
    query = query if party is None else query.where(c.party == party)
    rows = connection.execute(query).mappings()
    return tuple((DoubtId(row["doubt"]), _listed(row)) for row in rows)


def put_decisions(connection: Connection, doubt: DoubtId, found: Iterable[Decision]) -> int:
    """Write those decisions that the list lacks; return how many."""
    c = decision_table.c
    known = {tuple(row) for row in connection.execute(select(c.kind, c.id).where(c.doubt == doubt))}
    fresh = {(d.kind.value, d.id): d for d in found if (d.kind.value, d.id) not in known}
    rows = [_decision_row(doubt, decision) for decision in fresh.values()]
    if rows:
        connection.execute(insert(decision_table), rows)
    return len(rows)


def write_review(connection: Connection, doubt: DoubtId, listed: Listed) -> None:
    """Write what was found about a decision."""
    c, decision = decision_table.c, listed.decision
    mine = (c.doubt == doubt, c.kind == decision.kind.value, c.id == decision.id)
    row = {
        "review": listed.review.value,
        "reviewed_at": listed.reviewed_at,
        "by": listed.by,
        "why": listed.why,
    }
    connection.execute(update(decision_table).where(*mine).values(row))


def is_gone_through(connection: Connection, doubt: DoubtId) -> bool:
    """Whether every receiver has acknowledged and every decision was reviewed."""
    n, d = notice_table.c, decision_table.c
    unread = select(func.count()).where(n.doubt == doubt, n.acknowledged_at.is_(None))
    unseen = select(func.count()).where(d.doubt == doubt, d.review == Review.OPEN.value)
    return not (connection.scalar(unread) or connection.scalar(unseen))


def _row(doubt: Doubt) -> dict[str, Any]:
    return {
        "state": doubt.state.value,
        "is_open": doubt.is_open,
        "party": doubt.party,
        "responsible": doubt.responsible,
        "dataset": doubt.what.dataset,
        "next_at": next_at(doubt.runs),
        "has_no_deadline": has_no_deadline(doubt.runs),
        "content": plain(doubt),
    }


def _decision_row(doubt: DoubtId, decision: Decision) -> dict[str, Any]:
    return {
        "doubt": doubt,
        "kind": decision.kind.value,
        "id": decision.id,
        "at": decision.at,
        "party": decision.party,
        "title": decision.title,
        "dataset": decision.dataset,
        "version": decision.version,
        "nearness": decision.nearness.value,
        "review": Review.OPEN.value,
        "why": "",
    }


def _listed(row: RowMapping) -> Listed:
    party = row["party"]
    decision = Decision(
        DecisionKind(row["kind"]),
        row["id"],
        Instant(row["at"]),
        None if party is None else PartyId(party),
        row["title"],
        row["dataset"],
        row["version"],
        Nearness(row["nearness"]),
    )
    return Listed(decision, Review(row["review"]), row["reviewed_at"], row["by"], row["why"])
