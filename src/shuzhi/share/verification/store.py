"""The tables of verification: how often was asked, and what looked like fishing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Float,
    Index,
    RowMapping,
    String,
    Table,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.agreements import AgreementState
from shuzhi.share.agreements.store import agreement_table
from shuzhi.share.verification.declared import Action
from shuzhi.share.verification.fishing import Kind, Suspicion

tally_table = Table(
    "verification_tally",
    metadata,
    Column("agreement", RowId, primary_key=True, autoincrement=False),
    Column("asked", RowId, nullable=False),
    Column("day", Date, nullable=False),
    Column("asked_that_day", RowId, nullable=False),
    # What a day of use is like: each day that ends moves it a little.
    Column("usual", Float, nullable=False),
)

finding_table = Table(
    "verification_finding",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agreement", RowId, nullable=False),
    Column("asker", String(120), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("at", InstantColumn, nullable=False),
    Column("until", InstantColumn, nullable=False),
    Column("measured", String(120), nullable=False),
    # The keyed hash of the one subject that it is about, in hexadecimal.
    Column("subject", String(32)),
    Column("lifted_at", InstantColumn),
    Column("lifted_by", String(120)),
    Index("ix_verification_finding_agreement", "agreement", "until"),
    sqlite_autoincrement=True,
)

# How much of what is usual is the newest day that ended.
_NEWEST = 0.25


@dataclass(frozen=True)
class Tally:
    """How often was asked under an agreement: in all, on one day, and on a usual day of use."""

    agreement: int
    day: date
    asked: int = 0
    asked_that_day: int = 0
    usual: float = 0.0

    def on(self, day: date) -> Tally:
        """Return the tally as it begins on `day`; days without a question are not usual ones."""
        if day <= self.day:
            return self
        newest = float(self.asked_that_day)
        usual = newest if self.usual == 0 else self.usual + _NEWEST * (newest - self.usual)
        return replace(self, day=day, asked_that_day=0, usual=usual)

    def plus(self, count: int) -> Tally:
        """Return the tally after `count` more questions."""
        return replace(self, asked=self.asked + count, asked_that_day=self.asked_that_day + count)


@dataclass(frozen=True)
class Finding:
    """A suspicion that was kept, and who lifted it when."""

    id: int
    what: Suspicion
    lifted_at: Instant | None = None
    lifted_by: str | None = None

    def stands(self, now: Instant) -> bool:
        """Whether what was done about it goes on."""
        return self.lifted_at is None and now < self.what.until


_READ_TALLY = Prepared(
    select(tally_table).where(tally_table.c.agreement == bindparam("id")).with_for_update()
)
_WRITE_TALLY = Prepared(
    update(tally_table)
    .where(tally_table.c.agreement == bindparam("id"))
    .values({name: bindparam(name) for name in ("asked", "day", "asked_that_day", "usual")})
)
_IN_FORCE = Prepared(
    select(agreement_table.c.state, agreement_table.c.since, agreement_table.c.until)
    .where(agreement_table.c.id == bindparam("id"))
    .with_for_update()
)


def read_tally(connection: Connection, agreement: int, day: date) -> Tally:
    """Return the tally of an agreement on `day`."""
    for number, asked, known, that_day, usual in _READ_TALLY.rows(connection, {"id": agreement}):
        return Tally(number, known, asked, that_day, usual).on(day)
    return Tally(agreement, day)


def write_tally(connection: Connection, tally: Tally) -> None:
    """Keep a tally."""
    given = {**vars(tally), "id": tally.agreement}
    if not _WRITE_TALLY.run(connection, given):
        connection.execute(insert(tally_table), [vars(tally)])


def is_in_force(connection: Connection, agreement: int, now: Instant) -> bool:
    """Tell whether data may go out by an agreement; it is not changed before the end of this."""
    return any(
        state == AgreementState.ACTIVE and since <= now < until
        for state, since, until in _IN_FORCE.rows(connection, {"id": agreement})
    )


def insert_finding(connection: Connection, found: Suspicion) -> int:
    """Keep what was found and return its number."""
    row = {**vars(found), "subject": None if found.subject is None else _hex(found.subject)}
    made = insert(finding_table).values(row).returning(finding_table.c.id)
    return int(connection.execute(made).scalar_one())


def standing_findings(connection: Connection, agreement: int, now: Instant) -> tuple[Finding, ...]:
    """Return the findings about an agreement that last and were not lifted."""
    c = finding_table.c
    where = and_(c.agreement == agreement, c.until > now, c.lifted_at.is_(None))
    rows = connection.execute(select(finding_table).where(where).order_by(c.id)).mappings()
    return tuple(map(_finding, rows))


def read_findings(
    connection: Connection,
    *,
    agreement: int | None,
    standing_at: Instant | None,
    before: int | None,
    limit: int,
) -> tuple[Finding, ...]:
    """Return findings, the newest first."""
    c = finding_table.c
    where = [
        *([] if standing_at is None else [c.until > standing_at, c.lifted_at.is_(None)]),
        *([] if agreement is None else [c.agreement == agreement]),
        *([] if before is None else [c.id < before]),
    ]
    query = select(finding_table).where(*where).order_by(c.id.desc()).limit(limit)
    return tuple(map(_finding, connection.execute(query).mappings()))


def read_findings_since(connection: Connection, last: int, limit: int) -> tuple[Finding, ...]:
    """Return the findings after the one numbered `last`, oldest first."""
    c = finding_table.c
    query = select(finding_table).where(c.id > last).order_by(c.id).limit(limit)
    return tuple(map(_finding, connection.execute(query).mappings()))


def find_finding(connection: Connection, number: int) -> Finding | None:
    """Return a finding; None when there is none of that number."""
    query = select(finding_table).where(finding_table.c.id == number)
    row = connection.execute(query).mappings().first()
    return None if row is None else _finding(row)


def lift_finding(connection: Connection, number: int, by: str, at: Instant) -> None:
    """Say that a finding does not count any more."""
    where = finding_table.c.id == number
    connection.execute(update(finding_table).where(where).values(lifted_at=at, lifted_by=by))


def _finding(row: RowMapping) -> Finding:
    content: dict[str, Any] = dict(row)
    number, lifted_at, lifted_by = (content.pop(n) for n in ("id", "lifted_at", "lifted_by"))
    content["kind"], content["action"] = Kind(content["kind"]), Action(content["action"])
    subject = content["subject"]
    content["subject"] = None if subject is None else (int(subject[:16], 16), int(subject[16:], 16))
    return Finding(number, Suspicion(**content), lifted_at, lifted_by)


def _hex(subject: tuple[int, int]) -> str:
    return f"{subject[0]:016x}{subject[1]:016x}"
