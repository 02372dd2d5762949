"""Questions about duties: which are broken, and how each party stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.duties.declared import duty_list
from shuzhi.share.duties.errors import DutyError
from shuzhi.share.duties.model import Breach
from shuzhi.share.duties.office import DutiesOffice
from shuzhi.share.duties.store import breach_of, breach_table

_MOST = 500


@dataclass(frozen=True)
class Record:
    """How a party stands: breaches that go on and all that were, by duty."""

    party: PartyId
    going_on: Counter[str]
    ever: Counter[str]


def breaches(
    office: DutiesOffice,
    *,
    party: PartyId | None = None,
    duty: str | None = None,
    is_open: bool | None = True,
    seen_by: frozenset[PartyId] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Breach, ...]:
    """Return breaches, the newest found first: those that go on, or all with `is_open` None.

    At most `limit` (1 to 500) of those before the one numbered `before`; with `seen_by`, of those
    of one of these parties.

    Raises:
        DutyError: `share.duty_unknown`, `share.bad_page`.
    """
    _require_page(limit)
    c = breach_table.c
    where: list[ColumnElement[bool]] = []
    if duty is not None:
        where.append(c.duty == _known(duty))
    if party is not None:
        where.append(c.party == party)
    if seen_by is not None:
        where.append(c.party.in_(sorted(seen_by)))
    if is_open is not None:
        where.append(c.ended_at.is_(None) if is_open else c.ended_at.is_not(None))
    if before is not None:
        where.append(c.id < before)
    query = select(breach_table).where(*where).order_by(c.id.desc()).limit(limit)
    with office.control.transaction() as connection:
        return tuple(breach_of(row) for row in connection.execute(query).mappings())


def breaches_in(office: DutiesOffice, since: Instant, until: Instant) -> tuple[Breach, ...]:
    """Return the breaches that went on at some time from `since` until before `until`."""
    c = breach_table.c
    where = (c.since < until, or_(c.ended_at.is_(None), c.ended_at >= since))
    query = select(breach_table).where(*where).order_by(c.id)
    with office.control.transaction() as connection:
        return tuple(breach_of(row) for row in connection.execute(query).mappings())


def records(office: DutiesOffice) -> tuple[Record, ...]:
    """Return how each party stands that ever broke a duty, the most that goes on first."""
    with office.control.transaction() as connection:
        rows = connection.execute(select(breach_table)).mappings()
        found = [breach_of(row) for row in rows]
    made = [_record(party, found) for party in sorted({b.party for b in found})]
    return tuple(sorted(made, key=lambda r: (-r.going_on.total(), -r.ever.total(), r.party)))


def _record(party: PartyId, found: list[Breach]) -> Record:
    mine = [b for b in found if b.party == party]
    going_on = Counter(b.duty for b in mine if b.ended_at is None)
    return Record(party, going_on, Counter(b.duty for b in mine))


def _known(duty: str) -> str:
    ids = [each.id for each in duty_list().duties]
    if duty not in ids:
        raise DutyError(
            "share.duty_unknown",
            f"No duty is called {duty[:60]!r}.",
            next_step=f"The duties are: {', '.join(ids)}.",
        )
    return duty


def _require_page(limit: int) -> None:
    if not 1 <= limit <= _MOST:
        raise DutyError(
            "share.bad_page",
            f"A page has 1 to {_MOST} of them, not {limit}.",
            next_step="Ask for several pages.",
        )
