"""Rehearsal of staffing: past work done again by other people, in other hours, to other limits.

What was is history; everything else here is a simulation, and says so. Beside the staffing that is
asked for, the past one is simulated too: how far that lies from what was shows how far to trust.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from math import ceil

from shuzhi.act.cases.errors import CaseError
from shuzhi.act.cases.kind import CaseKind, Title
from shuzhi.act.cases.model import Spell
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.past import RoundClock, histories, parts_of, rounds
from shuzhi.act.cases.queueing import Waiting, finishes
from shuzhi.act.cases.spans import Span, TimeRules, runs_out
from shuzhi.act.cases.work import OfficeTime, Piece, efforts, pieces
from shuzhi.kernel.deadlines import if_known
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

SAYS = Title(
    zh="模拟推演：按历史到件与推得的用时排队计算，不是实际结果。",
    en="A simulation: past arrivals queue for handlers, with efforts read off the past; nothing "
    "of it has happened.",
)


@dataclass(frozen=True)
class Asked:
    """What is to be rehearsed; what is not said stays as it was.

    `handlers` are by party, `hours` of every working day, `limits` by severity from the dispatch.
    """

    handlers: Mapping[PartyId, int] = field(default_factory=dict)
    hours: tuple[tuple[time, time], ...] = ()
    limits: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class ClockLoad:
    """How many pieces stood under a handlers' clock of a kind, and how many came to be past it."""

    kind: str
    clock: str
    pieces: int
    late: int


@dataclass(frozen=True)
class Load:
    """How a party fares: pieces of work, finished and late ones, how many were open.

    `timed` pieces have a deadline; `late` are those of them that came to be past it, finished or
    not, and `clocks` tell them apart by clock. Hours are from arrival to feedback, nights included:
    `mean_hours` of what was finished, None where nothing was; within `p50_hours` and `p90_hours`
    half and nine tenths of all pieces were done, None where not so many were by the end.
    """

    handlers: int
    pieces: int
    finished: int
    timed: int
    late: int
    open_at_end: int
    most_open: int
    mean_hours: float | None
    p50_hours: float | None
    p90_hours: float | None
    clocks: tuple[ClockLoad, ...]


@dataclass(frozen=True)
class PartyRehearsal:
    """A party's load as it was, as the past staffing comes out in simulation, and as asked."""

    party: PartyId
    was: Load
    was_simulated: Load
    asked: Load


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found; `says` tells people that it is one.

    Of so many pieces the effort is `assumed`: they were not finished, or nobody took them.
    """

    since: Instant
    until: Instant
    says: Title
    assumed: int
    parties: tuple[PartyRehearsal, ...]


@dataclass(frozen=True)
class Job:
    """A piece of work with its kind and the clock that stood over it, if one did."""

    piece: Piece
    kind: str
    gravity: int
    limit: Span | None
    clock: RoundClock | None


def rehearse_staffing(office: Office, *, since: Instant, until: Instant, asked: Asked) -> Rehearsal:
    """Rehearse the work that arrived or was open from `since` to `until` with other staffing.

    Raises:
        CaseError: `act.nothing_to_rehearse` when no party had anything in hand; `act.hours_missing`
            when neither `asked` nor one and the same of the kinds says the working hours.
        RefusedError: `kernel.calendar_ends` when it reaches into an unknown year.
    """
    jobs = tuple(_jobs(office, since, until))
    kinds = [office.clocks(kind).kind for kind in sorted({job.kind for job in jobs})]
    if not any(job.piece.holds for job in jobs):
        raise CaseError(
            "act.nothing_to_rehearse",
            f"Nobody had work in hand from {since.isoformat()} to {until.isoformat()}.",
            next_step="Choose a time in which cases were dispatched and taken.",
        )
    past = TimeRules(office.calendar, office.zone, _hours(kinds, asked))
    return rehearse(jobs, asked, past, since=since, until=until)


def rehearse(
    jobs: Sequence[Job], asked: Asked, past: TimeRules, *, since: Instant, until: Instant
) -> Rehearsal:
    """Rehearse `jobs`; `past` is how time was counted when they were done. Pure."""
    start = min((job.piece.arrived_at for job in jobs), default=since)
    line = OfficeTime(past, start, until)
    cost = efforts([job.piece for job in jobs], line, until)
    then = OfficeTime(past, since, until)
    now = then
    if asked.hours:
        now = OfficeTime(replace(past, office_hours=asked.hours), since, until)
    by_party: dict[PartyId, list[tuple[Job, float]]] = {}
    for job, seconds in zip(jobs, cost.seconds, strict=True):
        by_party.setdefault(job.piece.party, []).append((job, seconds))
    return Rehearsal(
        since,
        until,
        SAYS,
        cost.assumed,
        tuple(_of_party(party, by_party[party], asked, then, now) for party in sorted(by_party)),
    )


def _of_party(
    party: PartyId,
    work: Sequence[tuple[Job, float]],
    asked: Asked,
    then: OfficeTime,
    now: OfficeTime,
) -> PartyRehearsal:
    jobs, until = [job for job, _ in work], then.end
    people = len({hold.person for job in jobs for hold in job.piece.holds})
    queue = [
        Waiting(max(job.piece.arrived_at, then.start), job.gravity, seconds)
        for job, seconds in work
    ]
    was = [job.piece.finished_at for job in jobs]
    was_late = [job.clock.is_late if job.piece.is_lead and job.clock else None for job in jobs]
    handlers = asked.handlers.get(party, people)
    old, new = finishes(queue, people, then), finishes(queue, handlers, now)
    return PartyRehearsal(
        party,
        _load(people, jobs, was, was_late, until),
        _load(people, jobs, old, _late(jobs, old, then, {}), until),
        _load(handlers, jobs, new, _late(jobs, new, now, asked.limits), until),
    )


def _late(
    jobs: Sequence[Job],
    ended: Sequence[Instant | None],
    line: OfficeTime,
    limits: Mapping[str, Span],
) -> list[bool | None]:
    """Return whether each piece comes to be past its deadline; None where it has none."""
    return [
        _is_late(job, at or line.end, line, limits) for job, at in zip(jobs, ended, strict=True)
    ]


def _is_late(job: Job, at: Instant, line: OfficeTime, limits: Mapping[str, Span]) -> bool | None:
    """Tell whether a lead's piece is past its deadline at `at`, if its clock never stood before."""
    if not job.piece.is_lead:
        return None
    limit = limits.get(job.piece.severity, job.limit)
    if limit is not None:
        due = if_known(lambda: runs_out(limit, [Spell(job.piece.arrived_at)], line.rules))
        # A deadline that the calendar does not reach lies beyond all that is rehearsed.
        return due is not None and at >= due
    if job.clock is None or job.clock.due_at is None:
        return None
    return at >= job.clock.due_at


