"""The tables of evaluation: the facts of a period, every version of its scores, and appeals.

A period of a scheme has one basis: its facts, its scheme's text and the parties as they were. The
versions of its scores are computed from the basis and the corrections of upheld appeals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from shuzhi.act.evaluation.appeals import Appeal, AppealId, Decision
from shuzhi.act.evaluation.arithmetic import Bodies, Body, Number, Score
from shuzhi.act.evaluation.facts import Fact, FactKind, read_fact, written
from shuzhi.act.evaluation.rows import appeal_of, number_of, number_row, score_of, score_row
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level

_CHUNK = 5_000

basis_table = Table(
    "evaluation_basis",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("scheme", String(60), nullable=False),
    Column("period", String(10), nullable=False),
    Column("starts_at", InstantColumn, nullable=False),
    Column("ends_at", InstantColumn, nullable=False),
    Column("taken_at", InstantColumn, nullable=False),
    Column("scheme_text", Text, nullable=False),
    Column("bodies", JSON, nullable=False),
    Column("facts_sha256", String(64), nullable=False),
    UniqueConstraint("scheme", "period"),
    sqlite_autoincrement=True,
)

fact_table = Table(
    "evaluation_fact",
    metadata,
    Column("basis_id", RowId, ForeignKey(basis_table.c.id), primary_key=True),
    Column("fact_id", String(200), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("party", String(120), nullable=False),
    Column("content", JSON, nullable=False),
    Index("ix_evaluation_fact_party", "basis_id", "party", "kind"),
)

scoring_table = Table(
    "evaluation_scoring",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("basis_id", RowId, ForeignKey(basis_table.c.id), nullable=False),
    Column("version", Integer, nullable=False),
    Column("made_at", InstantColumn, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("scores_sha256", String(64), nullable=False),
    Column("published_at", InstantColumn),
    Column("published_by", String(120)),
    UniqueConstraint("basis_id", "version"),
    sqlite_autoincrement=True,
)

score_table = Table(
    "evaluation_score",
    metadata,
    Column("scoring_id", RowId, ForeignKey(scoring_table.c.id), primary_key=True),
    Column("party", String(120), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("total", String(12)),
    Column("weight", String(12), nullable=False),
    Column("rank", Integer),
    Column("lack", String(24), nullable=False),
)

number_table = Table(
    "evaluation_number",
    metadata,
    Column("scoring_id", RowId, ForeignKey(scoring_table.c.id), primary_key=True),
    Column("party", String(120), primary_key=True),
    Column("measure", String(60), primary_key=True),
    Column("place", Integer, nullable=False),
    # Exact decimals: no database here keeps them as numbers without rounding.
    Column("numerator", String(40), nullable=False),
    Column("denominator", String(40), nullable=False),
    Column("value", String(40)),
    Column("points", String(12)),
    Column("lack", String(24), nullable=False),
)

appeal_table = Table(
    "evaluation_appeal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("basis_id", RowId, ForeignKey(basis_table.c.id), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("measure", String(60), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("party", String(120), nullable=False),
    Column("raised_by", String(120), nullable=False),
    Column("raised_at", InstantColumn, nullable=False),
    Column("due_at", InstantColumn),
    Column("raise_until", InstantColumn),
    Column("legal_basis", Text, nullable=False),
    Column("is_verified", Boolean, nullable=False),
    Column("decided_at", InstantColumn),
    Column("decided_by", String(120)),
    Column("decided_party", String(120)),
    Column("is_upheld", Boolean),
    Column("decision", Text),
    Column("corrections", JSON, nullable=False),
    Column("version_after", Integer),
    sqlite_autoincrement=True,
)


_APPEALS = select(appeal_table, basis_table.c.scheme, basis_table.c.period).join(basis_table)


def find_basis(connection: Connection, scheme: str, period: str) -> RowMapping | None:
    """Return the basis of a period; None when it was never scored."""
    c = basis_table.c
    query = select(basis_table).where(c.scheme == scheme, c.period == period)
    return connection.execute(query).mappings().one_or_none()


def scored_periods(connection: Connection) -> Sequence[RowMapping]:
    """Return scheme, period, number of versions and when the newest was published."""
    made = (
        func.count(scoring_table.c.id).label("versions"),
        func.max(scoring_table.c.published_at).label("published_at"),
    )
    query = (
        select(basis_table.c.scheme, basis_table.c.period, *made)
        .join(scoring_table, scoring_table.c.basis_id == basis_table.c.id)
        .group_by(basis_table.c.id)
        .order_by(basis_table.c.scheme, basis_table.c.starts_at.desc())
    )
    return connection.execute(query).mappings().all()


def drop_draft(connection: Connection, basis_id: int) -> None:
    """Take away a basis with the one scoring that nobody has published."""
    drafts = select(scoring_table.c.id).where(scoring_table.c.basis_id == basis_id)
    for table in (score_table, number_table):
        connection.execute(delete(table).where(table.c.scoring_id.in_(drafts)))
    for table in (scoring_table, fact_table):
        connection.execute(delete(table).where(table.c.basis_id == basis_id))
    connection.execute(delete(basis_table).where(basis_table.c.id == basis_id))


def add_basis(
    connection: Connection, values: Mapping[str, Any], facts: Iterable[Fact], bodies: Bodies
) -> int:
    """Keep the facts of a period, with the parties as they are now; return the basis' id."""
    plain = {p: [int(body.level), list(body.superiors)] for p, body in bodies.items()}
    made = insert(basis_table).values(**values, bodies=plain).returning(basis_table.c.id)
    basis_id = int(connection.execute(made).scalar_one())
    rows = [
        {
            "basis_id": basis_id,
            "fact_id": fact.id,
            "kind": fact.kind.value,
            "party": fact.party,
            "content": written(fact),
        }
        for fact in facts
    ]
    for start in range(0, len(rows), _CHUNK):
        connection.execute(insert(fact_table), rows[start : start + _CHUNK])
    return basis_id


