"""Clocks of sharing that ran out against somebody, and all that were to be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import (
    Agreement,
    Application,
    Clock,
    ClockRun,
    SharingOffice,
    agreements,
    applications,
)
from shuzhi.share.correction import CorrectionOffice, Doubt, doubts
from shuzhi.share.duties.model import Seen

Matter = Agreement | Application | Doubt
_M = TypeVar("_M", Agreement, Application, Doubt)
_PAGE = 500
# What these stand for is owed by a party; the others only remind, or end what was agreed.
_OWED = frozenset(
    {
        Clock.ASSIGNMENT,
        Clock.ANSWER,
        Clock.MEDIATION,
        Clock.DECISION,
        Clock.PROVISION,
        Clock.DISPOSAL,
    }
)


@dataclass(frozen=True)
class ClockFact:
    """One deadline of sharing that fell due: `name` is its own for good."""

    name: str
    party: PartyId
    subject: str
    due_at: Instant
    ended_at: Instant | None
    is_late: bool


def late(office: SharingOffice, clock: Clock) -> Iterator[Seen]:
    """Yield every run of a clock of applications and agreements that ran out."""
    matters: tuple[Iterable[Matter], ...] = (_applications(office), _agreements(office))
    for matter in (m for some in matters for m in some):
        yield from _late(matter, (run for run in matter.runs if run.clock is clock))


def late_doubts(office: CorrectionOffice) -> Iterator[Seen]:
    """Yield every clock of a doubt about a value that ran out."""
    for doubt in _doubts(office):
        yield from _late(doubt, doubt.runs)


def clock_facts(
    sharing: SharingOffice, corrections: CorrectionOffice, since: Instant, until: Instant
) -> Iterator[ClockFact]:
    """Yield every deadline of sharing that fell due from `since` until before `until`.

    As things stood at `until`: what was done after it had not been done then.
    """
    matters: tuple[Iterable[Matter], ...] = (
        _applications(sharing),
        _agreements(sharing),
        _doubts(corrections),
    )
    for matter in (m for some in matters for m in some):
        for run in matter.runs:
            if run.clock in _OWED and run.due_at is not None and since <= run.due_at < until:
                yield _fact(matter, run, run.due_at, until)


def _fact(matter: Matter, run: ClockRun, due_at: Instant, until: Instant) -> ClockFact:
    ended = run.ended_at if run.ended_at is not None and run.ended_at < until else None
    is_late = ended is None or ended > due_at
    name = f"{_name(matter)}:{run.clock.value}:{run.started_at.isoformat()}"
    return ClockFact(name, run.party, f"sharing.{run.clock.value}", due_at, ended, is_late)


def _late(matter: Matter, runs: Iterable[ClockRun]) -> Iterator[Seen]:
    for run in runs:
        if run.due_at is not None and _is_late(run):
            facts = {"clock": run.clock.value, "due_at": run.due_at.isoformat()}
            if run.term is not None:
                facts |= {"basis": run.term.legal_basis, "verified": str(run.term.is_verified)}
            yield Seen(run.party, _name(matter), run.due_at, run.ended_at, facts)


def _is_late(run: ClockRun) -> bool:
    """Whether a run ran out: noted as broken, or ended by what happens when it does."""
    if run.broken_at is not None:
        return True
    return run.ended_at is not None and run.due_at is not None and run.ended_at >= run.due_at


def _name(matter: Matter) -> str:
    return f"{type(matter).__name__.lower()}:{matter.id}"


def _applications(office: SharingOffice) -> Iterator[Application]:
    yield from _all(lambda before: applications(office, before=before, limit=_PAGE))


def _agreements(office: SharingOffice) -> Iterator[Agreement]:
    yield from _all(lambda before: agreements(office, before=before, limit=_PAGE))


def _doubts(office: CorrectionOffice) -> Iterator[Doubt]:
    yield from _all(lambda before: doubts(office, before=before, limit=_PAGE))


def _all(page: Callable[[int | None], tuple[_M, ...]]) -> Iterator[_M]:
    before: int | None = None
    while found := page(before):
        yield from found
        before = int(found[-1].id)
