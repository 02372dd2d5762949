"""The words of a case: stages, verbs, roles, tasks, clock runs, steps, and the case itself.

Every value is frozen; a case is what its steps say, one after the other (see `life_cycle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

CaseId = NewType("CaseId", int)
Facts = Mapping[str, Any]
MOST_STARS = 5


class Stage(StrEnum):
    """Where a case stands in the loop of city management (CJ/T 315, GB/T 30428)."""

    NEW = "NEW"
    VERIFIED = "VERIFIED"
    FILED = "FILED"
    DISPATCHED = "DISPATCHED"
    IN_HAND = "IN_HAND"
    RETURNED = "RETURNED"
    SUSPENDED = "SUSPENDED"
    FED_BACK = "FED_BACK"
    CHECKED = "CHECKED"
    CLOSED = "CLOSED"
    RATED = "RATED"
    REOPENED = "REOPENED"


ENDED = frozenset({Stage.CLOSED, Stage.RATED})


class Verb(StrEnum):
    """What can be done to a case; the last three are done by the clock alone."""

    OPEN = "open"
    JOIN = "join"
    VERIFY = "verify"
    FILE = "file"
    DISPATCH = "dispatch"
    TAKE = "take"
    FEED_BACK = "feed_back"
    RETURN = "return"
    SUSPEND = "suspend"
    RESUME = "resume"
    CHECK = "check"
    CLOSE = "close"
    RATE = "rate"
    REOPEN = "reopen"
    MERGE = "merge"
    BREAK_CLOCK = "break_clock"
    ESCALATE = "escalate"
    DATE_CLOCK = "date_clock"


# What happens to a case while people look at it, and does not make them wrong.
UNTOUCHING = frozenset({Verb.JOIN, Verb.BREAK_CLOCK, Verb.ESCALATE, Verb.DATE_CLOCK})


class CaseRole(StrEnum):
    """What somebody may be in the life of a case."""

    REPORTER = "reporter"
    DESK = "desk"
    DISPATCHER = "dispatcher"
    HANDLER = "handler"
    CHECKER = "checker"
    RATER = "rater"


@dataclass(frozen=True)
class Actor:
    """Who acts: a person (or `system`), for a party, in the roles that the person holds."""

    person: str
    party: PartyId | None
    roles: frozenset[CaseRole] = frozenset()


SYSTEM = Actor("system", None, frozenset(CaseRole))


class TaskState(StrEnum):
    """How far a party is with its part of a case."""

    GIVEN = "given"
    TAKEN = "taken"
    FED_BACK = "fed_back"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Order:
    """A part of a case for one party; the lead answers for the whole."""

    party: PartyId
    is_lead: bool
    text: str = ""


@dataclass(frozen=True)
class Task:
    """An order and how far it is."""

    party: PartyId
    is_lead: bool
    text: str
    state: TaskState = TaskState.GIVEN


@dataclass(frozen=True)
class EvidenceFile:
    """A file that proves what was done, stored under its SHA-256; `kind` as photo or document."""

    sha256: str
    name: str
    media_type: str
    kind: str
    size_bytes: int


@dataclass(frozen=True)
class Spell:
    """A time in which a clock ran; it still runs while there is no `ended_at`."""

    started_at: Instant
    ended_at: Instant | None = None


@dataclass(frozen=True)
class ClockRun:
    """One clock of a case in one round, from opening (or reopening) to closing.

    `due_at` is None while the clock stands still, and of a running one while the calendar does not
    reach its deadline; `next_at` is when the clock has to act: to break or to escalate to `above`,
    the party next in line. Nothing is late, and nothing kept, by a deadline that nobody knows.
    """

    clock: str
    round: int
    spells: tuple[Spell, ...]
    due_at: Instant | None = None
    next_at: Instant | None = None
    broken_at: Instant | None = None
    was_due_at: Instant | None = None
    escalations: int = 0
    escalated_to: PartyId | None = None
    above: PartyId | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether the clock runs now."""
        return self.spells[-1].ended_at is None


@dataclass(frozen=True)
class Case:
    """A matter that somebody must close.

    `title_en` is its title in English, empty where nobody gave one. `version` counts its steps,
    `touched` is the last one by a person, `reports` counts the reports merged into it, `round` its
    openings.
    `due` holds the deadlines that were stated with it, by clock. `handled_by` and
    `handling_parties` are who worked on it in this round; `evidence` counts this round's files
    by kind.
    """

    id: CaseId
    kind: str
    title: str
    severity: str
    stage: Stage
    responsible: PartyId
    opened_at: Instant
    changed_at: Instant
    merge_key: str | None = None
    due: Mapping[str, Instant] = field(default_factory=dict)
    version: int = 1
    touched: int = 1
    round: int = 1
    reports: int = 1
    stage_before: Stage | None = None
    closed_at: Instant | None = None
    outcome: str | None = None
    stars: int | None = None
    escalated_to: PartyId | None = None
    tasks: tuple[Task, ...] = ()
    runs: tuple[ClockRun, ...] = ()
    handled_by: tuple[str, ...] = ()
    handling_parties: tuple[PartyId, ...] = ()
    evidence: Mapping[str, int] = field(default_factory=dict)
    title_en: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether somebody still has to close it."""
        return self.stage not in ENDED

    @property
    def lead(self) -> PartyId | None:
        """The party that answers for the whole, once it has been dispatched."""
        return next((t.party for t in self.tasks if t.is_lead and _is_live(t)), None)

    def task_of(self, party: PartyId | None) -> Task | None:
        """Return the task that `party` has now, if any."""
        return next((t for t in self.tasks if t.party == party and _is_live(t)), None)


@dataclass(frozen=True)
class Step:
    """One line of a case's history: who did what when, and the stage after it.

    `origin` names the report that made the step (a warning, a call) and is never taken twice.
    """

    case_id: CaseId
    number: int
    verb: Verb
    at: Instant
    by: str
    party: PartyId | None
    stage: Stage
    facts: Facts = field(default_factory=dict)
    origin: str | None = None


def _is_live(task: Task) -> bool:
    return task.state is not TaskState.WITHDRAWN