def bodies_of(basis: RowMapping) -> dict[PartyId, Body]:
    """Return the parties as the basis keeps them."""
    return {
        PartyId(party): Body(Level(level), tuple(PartyId(p) for p in superiors))
        for party, (level, superiors) in basis["bodies"].items()
    }


def read_facts(
    connection: Connection,
    basis_id: int,
    *,
    kind: FactKind | None = None,
    parties: Sequence[PartyId] | None = None,
) -> Iterator[Fact]:
    """Yield the facts of a basis by id, all, or those of a kind and of some parties."""
    c = fact_table.c
    query = select(c.kind, c.content).where(c.basis_id == basis_id).order_by(c.fact_id)
    if kind is not None:
        query = query.where(c.kind == kind.value)
    if parties is not None:
        query = query.where(c.party.in_(parties))
    for row in connection.execute(query):
        yield read_fact(FactKind(row.kind), row.content)


def scorings_of(connection: Connection, basis_id: int) -> Sequence[RowMapping]:
    """Return the versions of a basis' scores, the first one first."""
    query = select(scoring_table).where(scoring_table.c.basis_id == basis_id)
    return connection.execute(query.order_by(scoring_table.c.version)).mappings().all()


def add_scoring(connection: Connection, values: Mapping[str, Any], scores: Iterable[Score]) -> None:
    """Write a version with its scores and numbers."""
    made = insert(scoring_table).values(**values).returning(scoring_table.c.id)
    scoring_id = int(connection.execute(made).scalar_one())
    heads, numbers = list[dict[str, Any]](), list[dict[str, Any]]()
    for score in scores:
        key = {"scoring_id": scoring_id, "party": score.party}
        heads.append({**key, **score_row(score)})
        numbers += [{**key, "place": i, **number_row(n)} for i, n in enumerate(score.numbers)]
    for table, rows in ((score_table, heads), (number_table, numbers)):
        for start in range(0, len(rows), _CHUNK):
            connection.execute(insert(table), rows[start : start + _CHUNK])


def publish_scoring(connection: Connection, scoring_id: int, at: Instant, by: str) -> None:
    """Mark a version as published."""
    where = scoring_table.c.id == scoring_id
    values = {"published_at": at, "published_by": by}
    connection.execute(update(scoring_table).where(where).values(values))


