"""One transaction's work: read, decide, write state, history and audit entries together.

Only this file writes applications and agreements. What it did becomes events, which are published
after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements.agreeing import awaits_data, handed_over
from shuzhi.share.agreements.clocks import Clock
from shuzhi.share.agreements.errors import AgreementError, unknown
from shuzhi.share.agreements.events import (
    AgreementMoved,
    ApplicationMoved,
    SharingReminded,
    clock_broken,
)
from shuzhi.share.agreements.life_cycle import begin, follow
from shuzhi.share.agreements.model import (
    UNTOUCHING,
    Agreement,
    AgreementId,
    Application,
    ApplicationId,
    Matter,
    MatterKind,
    Step,
    Verb,
    kind_of,
)
from shuzhi.share.agreements.odrl import written
from shuzhi.share.agreements.office import SharingOffice
from shuzhi.share.agreements.owed import owed_steps
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.agreements.policy import policy_of
from shuzhi.share.agreements.store import (
    append_step,
    find_matter,
    insert_agreement,
    insert_application,
    put_policy,
    read_steps,
    write_matter,
)

_PAST = {
    Verb.SUBMIT: "submitted",
    Verb.COMPLETE: "completed",
    Verb.RETURN: "returned",
    Verb.ASSIGN: "assigned",
    Verb.DECLINE: "declined",
    Verb.ASK_EXTENSION: "extension_asked",
    Verb.GRANT_EXTENSION: "extension_granted",
    Verb.DENY_EXTENSION: "extension_denied",
    Verb.AGREE: "agreed",
    Verb.REFUSE: "refused",
    Verb.WITHDRAW: "withdrawn",
    Verb.DISPUTE: "disputed",
    Verb.GO_UP: "gone_up",
    Verb.DECIDE: "decided",
    Verb.MAKE: "made",
    Verb.PROVIDE: "provided",
    Verb.PROPOSE: "proposed",
    Verb.SUSPEND: "suspended",
    Verb.RESUME: "resumed",
    Verb.RENEW: "renewed",
    Verb.END: "ended",
    Verb.DISPOSE: "disposed",
    Verb.EXPIRE: "expired",
    Verb.REMIND: "reminded",
    Verb.BREAK_CLOCK: "clock_broken",
    Verb.DATE_CLOCK: "clock_dated",
}


@dataclass
class Journal:
    """The work of one transaction; `events` are what to publish when it is committed."""

    office: SharingOffice
    connection: Connection
    events: list[Event] = field(default_factory=list)

    def application(self, application: ApplicationId) -> Application:
        """Return an application, held until the transaction ends, after what its clocks owe.

        Raises:
            AgreementError: `share.application_unknown`.
        """
        found = self._found(MatterKind.APPLICATION, application)
        if not isinstance(found, Application):
            raise unknown(MatterKind.APPLICATION, application)
        return found

    def agreement(self, agreement: AgreementId) -> Agreement:
        """Return an agreement, held until the transaction ends, after what its clocks owe.

        Raises:
            AgreementError: `share.agreement_unknown`.
        """
        found = self._found(MatterKind.AGREEMENT, agreement)
        if not isinstance(found, Agreement):
            raise unknown(MatterKind.AGREEMENT, agreement)
        return found

    def now(self, matter: Matter) -> Instant:
        """Return when a step of `matter` is taken: never before the step that stands."""
        return max(self.office.clock(), matter.changed_at)

    def settle(self, matter: Matter) -> Matter:
        """Let the clocks of `matter` do what they owe by now; what is held is provided first."""
        time = self.office.time
        if (
            isinstance(matter, Agreement)
            and awaits_data(matter)
            and self.office.is_held(matter.terms.dataset)
        ):
            matter = self.take(matter, handed_over(matter, self.now(matter)))
        for step in owed_steps(matter, self.now(matter), time):
            matter = self.take(matter, step)
        return matter

    def take(self, matter: Matter, step: Step) -> Matter:
        """Write one more step of `matter` and return it as it is after that."""
        after = follow(matter, step, self.office.time)
        write_matter(self.connection, after)
        self._note(step, after)
        return after

    def open(self, step: Step) -> Matter:
        """Write the first step of a new matter and return it with its id."""
        matter = begin(step, self.office.time)
        policy: dict[str, Any] | None = None
        if isinstance(matter, Application):
            made: Matter = replace(matter, id=insert_application(self.connection, matter))
        else:
            made = replace(matter, id=insert_agreement(self.connection, matter))
            policy = written(policy_of(made.id, made.terms, self.office.names))
            put_policy(self.connection, made.id, policy)
        self._note(replace(step, matter=made.id), made, policy)
        return made

    def refuse_unseen(self, matter: Matter, seen: int | None) -> None:
        """Refuse (`share.changed_meanwhile`) to act on what somebody else has changed."""
        if seen is None or seen >= matter.touched:
            return
        kind = kind_of(matter)
        steps = read_steps(self.connection, kind, matter.id, after=seen)
        unseen = ", ".join(
            f"{s.verb.value} by {s.by}" for s in steps if s.verb not in UNTOUCHING
        )  # fmt: skip
        raise AgreementError(
            "share.changed_meanwhile",
            f"The {kind} {matter.id} is at version {matter.version}, you saw {seen}. "
            f"Meanwhile: {unseen}.",
            next_step="Look at it again, and act on what it is now.",
        )

    def _found(self, kind: MatterKind, number: int) -> Matter:
        found = find_matter(self.connection, kind, number, lock=True)
        if found is None:
            raise unknown(kind, number)
        return self.settle(found)

    def _note(self, step: Step, after: Matter, policy: dict[str, Any] | None = None) -> None:
        append_step(self.connection, step)
        queue(self.connection, _entry(step, after, policy))
        self.events.extend(_events(step, after))


def _entry(step: Step, after: Matter, policy: dict[str, Any] | None) -> Entry:
    """Return the audit entry of a step: no text of people, but the hash of the whole step."""
    content = [step.kind, step.matter, step.number, step.verb, step.at.isoformat(), step.by]
    content += [step.party, step.state, step.facts, step.origin]
    facts: dict[str, Any] = {
        "step": step.number,
        "state": step.state,
        "party": step.party,
        "authority": after.authority,
        "step_sha256": hashlib.sha256(canonical(content)).hexdigest(),
        **_sides(after),
    }
    if policy is not None:
        facts["policy_sha256"] = hashlib.sha256(canonical(policy)).hexdigest()
    subject = f"{step.kind.value}:{step.matter}"
    return Entry(f"{step.kind.value}.{_PAST[step.verb]}", step.at, step.by, subject, facts)


def _sides(matter: Matter) -> dict[str, Any]:
    if isinstance(matter, Application):
        asked = matter.asked.dataset
        return {"applicant": matter.applicant, "provider": matter.provider, "dataset": asked}
    terms = matter.terms
    return {
        "application": matter.application,
        "assigner": terms.assigner,
        "assignee": terms.assignee,
        "dataset": terms.dataset,
        "contract_version": terms.contract_version,
    }


def _events(step: Step, after: Matter) -> Iterator[Event]:
    if isinstance(after, Application):
        parties = (after.applicant, after.provider, after.authority)
        yield ApplicationMoved(step.at, after.id, step.verb, step.state, *parties)
    else:
        parties_of = (after.terms.assigner, after.terms.assignee, after.authority)
        yield AgreementMoved(step.at, after.id, step.verb, step.state, *parties_of)
    if step.verb is Verb.REMIND and isinstance(after, Agreement):
        clock, party = Clock(step.facts["clock"]), PartyId(step.facts["party"])
        yield SharingReminded(step.at, after.id, clock, party)
    if broken := clock_broken(step):
        yield broken
