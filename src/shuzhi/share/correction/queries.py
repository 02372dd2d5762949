"""Questions about doubts: lists, whole files, what is in doubt, notices, decisions to review."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select

from shuzhi.kernel.ids import PartyId
from shuzhi.share.correction.errors import CorrectionError, unknown
from shuzhi.share.correction.life_cycle import may, replay
from shuzhi.share.correction.model import (
    IN_DOUBT,
    Doubt,
    DoubtId,
    Listed,
    Notice,
    Review,
    Step,
    Verb,
)
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.correction.store import (
    doubt_of,
    doubt_table,
    find_doubt,
    read_listed,
    read_notices,
    read_steps,
    step_of,
    step_table,
)

_MOST = 500


@dataclass(frozen=True)
class DoubtFile:
    """A doubt with everything that was done, who was told, and the decisions to be reviewed."""

    doubt: Doubt
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]
    listed: tuple[Listed, ...]


def doubt_file(office: CorrectionOffice, doubt: DoubtId) -> DoubtFile:
    """Return the whole file of a doubt. Raises CorrectionError `share.doubt_unknown`."""
    with office.control.transaction() as connection:
        found = find_doubt(connection, doubt)
        if found is None:
            raise unknown(doubt)
        steps = read_steps(connection, doubt)
        notices = read_notices(connection, doubt=doubt)
        listed = read_listed(connection, doubt=doubt)
    return DoubtFile(found, steps, notices, tuple(each for _, each in listed))


def doubts(
    office: CorrectionOffice,
    *,
    party: PartyId | None = None,
    dataset: str | None = None,
    is_open: bool | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Doubt, ...]:
    """Return doubts, the newest first: of a `party` on either side, about a data set, those open.

    At most `limit` (1 to 500) of those before the one numbered `before`.

    Raises:
        CorrectionError: `share.bad_page`.
    """
    if not 1 <= limit <= _MOST:
        raise CorrectionError(
            "share.bad_page",
            f"A page has 1 to {_MOST} of them, not {limit}.",
            next_step="Ask for several pages.",
        )
    c = doubt_table.c
    where: list[ColumnElement[bool]] = []
    if party is not None:
        where.append(or_(c.party == party, c.responsible == party))
    if dataset is not None:
        where.append(c.dataset == dataset)
    if is_open is not None:
        where.append(c.is_open.is_(is_open))
    if before is not None:
        where.append(c.id < before)
    query = select(doubt_table).where(*where).order_by(c.id.desc()).limit(limit)
    with office.control.transaction() as connection:
        return tuple(doubt_of(row) for row in connection.execute(query).mappings())


def in_doubt(office: CorrectionOffice, dataset: str) -> tuple[Doubt, ...]:
    """Return the doubts of a data set that nobody has verified or corrected yet.

    Whoever shows or delivers one of these rows can say so; nobody is served later for that.
    """
    c = doubt_table.c
    states = [state.value for state in IN_DOUBT]
    query = select(doubt_table).where(c.dataset == dataset, c.state.in_(states)).order_by(c.id)
    with office.control.transaction() as connection:
        return tuple(doubt_of(row) for row in connection.execute(query).mappings())


def notices(
    office: CorrectionOffice, party: PartyId, *, is_open: bool = True
) -> tuple[Notice, ...]:
    """Return what a receiver was told, the oldest first: what it has not acknowledged, or all."""
    with office.control.transaction() as connection:
        found = read_notices(connection, party=party)
    return tuple(n for n in found if not (is_open and n.acknowledged_at is not None))


def to_review(office: CorrectionOffice, party: PartyId) -> tuple[tuple[DoubtId, Listed], ...]:
    """Return the decisions that a party still has to review, with their doubts."""
    with office.control.transaction() as connection:
        found = read_listed(connection, party=party)
    return tuple((doubt, each) for doubt, each in found if each.review is Review.OPEN)


def possible(doubt: Doubt, party: PartyId | None) -> tuple[Verb, ...]:
    """Return what `party` may do about a doubt now, as far as that lies with the doubt."""
    return tuple(verb for verb in Verb if may(doubt, verb, party))


def replayed(office: CorrectionOffice, doubt: DoubtId) -> Doubt:
    """Return what the history of a doubt makes of it; it equals the stored state."""
    return replay(doubt_file(office, doubt).steps, office.time)


def steps_since(
    office: CorrectionOffice, last: int, *, limit: int = _MOST
) -> tuple[tuple[int, Step], ...]:
    """Return the steps of all doubts after the one numbered `last`, oldest first."""
    query = select(step_table).where(step_table.c.id > last).order_by(step_table.c.id).limit(limit)
    with office.control.transaction() as connection:
        rows = connection.execute(query).mappings().all()
    return tuple((row["id"], step_of(row)) for row in rows)
