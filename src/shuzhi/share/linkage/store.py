"""The tables of linkage: trained models, runs, pairs, who is of which subject, and decisions.

Of the linked data they hold keys and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage.model import (
    Decision,
    Figures,
    Kept,
    ModelState,
    Pair,
    Place,
    Placed,
    Record,
    Run,
    Trained,
    Verdict,
)

MOST_OF_KEY = 300
_UNHELD = re.compile("[\x00\ud800-\udfff]")
_ENDS = ("left_dataset", "left_key", "right_dataset", "right_key")


def _ends() -> tuple[Column[Any], ...]:
    return tuple(Column(name, String(MOST_OF_KEY), nullable=False) for name in _ENDS)


model_table = Table(
    "linkage_model",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("linkage", String(60), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("trained_at", InstantColumn, nullable=False),
    Column("trained_by", String(120), nullable=False),
    Column("accepted_at", InstantColumn),
    Column("accepted_by", String(120)),
    Column("content", JSON, nullable=False),
    Column("figures", JSON, nullable=False),
    UniqueConstraint("linkage", "number"),
    sqlite_autoincrement=True,
)

run_table = Table(
    "linkage_run",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("linkage", String(60), nullable=False, index=True),
    Column("model", RowId, ForeignKey(model_table.c.id), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("by", String(120), nullable=False),
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

# The pairs of the newest run that are linked, or that somebody should look at.
pair_table = Table(
    "linkage_pair",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("linkage", String(60), nullable=False),
    *_ends(),
    Column("probability", Float, nullable=False),
    Column("weight", Float, nullable=False),
    Column("place", String(12), nullable=False),
    Column("content", JSON, nullable=False),
    UniqueConstraint("linkage", *_ENDS),
    Index("ix_linkage_pair_place", "linkage", "place"),
    sqlite_autoincrement=True,
)

member_table = Table(
    "linkage_member",
    metadata,
    Column("linkage", String(60), primary_key=True),
    Column("dataset", String(300), primary_key=True),
    Column("key", String(MOST_OF_KEY), primary_key=True),
    Column("subject", String(20), nullable=False),
    Index("ix_linkage_member_subject", "linkage", "subject"),
)

decision_table = Table(
    "linkage_decision",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("linkage", String(60), nullable=False),
    *_ends(),
    Column("verdict", String(12), nullable=False),
    Column("by", String(120), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("reason", String(4000), nullable=False),
    UniqueConstraint("linkage", *_ENDS, "by"),
    sqlite_autoincrement=True,
)


def insert_model(
    connection: Connection, linkage: str, trained: Trained, figures: Figures, at: Instant, by: str
) -> Kept:
    """Keep a trained model under the next number of its linkage, and return it."""
    known = [kept.number for kept in read_models(connection, linkage)]
    number = max(known, default=0) + 1
    values = {
        "linkage": linkage,
        "number": number,
        "state": ModelState.TRAINED.value,
        "trained_at": at,
        "trained_by": by,
        "content": asdict(trained),
        "figures": asdict(figures),
    }
    made = connection.execute(insert(model_table).values(**values).returning(model_table.c.id))
    return Kept(made.scalar_one(), linkage, number, ModelState.TRAINED, at, by, trained, figures)


def read_models(connection: Connection, linkage: str) -> tuple[Kept, ...]:
    """Return the models of a linkage, the newest first."""
    c = model_table.c
    query = select(model_table).where(c.linkage == linkage).order_by(c.number.desc())
    return tuple(_kept(row) for row in connection.execute(query).mappings())


def put_accepted(connection: Connection, kept: Kept, at: Instant, by: str) -> None:
    """Let a model be used from now on, in the place of the one before."""
    c = model_table.c
    in_use = and_(c.linkage == kept.linkage, c.state == ModelState.ACCEPTED.value)
    connection.execute(update(model_table).where(in_use).values(state=ModelState.RETIRED.value))
    told = {"state": ModelState.ACCEPTED.value, "accepted_at": at, "accepted_by": by}
    connection.execute(update(model_table).where(c.id == kept.id).values(**told))


def insert_run(
    connection: Connection, linkage: str, model: int, at: Instant, by: str, content: dict[str, Any]
) -> int:
    """Keep what a run did and return its number."""
    values = {"linkage": linkage, "model": model, "at": at, "by": by, "content": content}
    made = connection.execute(insert(run_table).values(**values).returning(run_table.c.id))
    return int(made.scalar_one())


def read_runs(
    connection: Connection, linkage: str, *, before: int | None = None, limit: int
) -> tuple[Run, ...]:
    """Return runs of a linkage before a number, the newest first."""
    c = run_table.c
    where = [c.linkage == linkage] + ([] if before is None else [c.id < before])
    query = select(run_table).where(*where).order_by(c.id.desc()).limit(limit)
    return tuple(_run(row) for row in connection.execute(query).mappings())


def replace_pairs(connection: Connection, linkage: str, pairs: Iterable[Placed]) -> None:
    """Put these pairs in the place of those of the run before."""
    connection.execute(delete(pair_table).where(pair_table.c.linkage == linkage))
    rows = [_pair_row(linkage, placed) for placed in pairs]
    if rows:
        connection.execute(insert(pair_table), rows)


def read_unlinked(
    connection: Connection, linkage: str, also: Iterable[tuple[Record, Record]]
) -> tuple[Placed, ...]:
    """Return the pairs of the newest run that are not linked, and those of `also` that are.

    Links are most of all pairs, and reading them takes long.
    """
    c = pair_table.c
    places = [place.value for place in Place if place is not Place.LINKED]
    query = select(pair_table).where(c.linkage == linkage, c.place.in_(places))
    unlinked = tuple(_placed(row) for row in connection.execute(query).mappings())
    named = (find_pair(connection, linkage, *ends) for ends in also)
    return (*unlinked, *(each for each in named if each and each.place is Place.LINKED))


def read_links(connection: Connection, linkage: str) -> tuple[tuple[Record, Record], ...]:
    """Return the pairs of records that the newest run linked."""
    c = pair_table.c
    query = select(*(c[name] for name in _ENDS)).where(
        c.linkage == linkage, c.place == Place.LINKED.value
    )
    return tuple(
        (Record(left, left_key), Record(right, right_key))
        for left, left_key, right, right_key in connection.execute(query)
    )


def find_pair(connection: Connection, linkage: str, left: Record, right: Record) -> Placed | None:
    """Return a pair of the newest run; None when it is not among those kept."""
    if not can_hold(*left, *right):
        return None
    query = select(pair_table).where(*_is_pair(pair_table, linkage, left, right))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _placed(row)


def replace_members(connection: Connection, linkage: str, subjects: dict[Record, str]) -> None:
    """Put these records with their subjects in the place of those of the run before."""
    connection.execute(delete(member_table).where(member_table.c.linkage == linkage))
    rows = [
        {"linkage": linkage, "dataset": r.dataset, "key": r.key, "subject": subject}
        for r, subject in sorted(subjects.items())
    ]
    if rows:
        connection.execute(insert(member_table), rows)


def can_hold(*texts: str, most: int = MOST_OF_KEY) -> bool:
    """Tell whether a store can hold texts of so many characters; none holds NUL or half of one."""
    return all(len(text) <= most and not _UNHELD.search(text) for text in texts)


def read_members(
    connection: Connection, linkage: str, subject: str | None = None
) -> dict[Record, str]:
    """Return the subject of each linked record, or the records of one subject."""
    if subject is not None and not can_hold(subject):
        return {}
    c = member_table.c
    where = [c.linkage == linkage] + ([] if subject is None else [c.subject == subject])
    query = select(c.dataset, c.key, c.subject).where(*where).order_by(c.dataset, c.key)
    return {Record(row.dataset, row.key): row.subject for row in connection.execute(query)}


def find_subject(connection: Connection, linkage: str, record: Record) -> str | None:
    """Return the subject of a record; None when it is linked to no other."""
    if not can_hold(*record):
        return None
    c = member_table.c
    where = (c.linkage == linkage, c.dataset == record.dataset, c.key == record.key)
    return connection.execute(select(c.subject).where(*where)).scalar_one_or_none()


def put_decision(connection: Connection, linkage: str, decision: Decision) -> None:
    """Keep what somebody says of a pair, in the place of what they said before."""
    c = decision_table.c
    pair = _is_pair(decision_table, linkage, decision.left, decision.right)
    connection.execute(delete(decision_table).where(*pair, c.by == decision.by))
    values = {
        "linkage": linkage,
        **_pair_ends(decision.left, decision.right),
        "verdict": decision.verdict.value,
        "by": decision.by,
        "at": decision.at,
        "reason": decision.reason,
    }
    connection.execute(insert(decision_table).values(**values))


def read_decisions(
    connection: Connection, linkage: str, ends: tuple[Record, Record] | None = None
) -> tuple[Decision, ...]:
    """Return what was said of all pairs, or of one, the oldest first."""
    if ends is not None and not can_hold(*ends[0], *ends[1]):
        return ()
    c = decision_table.c
    where = [c.linkage == linkage] if ends is None else _is_pair(decision_table, linkage, *ends)
    query = select(decision_table).where(*where).order_by(c.at, c.id)
    return tuple(
        Decision(*_records(row), Verdict(row["verdict"]), row["by"], row["at"], row["reason"])
        for row in connection.execute(query).mappings()
    )


def read_reviewers(connection: Connection, linkage: str, since: Instant) -> tuple[str, ...]:
    """Return who said something of a pair since a moment, by name."""
    c = decision_table.c
    query = select(c.by).where(c.linkage == linkage, c.at >= since).distinct().order_by(c.by)
    return tuple(connection.execute(query).scalars())


def read_reasons(connection: Connection, linkage: str, by: str, limit: int) -> tuple[str, ...]:
    """Return the newest reasons that somebody gave, each once, the newest first."""
    c = decision_table.c
    given = select(c.reason).where(c.linkage == linkage, c.by == by).group_by(c.reason)
    query = given.order_by(func.max(c.id).desc()).limit(limit)
    return tuple(connection.execute(query).scalars())


def newest(connection: Connection) -> tuple[str, ...]:
    """Return texts that change with each model, run and verdict, and with what is accepted."""
    in_use = model_table.c.state == ModelState.ACCEPTED.value
    asked = (
        select(func.max(model_table.c.id)),
        select(func.sum(model_table.c.id), func.max(model_table.c.accepted_at)).where(in_use),
        select(func.max(run_table.c.id)),
        select(func.max(decision_table.c.id)),
    )
    return tuple(f"{value}" for each in asked for value in connection.execute(each).one())


def _is_pair(table: Table, linkage: str, left: Record, right: Record) -> Sequence[Any]:
    ends = _pair_ends(left, right)
    return [table.c.linkage == linkage, *(table.c[name] == value for name, value in ends.items())]


def _pair_ends(left: Record, right: Record) -> dict[str, str]:
    return dict(zip(_ENDS, (*left, *right), strict=True))


def _records(row: RowMapping) -> tuple[Record, Record]:
    left = Record(row["left_dataset"], row["left_key"])
    return left, Record(row["right_dataset"], row["right_key"])


def _pair_row(linkage: str, placed: Placed) -> dict[str, Any]:
    pair = placed.pair
    return {
        "linkage": linkage,
        **_pair_ends(pair.left, pair.right),
        "probability": pair.probability,
        "weight": pair.weight,
        "place": placed.place.value,
        "content": {"levels": dict(pair.levels), "weights": dict(pair.weights)},
    }


def _placed(row: RowMapping) -> Placed:
    pair = Pair(*_records(row), row["probability"], row["weight"], **row["content"])
    return Placed(pair, Place(row["place"]))


def _run(row: RowMapping) -> Run:
    content = row["content"]
    return Run(
        row["id"],
        row["linkage"],
        row["model"],
        row["at"],
        row["by"],
        content["versions"],
        Figures(**content["figures"]),
    )


def _kept(row: RowMapping) -> Kept:
    held = dict(row["content"])
    for name in ("untrained", "problems", "left_out"):
        held[name] = tuple(held[name])
    return Kept(
        row["id"],
        row["linkage"],
        row["number"],
        ModelState(row["state"]),
        row["trained_at"],
        row["trained_by"],
        Trained(**held),
        Figures(**row["figures"]),
        row["accepted_at"],
        row["accepted_by"],
    )