def _load(
    handlers: int,
    jobs: Sequence[Job],
    ended: Sequence[Instant | None],
    late: Sequence[bool | None],
    until: Instant,
) -> Load:
    times = [
        (job.piece.arrived_at, at if at is not None and at <= until else None)
        for job, at in zip(jobs, ended, strict=True)
    ]
    took = sorted((at - arrived).total_seconds() for arrived, at in times if at is not None)
    return Load(
        handlers=handlers,
        pieces=len(jobs),
        finished=len(took),
        timed=sum(each is not None for each in late),
        late=late.count(True),
        open_at_end=len(jobs) - len(took),
        most_open=_most_open(times),
        mean_hours=_hours_of(sum(took) / len(took)) if took else None,
        p50_hours=_within(took, len(jobs), 0.5),
        p90_hours=_within(took, len(jobs), 0.9),
        clocks=tuple(_by_clock(jobs, late)),
    )


def _within(took: Sequence[float], pieces: int, share: float) -> float | None:
    place = ceil(share * pieces) - 1
    return _hours_of(took[place]) if place < len(took) else None


def _hours_of(seconds: float) -> float:
    return round(seconds / 3_600, 2)


def _by_clock(jobs: Sequence[Job], late: Sequence[bool | None]) -> Iterator[ClockLoad]:
    found: dict[tuple[str, str], list[bool]] = {}
    for job, is_late in zip(jobs, late, strict=True):
        if job.clock is not None and is_late is not None:
            found.setdefault((job.kind, job.clock.clock), []).append(is_late)
    for (kind, clock), those in sorted(found.items()):
        yield ClockLoad(kind, clock, len(those), sum(those))


def _most_open(times: Iterable[tuple[Instant, Instant | None]]) -> int:
    changes = list[tuple[Instant, int]]()
    for arrived, ended in times:
        changes.append((arrived, 1))
        changes += [(ended, -1)] if ended is not None else []
    most = count = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


def _jobs(office: Office, since: Instant, until: Instant) -> Iterator[Job]:
    for case, steps in histories(office, until, since=since):
        kind = office.clocks(case.kind).kind
        found = rounds(office, case, steps, until)
        for part, each in zip(parts_of(steps), found, strict=True):
            clock = next((c for c in each.clocks if c.is_handlers), None)
            for piece in pieces(case.id, each.number, each.severity, part):
                if piece.finished_at is None or piece.finished_at >= since:
                    yield _job(kind, piece, clock)


def _job(kind: CaseKind, piece: Piece, clock: RoundClock | None) -> Job:
    rule = None if clock is None else kind.clock(clock.clock)
    limits = None if rule is None else rule.limits
    known = kind.severities
    gravity = known.index(piece.severity) if piece.severity in known else len(known)
    limit = None if limits is None else limits.get(piece.severity, limits[known[-1]])
    return Job(piece, kind.id, gravity, limit, clock)


def _hours(kinds: Sequence[CaseKind], asked: Asked) -> tuple[tuple[time, time], ...]:
    stated = {kind.office_hours for kind in kinds}
    if len(stated) == 1 and (only := stated.pop()):
        return only
    if asked.hours:
        return asked.hours
    raise CaseError(
        "act.hours_missing",
        f"The kinds {', '.join(kind.id for kind in kinds)} do not say one and the same working "
        "hours.",
        next_step="Say the hours of the handlers, as 09:00-12:00 and 14:00-18:00.",
    )
