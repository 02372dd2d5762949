"""The tables of verification: how often and how fast was asked, what was seen, and the findings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Date,
    Float,
    Index,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    union,
    update,
)

from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.prepared import Prepared
from shuzhi.share.agreements import AgreementState
from shuzhi.share.agreements.store import agreement_table
from shuzhi.share.verification.declared import Action
from shuzhi.share.verification.fishing import Guesses, Kind, Suspicion
from shuzhi.share.verification.parts import Key
from shuzhi.share.verification.rates import Bucket

tally_table = Table(
    "verification_tally",
    metadata,
    Column("agreement", RowId, primary_key=True, autoincrement=False),
    Column("asked", RowId, nullable=False),
    Column("day", Date, nullable=False),
    Column("asked_that_day", RowId, nullable=False),
    # What a day of use is like: each day that ends moves it a little.
    Column("usual", Float, nullable=False),
    # The buckets that are not full, as JSON: of all who ask under no name, of each asker.
    Column("rates", Text, nullable=False, server_default="{}"),
    # What was asked before so many questions is not looked at any more.
    Column("watched_from", RowId, nullable=False, server_default="0"),
)

# What is kept of the newest questions of an agreement, by the turns in which they were written.
seen_table = Table(
    "verification_seen",
    metadata,
    Column("agreement", RowId, primary_key=True, autoincrement=False),
    # How many questions there were with the last of these.
    Column("upto", RowId, primary_key=True, autoincrement=False),
    # Ids are in it, so it is sealed.
    Column("noted", Text, nullable=False),
)

guess_table = Table(
    "verification_guess",
    metadata,
    Column("agreement", RowId, primary_key=True, autoincrement=False),
    # The keyed hash of a subject, in hexadecimal, and those of the claims that failed about it.
    Column("subject", String(32), primary_key=True),
    Column("since", InstantColumn, nullable=False),
    Column("until", InstantColumn, nullable=False),
    Column("tried", Text, nullable=False),
    Index("ix_verification_guess_agreement", "agreement", "until"),
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

# Answers that the visit which asked sees again for minutes.
shown_table = Table(
    "verification_shown",
    metadata,
    # Keyed hashes of the name that only who asked knows, and of the visit.
    Column("name", String(64), primary_key=True),
    Column("visit", String(64), nullable=False),
    Column("until", InstantColumn, nullable=False),
    # Sealed with that name.
    Column("content", Text, nullable=False),
    Index("ix_verification_shown_visit", "visit", "until"),
    Index("ix_verification_shown_until", "until"),
)

# Nothing is asked any more under an agreement that stands so.
_OVER = frozenset({AgreementState.ENDED, AgreementState.RENEWED, AgreementState.DISPOSED})
# How much of what is usual is the newest day that ended.
_NEWEST = 0.25
# SQLite takes some 32,000 parameters in one statement.
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Tally:
    """How often was asked under an agreement: in all, on one day, and on a usual day of use.

    `rates` are the buckets of who asks, and of all under no name; the watch looks at what was asked
    after `watched_from` questions.
    """

    agreement: int
    day: date
    asked: int = 0
    asked_that_day: int = 0
    usual: float = 0.0
    rates: Mapping[str, Bucket] = field(default_factory=dict)
    watched_from: int = 0

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
    .values(
        {name: bindparam(name) for name in ("asked", "day", "asked_that_day", "usual", "rates")}
    )
)
_IN_FORCE = Prepared(
    select(agreement_table.c.state, agreement_table.c.since, agreement_table.c.until)
    .where(agreement_table.c.id == bindparam("id"))
    .with_for_update()
)
_STANDING = Prepared(
    select(finding_table)
    .where(
        finding_table.c.agreement == bindparam("id"),
        finding_table.c.until > bindparam("now"),
        finding_table.c.lifted_at.is_(None),
    )
    .order_by(finding_table.c.id)
)
_READ_SEEN = Prepared(
    select(seen_table.c.noted, seen_table.c.upto)
    .where(seen_table.c.agreement == bindparam("id"), seen_table.c.upto > bindparam("after"))
    .order_by(seen_table.c.upto)
)
_WRITE_SEEN = Prepared(insert(seen_table).values({c.name: bindparam(c.name) for c in seen_table.c}))
_DROP_SEEN = Prepared(
    delete(seen_table).where(
        seen_table.c.agreement == bindparam("id"), seen_table.c.upto <= bindparam("last")
    )
)
_DROP_GUESSES = Prepared(
    delete(guess_table).where(
        guess_table.c.agreement == bindparam("id"), guess_table.c.until < bindparam("now")
    )
)


def read_tally(connection: Connection, agreement: int, day: date) -> Tally:
    """Return the tally of an agreement on `day`."""
    for row in _READ_TALLY.rows(connection, {"id": agreement}):
        number, asked, known, that_day, usual, rates, watched_from = row
        held = {name: Bucket(*bucket) for name, bucket in json.loads(rates).items()}
        return Tally(number, known, asked, that_day, usual, held, watched_from).on(day)
    return Tally(agreement, day)


def write_tally(connection: Connection, tally: Tally) -> None:
    """Keep a tally; from where on is watched stays as it is kept."""
    given = {**vars(tally), "rates": json.dumps(tally.rates)}
    if not _WRITE_TALLY.run(connection, {**given, "id": tally.agreement}):
        connection.execute(insert(tally_table), [given])


def read_seen(connection: Connection, agreement: int, after: int) -> list[tuple[str, int]]:
    """Return what was kept of questions after so many, sealed, with their number at its end."""
    found = _READ_SEEN.rows(connection, {"id": agreement, "after": after})
    return [(noted, upto) for noted, upto in found]


def write_seen(connection: Connection, agreement: int, upto: int, noted: str) -> None:
    """Keep what is watched of the questions of a turn."""
    _WRITE_SEEN.run(connection, {"agreement": agreement, "upto": upto, "noted": noted})


def drop_seen(connection: Connection, agreement: int, last: int) -> None:
    """Let what was kept of questions go, up to one of them."""
    _DROP_SEEN.run(connection, {"id": agreement, "last": last})


def read_guesses(
    connection: Connection, agreement: int, subjects: Collection[Key]
) -> dict[Key, Guesses]:
    """Return what was guessed about subjects."""
    c, named = guess_table.c, {_hex(subject): subject for subject in subjects}
    names, found = list(named), dict[Key, Guesses]()
    for start in range(0, len(names), _AT_ONCE):
        where = (c.agreement == agreement, c.subject.in_(names[start : start + _AT_ONCE]))
        for subject, since, tried in connection.execute(
            select(c.subject, c.since, c.tried).where(*where)
        ):
            found[named[subject]] = Guesses(since, tuple(tried.split()))
    return found


def write_guesses(
    connection: Connection,
    agreement: int,
    guesses: Mapping[Key, Guesses],
    span: timedelta,
    known: Collection[Key],
) -> None:
    """Keep guesses for a span from their first; `known` are the subjects that were read."""
    c = guess_table.c
    rows = [
        (key, {"since": g.since, "until": g.since + span, "tried": " ".join(g.tried)})
        for key, g in guesses.items()
    ]
    new = [{"agreement": agreement, "subject": _hex(k), **row} for k, row in rows if k not in known]
    changed = [{"of": agreement, "about": _hex(k), **row} for k, row in rows if k in known]
    if new:
        connection.execute(insert(guess_table), new)
    if changed:
        which = (c.agreement == bindparam("of"), c.subject == bindparam("about"))
        connection.execute(update(guess_table).where(*which), changed)


def drop_guesses(connection: Connection, agreement: int, now: Instant) -> None:
    """Let the guesses about an agreement's subjects go that are over."""
    _DROP_GUESSES.run(connection, {"id": agreement, "now": now})


