"""Writing answers down, many in one transaction: receipts, budgets, findings, the audit entry."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.access.reasons import refused as access_refused
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import DataDelivered, ReceiptId
from shuzhi.share.receipts.many import Small, record_many
from shuzhi.share.verification.events import FishingSuspected
from shuzhi.share.verification.fishing import Kind, Suspicion, until_of
from shuzhi.share.verification.model import Answer
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.permits import Permit
from shuzhi.share.verification.store import (
    Tally,
    insert_finding,
    is_in_force,
    read_tally,
    write_tally,
)
from shuzhi.share.verification.words import refused

_EVERYBODY = "everybody"
_log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """An answer that waits to be written down; `body` is what will leave, but for the receipt."""

    permit: Permit
    answer: Answer
    body: bytes
    small: Small
    suspicions: tuple[Suspicion, ...]


class Receipted(NamedTuple):
    """An answer that may leave."""

    answer: Answer
    body: bytes
    receipt: ReceiptId


class Settled(NamedTuple):
    """Answers that were written down, in order, and what is to be told of them."""

    results: list[Receipted | Refusal]
    events: list[Event]

    @property
    def suspected(self) -> list[FishingSuspected]:
        """What was found suspicious about them."""
        return [event for event in self.events if isinstance(event, FishingSuspected)]


def settled(
    office: VerificationOffice, waiting: Sequence[Answered], *, at_once: bool = False
) -> Settled:
    """Write down answers together. What is beyond a budget is refused, first come first served.

    Raises as `Control.transaction`; then nothing is written.
    """
    events, control = list[Event](), office.sharing.control
    with (control.unwaiting if at_once else control).transaction() as connection:
        now = office.sharing.clock()
        refusals, findings = _counted(connection, office, waiting, now)
        leaving = [a for i, a in enumerate(waiting) if i not in refusals]
        ids = record_many(connection, [a.small for a in leaving], now)
        events += [kept(connection, found, permit) for found, permit in findings]
    events += [_delivered(a, number, now) for a, number in zip(leaving, ids, strict=True)]
    given = iter(ids)
    results: list[Receipted | Refusal] = [
        refusals.get(i) or Receipted(a.answer, a.body, next(given)) for i, a in enumerate(waiting)
    ]
    return Settled(results, events)


def tell(office: VerificationOffice, events: Iterable[Event]) -> None:
    """Tell whoever reacts to what was written; what they fail at keeps no answer from leaving.

    A finding that could not be told of stands in the store: see `findings_since`.
    """
    for event in events:
        try:
            office.sharing.publish(event)
        except Exception:  # noqa: BLE001  (the answers are written, and may leave)
            _log.exception("%s could not be told.", type(event).__name__)


def _counted(
    connection: Connection, office: VerificationOffice, waiting: Sequence[Answered], now: Instant
) -> tuple[dict[int, Refusal], list[tuple[Suspicion, Permit]]]:
    """Count the questions of each agreement; refuse those for which it has no room."""
    of_each: defaultdict[int, list[int]] = defaultdict(list)
    for i, answered in enumerate(waiting):
        of_each[answered.permit.asking.agreement].append(i)
    refusals: dict[int, Refusal] = {}
    findings = [(found, a.permit) for a in waiting for found in a.suspicions]
    for numbers in of_each.values():
        permit = waiting[numbers[0]].permit
        room, refusal, unusual = counted(connection, office, permit, len(numbers), now)
        refusals |= dict.fromkeys(numbers[room:], refusal)
        findings += [(found, permit) for found in unusual]
    return refusals, findings


def counted(
    connection: Connection, office: VerificationOffice, permit: Permit, asked: int, now: Instant
) -> tuple[int, Refusal, tuple[Suspicion, ...]]:
    """Count questions as far as there is room.

    Return for how many there is, what is said of the others, and whether there are unusually many.
    """
    before = read_tally(connection, permit.asking.agreement, office.today(now))
    room, refusal = _room(connection, permit, before, now)
    taken = asked if room is None else min(asked, room)
    after = before.plus(taken)
    write_tally(connection, after)
    unusual = _unusual(permit, before, after, now)
    return taken, refusal, () if unusual is None else (unusual,)


def _room(
    connection: Connection, permit: Permit, tally: Tally, now: Instant
) -> tuple[int | None, Refusal]:
    """Return for how many more questions there is room (None: any), and what is said beyond."""
    if not is_in_force(connection, permit.asking.agreement, now):
        # It was ended since the permit was given.
        return 0, access_refused("no_grant")
    budget, most = permit.grant.budget, permit.terms.limits.most_a_day
    in_all = None if budget is None else max(budget - tally.asked, 0)
    today = None if most is None else max(most - tally.asked_that_day, 0)
    if in_all is not None and (today is None or in_all <= today):
        return in_all, access_refused("budget_spent")
    return today, refused("day_spent")


def _unusual(permit: Permit, before: Tally, after: Tally, now: Instant) -> Suspicion | None:
    """Return that there are far more questions than on usual days, when that is passed."""
    rule = permit.terms.limits.volume
    if rule is None or not before.usual:
        return None
    threshold = max(rule.times * before.usual, rule.at_least)
    if not before.asked_that_day < threshold <= after.asked_that_day:
        return None
    measured = f"{after.asked_that_day}, usually {before.usual:.0f}"
    until = until_of(permit.terms.limits, now)
    agreement = permit.asking.agreement
    return Suspicion(agreement, _EVERYBODY, Kind.VOLUME, rule.action, now, until, measured)


def kept(connection: Connection, found: Suspicion, permit: Permit) -> FishingSuspected:
    """Keep a finding with its audit entry; return what is told of it."""
    number = insert_finding(connection, found)
    facts = {
        "finding": number,
        "asker": found.asker,
        "kind": found.kind.value,
        "action": found.action.value,
        "until": found.until.isoformat(),
        "measured": found.measured,
    }
    subject = f"agreement:{found.agreement}"
    queue(connection, Entry("verification.fishing_suspected", found.at, "system", subject, facts))
    return FishingSuspected(
        found.at,
        number,
        found.agreement,
        permit.grant.assignee,
        found.kind,
        found.action,
        found.measured,
    )


def _delivered(answered: Answered, receipt: ReceiptId, at: Instant) -> DataDelivered:
    grant, agreement = answered.permit.grant, AgreementId(answered.permit.asking.agreement)
    return DataDelivered(at, receipt, agreement, grant.assigner, grant.assignee, grant.dataset)
