"""One transaction's work on cases: read, decide, write state, history and audit entries together.

Only this file writes cases. What it did becomes events, which are published after the commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from shuzhi.act.cases.acts import Act, bad_merge, changed_meanwhile, decide
from shuzhi.act.cases.errors import CaseError
from shuzhi.act.cases.escalation import Ladder, owed_steps, owes
from shuzhi.act.cases.events import (
    CaseClosed,
    CaseEscalated,
    CaseJoined,
    CaseMoved,
    CaseOpened,
    ClockBroken,
    ClockDated,
)
from shuzhi.act.cases.life_cycle import begin, follow
from shuzhi.act.cases.model import UNTOUCHING, Case, CaseId, Step, Verb
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.opening import Opened, Report, joined, opened, taken_in
from shuzhi.act.cases.rows import open_key
from shuzhi.act.cases.store import (
    append_steps,
    insert_cases,
    known_origins,
    open_cases,
    read_cases,
    read_steps,
    replace_clocks,
    replace_tasks,
    update_cases,
)
from shuzhi.audit import Entry, queue
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.parties import Organisation
from shuzhi.share.parties.store import read_line

_PAST = {
    Verb.OPEN: "opened",
    Verb.JOIN: "joined",
    Verb.VERIFY: "verified",
    Verb.FILE: "filed",
    Verb.DISPATCH: "dispatched",
    Verb.TAKE: "taken",
    Verb.FEED_BACK: "fed_back",
    Verb.RETURN: "returned",
    Verb.SUSPEND: "suspended",
    Verb.RESUME: "resumed",
    Verb.CHECK: "checked",
    Verb.CLOSE: "closed",
    Verb.RATE: "rated",
    Verb.REOPEN: "reopened",
    Verb.MERGE: "merged",
    Verb.BREAK_CLOCK: "clock_broken",
    Verb.ESCALATE: "escalated",
    Verb.DATE_CLOCK: "clock_dated",
}


@dataclass(frozen=True)
class _Change:
    """A step, and the case before (None where there was none) and after it."""

    before: Case | None
    step: Step
    after: Case


@dataclass
class Journal:
    """The work of one transaction; `write` ends it."""

    office: Office
    connection: Connection
    cases: dict[CaseId, Case] = field(default_factory=dict)
    changes: list[_Change] = field(default_factory=list)
    keys: dict[str, CaseId] = field(default_factory=dict)
    origins: dict[str, CaseId] = field(default_factory=dict)
    _asked: set[PartyId] = field(default_factory=set)
    _organisation: Organisation = field(default_factory=lambda: Organisation({}))

    def load(self, ids: Iterable[CaseId]) -> None:
        """Read cases and hold them until the transaction ends."""
        self.cases |= read_cases(self.connection, ids, lock=True)

    def load_matches(self, reports: Sequence[Report]) -> None:
        """Read what reports may join or repeat."""
        keys = (f"{r.kind}/{r.merge_key}" for r in reports if r.merge_key is not None)
        self.keys |= open_cases(self.connection, keys)
        origins = (r.origin for r in reports if r.origin is not None)
        self.origins |= known_origins(self.connection, origins)
        self.ladder(*(r.party for r in reports))
        self.load(self.keys.values())

    def act(self, act: Act) -> Case:
        """Do one act, after what the case's clocks owe; nothing is kept of one that is refused.

        Raises:
            RefusedError: as `decide`; `act.no_such_case`, `act.no_such_party`,
                `act.already_open`.
        """
        found = self.cases.get(act.case)
        if found is None:
            raise no_such_case(act.case)
        self._refuse_unseen(found, act)
        at = max(self.office.clock(), found.changed_at)
        case, owed = self._settled(found, at)
        self._refuse_parties(act)
        step = decide(self.office.clocks(case.kind).kind, case, act, at)
        after = follow(case, step, self.office.clocks(case.kind))
        self._refuse_second(case, after)
        merged = self._taken_in(case, act, at)
        self._keep(found, owed)
        self._note(case, step, after)
        if merged is not None:
            self._note(*merged)
        return after

    def settle(self, case_id: CaseId) -> tuple[Step, ...]:
        """Let the clocks of a case do what they owe by now, and return the steps."""
        case = self.cases[case_id]
        _, owed = self._settled(case, max(self.office.clock(), case.changed_at))
        self._keep(case, owed)
        return owed

    def report(self, report: Report) -> Opened:
        """Open a case for a report, or let it join the open one.

        Raises:
            RefusedError: as `opened` and `joined`; `act.no_such_kind`.
        """
        clocks = self.office.clocks(report.kind)
        if report.origin is not None and report.origin in self.origins:
            return Opened(self.origins[report.origin], is_new=False, is_repeat=True)
        at = self.office.clock()
        known = self.keys.get(f"{report.kind}/{report.merge_key}")
        if known is not None and report.merge_key is not None:
            self.settle(known)
            case = self.cases[known]
            self._keep(case, (joined(clocks.kind, report, case, max(at, case.changed_at)),))
        else:
            # The store gives the real id when the transaction writes.
            known = CaseId(-1 - len(self.changes))
            step = opened(clocks.kind, report, self.ladder(report.party), known, at)
            self._note(None, step, begin(step, clocks))
        if report.origin is not None:
            self.origins[report.origin] = known
        return Opened(known, is_new=self.changes[-1].before is None)

    def ladder(self, *parties: PartyId | None) -> Ladder:
        """Return a ladder that knows `parties` and the desk, as they are in this transaction."""
        missing = {p for p in (*parties, self.office.desk) if p is not None} - self._asked
        if missing:
            self._asked |= missing
            found = read_line(self.connection, missing)
            self._organisation = Organisation.of((*self._organisation, *found))
        return Ladder(self._organisation, self.office.desk)

    def write(self) -> tuple[dict[CaseId, CaseId], tuple[Event, ...]]:
        """Write everything, and return the real ids of new cases, and the events to publish."""
        fresh = [change.after.id for change in self.changes if change.before is None]
        made = insert_cases(self.connection, [self.cases[case_id] for case_id in fresh])
        ids = dict(zip(fresh, made, strict=True))
        first = {c.after.id: c.before for c in reversed(self.changes)}
        update_cases(self.connection, [self.cases[i] for i in sorted(first) if i not in ids])
        pairs = [(first[i], _renamed(self.cases[i], ids)) for i in sorted(first)]
        tasks = [now for was, now in pairs if now.tasks != (was.tasks if was else ())]
        replace_tasks(self.connection, tasks)
        runs = [now for was, now in pairs if now.runs != (was.runs if was else ())]
        replace_clocks(self.connection, runs)
        changes = [_with_id(change, ids) for change in self.changes]
        append_steps(self.connection, [change.step for change in changes])
        queue(self.connection, *map(_entry, changes))
        return ids, tuple(event for change in changes for event in _events(change))

    def _settled(self, case: Case, at: Instant) -> tuple[Case, tuple[Step, ...]]:
        clocks = self.office.clocks(case.kind)
        if not owes(case, clocks, at):
            return case, ()
        ladder = self.ladder(case.responsible, *(run.above for run in case.runs))
        return owed_steps(case, clocks, ladder, at)

    def _keep(self, case: Case, steps: Iterable[Step]) -> None:
        for step in steps:
            after = follow(case, step, self.office.clocks(case.kind))
            self._note(case, step, after)
            case = after

    def _note(self, before: Case | None, step: Step, after: Case) -> None:
        self.cases[after.id] = after
        self.changes.append(_Change(before, step, after))
        key = open_key(after)
        if key is not None:
            self.keys[key] = after.id
        elif before is not None and open_key(before) is not None:
            self.keys.pop(open_key(before) or "", None)

    def _refuse_unseen(self, case: Case, act: Act) -> None:
        if act.seen is None or act.seen >= case.touched:
            return
        ours = [change.step for change in self.changes if change.after.id == case.id]
        steps = (*read_steps(self.connection, case.id), *ours)
        unseen = [s for s in steps if s.number > act.seen and s.verb not in UNTOUCHING]
        raise changed_meanwhile(case, act.seen, unseen)

    def _refuse_parties(self, act: Act) -> None:
        if not act.orders:
            return
        organisation = self.ladder(*(order.party for order in act.orders)).organisation
        for order in act.orders:
            if order.party not in organisation:
                raise CaseError(
                    "act.no_such_party",
                    f"Case {act.case} cannot go to {order.party[:60]!r}: no such party.",
                    next_step="Correct the id, or register the party.",
                )

    def _taken_in(self, case: Case, act: Act, at: Instant) -> tuple[Case, Step, Case] | None:
        """Return what merging `case` does to the case that it goes into; None for other verbs."""
        if act.verb is not Verb.MERGE or act.into is None:
            return None
        into = self.cases.get(act.into)
        if into is None:
            raise no_such_case(act.into)
        if not into.is_open or into.kind != case.kind:
            raise bad_merge(case, f"case {into.id} of {into.kind} is {into.stage}")
        clocks = self.office.clocks(case.kind)
        step = taken_in(clocks.kind, case, into, act.by, max(at, into.changed_at))
        return into, step, follow(into, step, clocks)

    def _refuse_second(self, case: Case, after: Case) -> None:
        key = open_key(after)
        if case.is_open or key is None:
            return
        other = (open_cases(self.connection, [key]) | self.keys).get(key)
        if other is not None:
            raise CaseError(
                "act.already_open",
                f"Case {case.id} cannot be opened again: case {other} is open on the same matter.",
                next_step=f"Work on case {other}.",
            )


def no_such_case(case_id: CaseId) -> CaseError:
    """Refuse a case that is not there."""
    return CaseError(
        "act.no_such_case", f"There is no case {case_id}.", next_step="Correct the number."
    )


def _renamed(case: Case, ids: Mapping[CaseId, CaseId]) -> Case:
    return replace(case, id=ids[case.id]) if case.id in ids else case


def _with_id(change: _Change, ids: Mapping[CaseId, CaseId]) -> _Change:
    if change.after.id not in ids:
        return change
    step = replace(change.step, case_id=ids[change.after.id])
    return _Change(change.before, step, _renamed(change.after, ids))


def _entry(change: _Change) -> Entry:
    """Return the audit entry of a step: no text of people, but the hash of the whole step."""
    step, case = change.step, change.after
    content = [step.case_id, step.number, step.verb, step.at.isoformat(), step.by, step.party]
    content += [step.stage, dict(step.facts), step.origin]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    facts: dict[str, Any] = {
        "kind": case.kind,
        "step": step.number,
        "stage": step.stage.value,
        "party": step.party,
        "responsible": case.responsible,
        "step_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
    }
    return Entry(f"case.{_PAST[step.verb]}", step.at, step.by, f"case:{case.id}", facts)


def _events(change: _Change) -> Iterator[Event]:
    step, case, before = change.step, change.after, change.before
    facts, at = step.facts, step.at
    if before is None:
        origin = step.origin
        yield CaseOpened(at, case.id, case.kind, case.severity, case.responsible, origin)
    elif step.verb is Verb.JOIN:
        yield CaseJoined(at, case.id, case.kind, case.severity, case.reports, step.origin)
    elif step.verb is Verb.BREAK_CLOCK:
        due, party = parse_instant(facts["due_at"]), PartyId(facts["answers"])
        yield ClockBroken(at, case.id, case.kind, facts["clock"], due, party)
    elif step.verb is Verb.ESCALATE:
        due, to = parse_instant(facts["due_at"]), PartyId(facts["to"])
        yield CaseEscalated(at, case.id, case.kind, facts["clock"], due, to)
    elif step.verb is Verb.DATE_CLOCK:
        if "escalates_at" not in facts:
            due, was = parse_instant(facts["due_at"]), facts.get("instead_of")
            was_due_at = None if was is None else parse_instant(was)
            yield ClockDated(at, case.id, case.kind, facts["clock"], due, was_due_at)
    else:
        parties = tuple(task.party for task in case.tasks if case.task_of(task.party) is task)
        moved = (step.verb, before.stage, case.stage, step.by, case.responsible, parties)
        yield CaseMoved(at, case.id, case.kind, *moved)
    if step.verb is Verb.CLOSE:
        yield CaseClosed(at, case.id, case.kind, case.outcome or "", case.responsible)
