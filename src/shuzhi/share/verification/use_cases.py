"""The verbs of verification beside the desk's: ask once, keep indexes current, look at findings."""

from __future__ import annotations

from dataclasses import replace

from shuzhi.audit import Entry, queue
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Refusal, User
from shuzhi.share.verification.again import sweep_shown
from shuzhi.share.verification.building import Builder, Done, Refreshed
from shuzhi.share.verification.desk import Desk
from shuzhi.share.verification.errors import VerificationError
from shuzhi.share.verification.model import Question
from shuzhi.share.verification.office import VerificationOffice
from shuzhi.share.verification.permits import Asking
from shuzhi.share.verification.settling import Receipted
from shuzhi.share.verification.store import (
    Finding,
    agreements_to_sweep,
    find_finding,
    forget_past,
    lift_finding,
    read_findings,
    read_findings_since,
    sweep_agreement,
)

_MOST = 500


def ask(desk: Desk, user: User, question: Question) -> Receipted | Refusal:
    """Answer one question; its receipt and audit entry are durable when this returns.

    Raises:
        VerificationError: `share.bad_claim`; as `permit_of`, `Desk.answer` and `Desk.settle`.
    """
    permit = desk.permit(Asking(user, question.agreement, question.role, question.purpose))
    if isinstance(permit, Refusal):
        return permit
    answered = desk.answer(permit, question)
    if isinstance(answered, Refusal):
        return answered
    (result,) = desk.settle([answered])
    return result


def refresh(office: VerificationOffice, dataset: str, *, rebuild: bool = False) -> Refreshed:
    """Bring the index of a data set to its newest version; questions see it at once.

    Raises:
        VerificationError: `share.not_verifiable`; as `Builder.refresh`.
    """
    verifiable = office.declared.datasets.get(dataset)
    if verifiable is None:
        raise VerificationError(
            "share.not_verifiable",
            f"{dataset[:60]!r} is not declared for verification.",
            next_step="Declare its subject and columns in verification.yaml of the city.",
        )
    builder = Builder(
        office.lake,
        office.indexes.folder_of(dataset),
        office.indexes.secret,
        memory_limit=office.memory_limit,
    )
    done = builder.refresh(verifiable.wanted, rebuild=rebuild)
    if done.done is not Done.NOTHING:
        facts = {
            "version": done.generation.version,
            "done": done.done.value,
            "subjects": done.changed,
        }
        now = office.sharing.clock()
        with office.sharing.control.transaction() as connection:
            subject = f"dataset:{dataset}"
            queue(connection, Entry("verification.index_refreshed", now, "system", subject, facts))
    return done


def findings(
    office: VerificationOffice,
    *,
    agreement: int | None = None,
    standing: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Finding, ...]:
    """Return what looked like fishing, the newest first; at most `limit` (1 to 500).

    `standing` leaves those that something is done about now.
    """
    if not 1 <= limit <= _MOST:
        raise VerificationError(
            "share.bad_page", f"A page has 1 to {_MOST} findings.", next_step="Ask for fewer."
        )
    with office.sharing.control.transaction() as connection:
        return read_findings(
            connection,
            agreement=agreement,
            standing_at=office.sharing.clock() if standing else None,
            before=before,
            limit=limit,
        )


def findings_since(control: Control, last: int) -> tuple[Finding, ...]:
    """Return the findings after the one numbered `last`, oldest first, at most 500.

    Whoever reacts to findings and may have missed an event catches up with this.
    """
    with control.transaction() as connection:
        return read_findings_since(connection, last, _MOST)


def sweep(control: Control, now: Instant) -> int:
    """Let go what was kept and is over, also where nobody asks any more.

    Returns of how many agreements.
    """
    with control.transaction() as connection:
        sweep_shown(connection, now)
        numbers = agreements_to_sweep(connection, now)
    for number in numbers:
        with control.transaction() as connection:
            sweep_agreement(connection, number, now)
    return len(numbers)


def lift(desk: Desk, number: int, *, by: str) -> Finding:
    """Say, as the data manager, that a finding does not count any more; what it held goes on.

    Other processes go on within a second or so.

    Raises:
        VerificationError: `share.finding_unknown`.
    """
    sharing = desk.office.sharing
    with sharing.control.transaction() as connection:
        now = sharing.clock()
        found = find_finding(connection, number)
        if found is None:
            raise VerificationError(
                "share.finding_unknown",
                f"There is no finding {number}.",
                next_step="List findings with: shuzhi verification list.",
            )
        if found.lifted_at is None:
            lift_finding(connection, number, by, now)
            forget_past(connection, found.what.agreement)
            subject = f"agreement:{found.what.agreement}"
            facts = {"finding": number}
            queue(connection, Entry("verification.finding_lifted", now, by, subject, facts))
            found = replace(found, lifted_at=now, lifted_by=by)
    desk.forget(found.what.agreement)
    return found
