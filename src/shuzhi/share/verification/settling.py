"""Writing answers down, many in one transaction: receipts, budgets, findings, the audit entry."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import DataDelivered, ReceiptId
from shuzhi.share.receipts.many import Small, record_many
from shuzhi.share.verification.events import FishingSuspected
from shuzhi.share.verification.fishing import Seen, Suspicion
from shuzhi.share.verification.ledger import Ledger
from shuzhi.share.verification.model import Answer
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.permits import Permit
from shuzhi.share.verification.store import insert_finding
from shuzhi.share.verification.windows import Windows

_log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """An answer that waits to be written down; `body` is what will leave, but for the receipt.

    `seen` is what is watched of its question, and `at` is when that came.
    """

    permit: Permit
    answer: Answer
    body: bytes
    small: Small
    seen: Seen
    at: Instant


class Receipted(NamedTuple):
    """An answer that may leave."""

    answer: Answer
    body: bytes
    receipt: ReceiptId


class Settled(NamedTuple):
    """Answers that were written down, in order, what is to be told of them, and the counts."""

    results: list[Receipted | Refusal]
    events: list[Event]
    ledgers: tuple[Ledger, ...]

    @property
    def suspected(self) -> list[FishingSuspected]:
        """What was found suspicious about them."""
        return [event for event in self.events if isinstance(event, FishingSuspected)]


def settled(
    office: VerificationOffice,
    windows: Windows,
    waiting: Sequence[Answered],
    *,
    at_once: bool = False,
) -> Settled:
    """Write down answers together, first come first served, as far as their ledgers take them.

    Raises as `Control.transaction`; then nothing is written.
    """
    events, control = list[Event](), office.sharing.control
    refusals: dict[int, Refusal] = {}
    with (control.unwaiting if at_once else control).transaction() as connection:
        now = office.sharing.clock()
        ledgers = _opened(connection, office, windows, waiting, now)
        for i, answered in enumerate(waiting):
            ledger = ledgers[answered.permit.asking.agreement]
            if (refusal := ledger.take(answered.seen, answered.at)) is not None:
                refusals[i] = refusal
        leaving = [a for i, a in enumerate(waiting) if i not in refusals]
        ids = record_many(connection, [a.small for a in leaving], now)
        for ledger in ledgers.values():
            events += [kept(connection, found, ledger.permit) for found in ledger.close()]
    events += [_delivered(a, number, now) for a, number in zip(leaving, ids, strict=True)]
    given = iter(ids)
    results: list[Receipted | Refusal] = [
        refusals.get(i) or Receipted(a.answer, a.body, next(given)) for i, a in enumerate(waiting)
    ]
    return Settled(results, events, tuple(ledgers.values()))


def tell(office: VerificationOffice, events: Iterable[Event]) -> None:
    """Tell whoever reacts to what was written; what they fail at keeps no answer from leaving.

    A finding that could not be told of stands in the store: see `findings_since`.
    """
    for event in events:
        try:
            office.sharing.publish(event)
        except Exception:  # noqa: BLE001  (the answers are written, and may leave)
            _log.exception("%s could not be told.", type(event).__name__)


def _opened(
    connection: Connection,
    office: VerificationOffice,
    windows: Windows,
    waiting: Sequence[Answered],
    now: Instant,
) -> dict[int, Ledger]:
    """Open the ledger of each agreement that is asked under."""
    permits = {a.permit.asking.agreement: a.permit for a in waiting}
    # In one order everywhere: else two who write would wait for each other.
    ledgers = {
        number: Ledger(connection, office, windows, permits[number], now)
        for number in sorted(permits)
    }
    for number, ledger in ledgers.items():
        ledger.foresee(a.seen for a in waiting if a.permit.asking.agreement == number)
    return ledgers


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
