"""An objection to a use of one's data, from its making to the provider's answer.

Pure. It waits for the provider: the use is kept, with a reason, or stopped, which takes the
subject's rows out of everything that leaves by the agreement from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Actor, AgreementId, Clock, ClockRun, Time
from shuzhi.share.agreements.clocks import Dated
from shuzhi.share.agreements.errors import require_text
from shuzhi.share.receipts.errors import ReceiptError
from shuzhi.share.receipts.model import Receipt, ReceiptId, SubjectNumber

ObjectionId = NewType("ObjectionId", int)
# The dated parameter of law that the clock counts by.
TERM = "objection_answer"


class ObjectionState(StrEnum):
    """Where an objection stands."""

    WAITING = "waiting"  # 待答复
    KEPT = "kept"  # 继续使用
    STOPPED = "stopped"  # 停止使用
    WITHDRAWN = "withdrawn"  # 撤回


@dataclass(frozen=True)
class Objection:
    """What a subject objects to: the use by `agreement` that `receipt` tells of.

    `run` is the clock against `provider`. `number` is the subject's; the id itself is kept sealed
    beside it, for who stops a use must know whose rows to leave out.
    """

    id: ObjectionId
    receipt: ReceiptId
    agreement: AgreementId
    dataset: str
    provider: PartyId
    authority: PartyId
    kind: str
    number: SubjectNumber
    reason: str
    by: str
    made_at: Instant
    run: ClockRun
    state: ObjectionState = ObjectionState.WAITING
    answer: str = ""
    answered_by: str = ""
    answered_at: Instant | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether the provider did not answer in time."""
        return self.run.broken_at is not None


def made(
    receipt: Receipt,
    subject: tuple[str, SubjectNumber],
    reason: str,
    by: str,
    at: Instant,
    authority: PartyId,
    time: Time,
) -> Objection:
    """Return a new objection, its clock started by the law of `at`.

    Raises:
        AgreementError: `share.reason_missing`, `share.bad_text`; RefusedError as `Time.term`.
    """
    what = receipt.what
    run = ClockRun(Clock.ANSWER, what.assigner, at, time.term(TERM, at))
    return Objection(
        ObjectionId(0),
        receipt.id,
        what.agreement,
        what.dataset,
        what.assigner,
        authority,
        *subject,
        require_text(reason, "The reason"),
        require_text(by, "Who objects"),
        at,
        time.wound(run),
    )


def answered(
    objection: Objection, by: Actor, text: str, at: Instant, *, is_stopped: bool
) -> Objection:
    """Return the objection after the answer of its provider, or of the authority in its place.

    Raises:
        ReceiptError: `share.objection_settled`, `share.not_your_side`; AgreementError:
            `share.reason_missing`, `share.bad_text`.
    """
    _require_waiting(objection)
    if by.party not in (objection.provider, objection.authority):
        raise ReceiptError(
            "share.not_your_side",
            f"Objection {objection.id} is answered by {objection.provider} or the authority.",
            next_step="Answer for that party, or leave it to them.",
        )
    return replace(
        objection,
        state=ObjectionState.STOPPED if is_stopped else ObjectionState.KEPT,
        answer=require_text(text, "The reason"),
        answered_by=by.person,
        answered_at=at,
        run=replace(objection.run, ended_at=at),
    )


def withdrawn(objection: Objection, at: Instant) -> Objection:
    """Return the objection after who made it took it back. Raises `share.objection_settled`."""
    _require_waiting(objection)
    run = replace(objection.run, ended_at=at)
    return replace(objection, state=ObjectionState.WITHDRAWN, run=run)


def dated(objection: Objection, at: Instant, time: Time) -> Dated | None:
    """Return how the calendar sets or moves the deadline of the answer at `at`; or None."""
    return time.known_at(at).datable([objection.run])


def overdue(objection: Objection, at: Instant) -> Objection:
    """Return the objection as its clock leaves it at `at`: broken when it has run out."""
    run = objection.run
    return replace(objection, run=replace(run, broken_at=at) if run.is_due(at) else run)


def _require_waiting(objection: Objection) -> None:
    if objection.state is not ObjectionState.WAITING:
        raise ReceiptError(
            "share.objection_settled",
            f"Objection {objection.id} is settled: {objection.state.value}.",
            next_step="Make another one about a later use.",
        )