def agreements_to_sweep(connection: Connection, now: Instant) -> tuple[int, ...]:
    """Return the agreements with guesses that are over, or that are over themselves."""
    of, ended = seen_table.c.agreement, agreement_table.c
    over = select(guess_table.c.agreement).where(guess_table.c.until < now)
    left = select(of).join(agreement_table, ended.id == of).where(ended.state.in_(_OVER))
    return tuple(sorted(connection.execute(union(over, left)).scalars()))


def sweep_agreement(connection: Connection, agreement: int, now: Instant) -> None:
    """Let guesses go that are over, and all that was seen where the agreement is.

    Whoever counts for the agreement waits for the end of this, and the other way round.
    """
    known = _IN_FORCE.rows(connection, {"id": agreement})
    drop_guesses(connection, agreement, now)
    if all(state in _OVER for state, *_ in known):
        connection.execute(delete(seen_table).where(seen_table.c.agreement == agreement))


def forget_past(connection: Connection, agreement: int) -> None:
    """Begin anew to watch an agreement."""
    which = tally_table.c.agreement == agreement
    connection.execute(update(tally_table).where(which).values(watched_from=tally_table.c.asked))
    connection.execute(delete(guess_table).where(guess_table.c.agreement == agreement))


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
    names = finding_table.c.keys()
    rows = _STANDING.rows(connection, {"id": agreement, "now": now})
    return tuple(_finding(dict(zip(names, row, strict=True))) for row in rows)


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


def _finding(row: Mapping[Any, Any]) -> Finding:
    content: dict[str, Any] = dict(row)
    number, lifted_at, lifted_by = (content.pop(n) for n in ("id", "lifted_at", "lifted_by"))
    content["kind"], content["action"] = Kind(content["kind"]), Action(content["action"])
    subject = content["subject"]
    content["subject"] = None if subject is None else (int(subject[:16], 16), int(subject[16:], 16))
    return Finding(number, Suspicion(**content), lifted_at, lifted_by)


def _hex(subject: Key) -> str:
    return f"{subject[0]:016x}{subject[1]:016x}"