def read_scores(
    connection: Connection,
    scoring_id: int,
    *,
    level: Level | None = None,
    party: PartyId | None = None,
) -> tuple[Score, ...]:
    """Return the scores of a version, by level, rank and id; those without a rank last."""
    s, n = score_table.c, number_table.c
    heads = select(score_table).where(s.scoring_id == scoring_id)
    numbers = select(number_table).where(n.scoring_id == scoring_id)
    if level is not None:
        heads = heads.where(s.level == int(level))
        ours = select(s.party).where(s.scoring_id == scoring_id, s.level == int(level))
        numbers = numbers.where(n.party.in_(ours))
    if party is not None:
        heads, numbers = heads.where(s.party == party), numbers.where(n.party == party)
    of: dict[str, list[Number]] = {}
    for row in connection.execute(numbers.order_by(n.party, n.place)).mappings():
        of.setdefault(row["party"], []).append(number_of(row))
    ordered = heads.order_by(s.level, s.rank.is_(None), s.rank, s.party)
    rows = connection.execute(ordered).mappings()
    return tuple(score_of(row, of.get(row["party"], ())) for row in rows)


def add_appeal(connection: Connection, basis_id: int, appeal: Appeal) -> AppealId:
    """Write an appeal that nobody has decided, and return its id."""
    values = {
        "basis_id": basis_id,
        "version": appeal.version,
        "measure": appeal.measure,
        "facts": list(appeal.facts),
        "reason": appeal.reason,
        "party": appeal.raised_by.party,
        "raised_by": appeal.raised_by.name,
        "raised_at": appeal.raised_at,
        "due_at": appeal.due_at,
        "raise_until": appeal.raise_until,
        "legal_basis": appeal.legal_basis,
        "is_verified": appeal.is_verified,
        "corrections": [],
    }
    made = insert(appeal_table).values(**values).returning(appeal_table.c.id)
    return AppealId(connection.execute(made).scalar_one())


def close_appeal(connection: Connection, appeal_id: AppealId, decision: Decision) -> None:
    """Write how an appeal was decided."""
    values = {
        "decided_at": decision.at,
        "decided_by": decision.by.name,
        "decided_party": decision.by.party,
        "is_upheld": decision.is_upheld,
        "decision": decision.reason,
        "corrections": [[c.fact, dict(c.values)] for c in decision.corrections],
        "version_after": decision.version_after,
    }
    where = appeal_table.c.id == appeal_id
    connection.execute(update(appeal_table).where(where).values(values))


def date_appeal(connection: Connection, appeal: Appeal) -> None:
    """Write the deadline of an appeal, and the end of its term to raise it, as they are known."""
    where, known = appeal_table.c.id == appeal.id, ("due_at", "raise_until")
    values = {name: getattr(appeal, name) for name in known}
    connection.execute(update(appeal_table).where(where).values(values))


def hold_appeals(connection: Connection, *, with_dated: bool) -> tuple[Appeal, ...]:
    """Return appeals that wait for a deadline, `with_dated` also those that wait for a decision.

    They are held until the transaction ends.
    """
    c = appeal_table.c
    waits = or_(c.due_at.is_(None), c.decided_at.is_(None)) if with_dated else c.due_at.is_(None)
    query = _APPEALS.where(waits).order_by(c.id).with_for_update(of=appeal_table)
    return tuple(appeal_of(row) for row in connection.execute(query).mappings())


def read_appeals(
    connection: Connection,
    *,
    basis_id: int | None = None,
    appeal_id: AppealId | None = None,
) -> tuple[Appeal, ...]:
    """Return appeals, oldest first: all, those of a period, or one."""
    query = _APPEALS
    if basis_id is not None:
        query = query.where(appeal_table.c.basis_id == basis_id)
    if appeal_id is not None:
        query = query.where(appeal_table.c.id == appeal_id)
    rows = connection.execute(query.order_by(appeal_table.c.id)).mappings()
    return tuple(appeal_of(row) for row in rows)
