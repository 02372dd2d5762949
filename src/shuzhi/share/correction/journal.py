"""One transaction's work on doubts: state, history and audit entry are written together.

Only this file writes doubts. What it did becomes events, which are published after the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Actor
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.correction.errors import CorrectionError, unknown
from shuzhi.share.correction.events import moved, overdue
from shuzhi.share.correction.life_cycle import follow, owed, state_after
from shuzhi.share.correction.model import UNTOUCHING, Doubt, DoubtId, Step, Verb
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.correction.store import (
    append_step,
    find_doubt,
    insert_doubt,
    read_steps,
    write_doubt,
)

SYSTEM = Actor("system", None)
_PAST = {
    Verb.SUBMIT: "submitted",
    Verb.REFER: "referred",
    Verb.KEEP: "kept",
    Verb.ACCEPT: "accepted",
    Verb.WITHDRAW: "withdrawn",
    Verb.ACKNOWLEDGE: "acknowledged",
    Verb.REVIEW: "reviewed",
    Verb.HOLD: "held",
    Verb.CLOSE: "closed",
    Verb.REOPEN: "reopened",
    Verb.BREAK_CLOCK: "clock_broken",
    Verb.DATE_CLOCK: "clock_dated",
}


@dataclass
class Journal:
    """The work of one transaction; `events` are what to publish when it is committed."""

    office: CorrectionOffice
    connection: Connection
    events: list[Event] = field(default_factory=list)

    def doubt(self, number: DoubtId) -> Doubt:
        """Return a doubt, held until the transaction ends, after what its clock owes.

        Raises:
            CorrectionError: `share.doubt_unknown`.
        """
        found = find_doubt(self.connection, number, lock=True)
        if found is None:
            raise unknown(number)
        # What could not be dated before may be due by now, and what was due may no longer be.
        while dated := self.office.time.known_at(self.now(found)).datable(found.runs):
            found = self.take(found, Verb.DATE_CLOCK, SYSTEM, dated.facts)
        while facts := owed(found, self.now(found)):
            found = self.take(found, Verb.BREAK_CLOCK, SYSTEM, facts)
        return found

    def now(self, doubt: Doubt) -> Instant:
        """Return when a step is taken: never before the step that stands."""
        return max(self.office.now(), doubt.changed_at)

    def open(self, step: Step) -> Doubt:
        """Write the first step of a new doubt and return it with its id."""
        made = follow(None, step, self.office.time)
        made = replace(made, id=insert_doubt(self.connection, made))
        self._note(replace(step, doubt=made.id), made)
        return made

    def take(self, doubt: Doubt, verb: Verb, by: Actor, facts: dict[str, Any]) -> Doubt:
        """Write one more step of `doubt` and return it as it is after that."""
        state = state_after(verb, doubt.state)
        at, number = self.now(doubt), doubt.version + 1
        step = Step(doubt.id, number, verb, at, by.person, by.party, state, facts)
        after = follow(doubt, step, self.office.time)
        write_doubt(self.connection, after)
        self._note(step, after)
        return after

    def refuse_unseen(self, doubt: Doubt, seen: int | None) -> None:
        """Refuse (`share.changed_meanwhile`) to act on what somebody else has changed."""
        if seen is None or seen >= doubt.version:
            return
        steps = read_steps(self.connection, doubt.id)
        if any(step.number > seen and step.verb not in UNTOUCHING for step in steps):
            raise CorrectionError(
                "share.changed_meanwhile",
                f"Doubt {doubt.id} is at version {doubt.version}, you saw {seen}.",
                next_step="Look at it again, and act on what it is now.",
            )

    def _note(self, step: Step, after: Doubt) -> None:
        append_step(self.connection, step)
        queue(self.connection, _entry(step, after))
        self.events.append(moved(step, after))
        if late := overdue(step):
            self.events.append(late)


@contextmanager
def working(office: CorrectionOffice) -> Iterator[Journal]:
    """Yield the journal of one transaction; publish what it did when it is committed."""
    with office.control.transaction() as connection:
        journal = Journal(office, connection)
        yield journal
    for event in journal.events:
        office.receipts.sharing.publish(event)


def _entry(step: Step, after: Doubt) -> Entry:
    """Return the audit entry of a step: no value and no text of people, but the step's hash."""
    content = [step.doubt, step.number, step.verb, step.at.isoformat(), step.by, step.party]
    content += [step.state, step.facts, step.origin]
    facts: dict[str, Any] = {
        "step": step.number,
        "state": step.state.value,
        "party": step.party,
        "responsible": after.responsible,
        "dataset": after.what.dataset,
        "column": after.what.column,
        "step_sha256": hashlib.sha256(canonical(content)).hexdigest(),
    }
    facts |= {name: step.facts[name] for name in ("decision", "review") if name in step.facts}
    return Entry(f"doubt.{_PAST[step.verb]}", step.at, step.by, f"doubt:{step.doubt}", facts)
