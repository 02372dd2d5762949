"""What is told of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shuzhi.act.cases import (
    Case,
    CaseFile,
    CaseRole,
    ClockState,
    Reading,
    Stage,
    TaskState,
    Verb,
)
from shuzhi.app.decide.cause_store import Sought
from shuzhi.web.api.frame.answers import Answer, Facts, Listed, Title


class TaskAnswer(Answer):
    """The part of a case that one party has."""

    party: str
    """Whose part it is."""
    is_lead: bool
    """Whether that party answers for the whole."""
    text: str
    """What it was asked to do."""
    state: TaskState
    """How far it is."""


class ClockAnswer(Answer):
    """A clock of a case, as it stands now."""

    clock: str
    """Which of its kind's clocks it is."""
    round: int
    """In which round of the case, from 1."""
    state: ClockState
    """Whether it runs, stands or has ended."""
    due_at: datetime | None
    """When it runs out, or ran out; of one that stands, if it went on now; null if unknown."""
    why_undated: str | None
    """Why `due_at` is null, as a code: `kernel.calendar_ends` until the holiday notice is out."""
    is_late: bool
    """Whether it has run out."""
    used: str
    """How much of it is used."""
    limit: str | None
    """How much there is in all; null where each case states its own deadline."""

    @classmethod
    def read(cls, reading: Reading) -> ClockAnswer:
        """Return what a clock shows."""
        limit = None if reading.limit is None else str(reading.limit)
        return cls.about(reading, used=str(reading.used), limit=limit)


class CaseLine(Answer):
    """A case, in short."""

    id: int
    """Its number."""
    kind: str
    """Its kind."""
    title: str
    """What it is about."""
    title_en: str
    """The same in English; empty where nobody said it."""
    severity: str
    """How grave it is, in a word of its kind."""
    stage: Stage
    """Where it stands."""
    is_open: bool
    """Whether somebody still has to close it."""
    responsible: str
    """The party that answers for it."""
    lead: str | None
    """The party that was sent to deal with it; null before."""
    opened_at: datetime
    """When it was opened."""
    changed_at: datetime
    """When its last step was done."""
    closed_at: datetime | None
    """When it was closed."""
    outcome: str | None
    """How it ended."""
    stars: int | None
    """How it was rated, 1 to 5."""
    reports: int
    """How many reports it has taken in."""
    round: int
    """How often it was opened."""
    version: int
    """How many steps it has; its ETag."""
    tasks: tuple[TaskAnswer, ...]
    """Who has which part of it."""
    evidence: Mapping[str, int]
    """How many files of each kind were handed in, in this round."""


class Cases(Listed):
    """A page of cases, the newest first."""

    items: tuple[CaseLine, ...]
    """The cases."""


class StepAnswer(Answer):
    """What somebody did, or a clock."""

    number: int
    """Which step of the case it is, from 1."""
    verb: Verb
    """What was done."""
    at: datetime
    """When."""
    by: str
    """By whom; `system` for clocks and rules."""
    party: str | None
    """For which party."""
    stage: Stage
    """Where the case stood after it."""
    facts: Facts
    """What belongs to it, by verb."""


class WayAnswer(Answer):
    """Something that can be done now."""

    verb: Verb
    """What."""
    roles: tuple[CaseRole, ...]
    """By whom."""


class CaseAnswer(CaseLine):
    """Everything about a case."""

    clocks: tuple[ClockAnswer, ...]
    """Its clocks, as they are now."""
    ways: tuple[WayAnswer, ...]
    """What can be done about it now, and by whom."""
    steps: tuple[StepAnswer, ...]
    """Its history."""
    searches: tuple[int, ...]
    """The searches for its causes: see tracings."""

    @classmethod
    def told(cls, file: CaseFile, causes: Sequence[Sought]) -> CaseAnswer:
        """Return the whole file of a case, and where its causes were sought."""
        ways = tuple({"verb": way.verb, "roles": tuple(sorted(way.roles))} for way in file.ways)
        clocks = tuple(ClockAnswer.read(reading) for reading in file.readings)
        searches = tuple(sought.id for sought in causes)
        return cls.about(file.case, clocks=clocks, ways=ways, steps=file.steps, searches=searches)


class ClockTallyAnswer(Answer):
    """The open cases under one clock of a kind."""

    kind: str
    """The kind of case."""
    clock: str
    """Its clock."""
    running: int
    """How many of it run."""
    soon: int
    """How many of those run out soon."""
    late: int
    """How many have run out."""
    undated: int
    """How many have no deadline yet, as the holiday notice is not out."""


class PartyTallyAnswer(Answer):
    """The open cases of a party."""

    open: int
    """How many are open."""
    late: int
    """How many of them are late."""


class TallyAnswer(Answer):
    """The open cases, counted three ways; one is late when a clock of it is."""

    open: int
    """How many are open."""
    late: int
    """How many of them are late."""
    stages: Mapping[Stage, int]
    """How many stand in each stage."""
    clocks: tuple[ClockTallyAnswer, ...]
    """By clock."""
    parties: Mapping[str, PartyTallyAnswer]
    """By the party that answers for them."""


class OpenedAnswer(Answer):
    """Where a report went."""

    case: int
    """The number of the case."""
    is_new: bool
    """Whether it was opened for this report; else the report joined one that was open."""


class FileAnswer(Answer):
    """A file that was taken as evidence; name it when feeding back."""

    sha256: str
    """What it is known by."""
    name: str
    """What it is called."""
    media_type: str
    """What it holds, read from its bytes."""
    kind: str
    """What it is as evidence: photo, document or record."""
    size_bytes: int
    """How large it is."""


class ClockRuleAnswer(Answer):
    """A clock that cases of a kind have."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    is_stated: bool
    """Whether each report states the deadline, in `due`."""


class KindAnswer(Answer):
    """A kind of case."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    severities: tuple[str, ...]
    """How grave its cases can be, from the mildest."""
    evidence: Mapping[str, int]
    """How many files of each kind closing needs."""
    clocks: tuple[ClockRuleAnswer, ...]
    """Its clocks."""


class Kinds(Answer):
    """The kinds of case that the city has."""

    items: tuple[KindAnswer, ...]
    """The kinds, by id."""


def lines(found: tuple[Case, ...]) -> tuple[CaseLine, ...]:
    """Return cases in short."""
    return tuple(CaseLine.about(case) for case in found)
