"""A kind of case: which steps its life has, who may do them, its clocks, and what closing needs.

The life cycle itself is fixed here; a kind chooses from it and cannot add a way around the check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cached_property

from shuzhi.act.cases.model import CaseRole, Stage, Verb
from shuzhi.act.cases.spans import Span

_WORKING = frozenset(
    {Stage.VERIFIED, Stage.FILED, Stage.DISPATCHED, Stage.IN_HAND, Stage.RETURNED, Stage.REOPENED}
)
# Where each verb may start from at all; a kind allows some of these.
STARTS: Mapping[Verb, frozenset[Stage]] = {
    Verb.VERIFY: frozenset({Stage.NEW, Stage.REOPENED}),
    Verb.FILE: frozenset({Stage.NEW, Stage.VERIFIED, Stage.REOPENED}),
    Verb.DISPATCH: _WORKING | {Stage.NEW},
    Verb.TAKE: frozenset({Stage.DISPATCHED, Stage.IN_HAND}),
    Verb.FEED_BACK: _WORKING - {Stage.RETURNED} | {Stage.NEW},
    Verb.RETURN: frozenset({Stage.DISPATCHED, Stage.IN_HAND}),
    Verb.SUSPEND: _WORKING,
    Verb.RESUME: frozenset({Stage.SUSPENDED}),
    Verb.CHECK: frozenset({Stage.FED_BACK}),
    Verb.CLOSE: frozenset({Stage.CHECKED}),
    Verb.RATE: frozenset({Stage.CLOSED}),
    Verb.REOPEN: frozenset({Stage.CLOSED, Stage.RATED}),
    # Not once work was handed in: what was done is checked where it was done.
    Verb.MERGE: _WORKING | {Stage.NEW},
}
# Where each verb leads; SUSPENDED and a failed check also lead back to where the case was.
ENDS: Mapping[Verb, Stage] = {
    Verb.VERIFY: Stage.VERIFIED,
    Verb.FILE: Stage.FILED,
    Verb.DISPATCH: Stage.DISPATCHED,
    Verb.TAKE: Stage.IN_HAND,
    Verb.FEED_BACK: Stage.FED_BACK,
    Verb.RETURN: Stage.RETURNED,
    Verb.SUSPEND: Stage.SUSPENDED,
    Verb.CHECK: Stage.CHECKED,
    Verb.CLOSE: Stage.CLOSED,
    Verb.RATE: Stage.RATED,
    Verb.REOPEN: Stage.REOPENED,
    Verb.MERGE: Stage.CLOSED,
}


@dataclass(frozen=True)
class Title:
    """What people read, in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True)
class Way:
    """A verb that a kind allows from some stages to some roles."""

    verb: Verb
    starts: frozenset[Stage]
    roles: frozenset[CaseRole]


@dataclass(frozen=True)
class ClockRule:
    """A clock that runs while a case stands in one of the stages `over`.

    `limits` are by severity, or None where each case states its own deadline when it is opened.
    `answers` is who is late when it breaks: the desk, or the party that handles the case.
    After each `escalate_every` of lateness the case goes one level higher.
    """

    id: str
    title: Title
    over: frozenset[Stage]
    answers: CaseRole
    limits: Mapping[str, Span] | None
    escalate_every: Span | None = None
    legal_basis: str | None = None


@dataclass(frozen=True)
class CaseKind:
    """A kind of case, as a pack declares it; `severities` go from the mildest to the gravest."""

    id: str
    title: Title
    severities: tuple[str, ...]
    ways: tuple[Way, ...]
    clocks: tuple[ClockRule, ...]
    evidence: Mapping[str, int]
    office_hours: tuple[tuple[time, time], ...] = ()

    def ways_from(self, stage: Stage) -> Iterator[Way]:
        """Yield what is possible in `stage`."""
        return (way for way in self.ways if stage in way.starts)

    def clock(self, clock_id: str) -> ClockRule | None:
        """Return the clock with that id, if the kind has it."""
        return self._clocks.get(clock_id)

    @cached_property
    def _clocks(self) -> dict[str, ClockRule]:
        return {clock.id: clock for clock in self.clocks}


def leads_to(way: Way) -> frozenset[Stage]:
    """Return the stages to which `way` leads for the first time."""
    # Resuming, and a failed check, go back to where the case has been already.
    return frozenset({ENDS[way.verb]} if way.verb in ENDS else ())
