"""What handlers did, piece by piece: the work that rehearsals do again with other people.

Pure. How long a piece kept somebody busy is nowhere written; it is read off who had what in hand
at the same time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from itertools import accumulate

from shuzhi.act.cases.model import CaseId, Step, Verb
from shuzhi.act.cases.spans import TimeRules, office_spells
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Hold:
    """A time in which a person had a piece of work in hand."""

    person: str
    started_at: Instant
    ended_at: Instant | None


@dataclass(frozen=True)
class Piece:
    """A part of a case for one party, from its dispatch to its feedback in one round.

    `finished_at` is None while the party had not fed back. `holds` are times in somebody's hand;
    suspended times are in nobody's.
    """

    case_id: CaseId
    round: int
    party: PartyId
    is_lead: bool
    severity: str
    arrived_at: Instant
    finished_at: Instant | None = None
    holds: tuple[Hold, ...] = ()

    @property
    def hand(self) -> str | None:
        """Who has it in hand now."""
        is_held = self.holds and self.holds[-1].ended_at is None
        return self.holds[-1].person if is_held else None


@dataclass
class _Desk:
    """The pieces of one round while its steps go by."""

    open: dict[PartyId, Piece] = field(default_factory=dict)
    waiting: dict[PartyId, str] = field(default_factory=dict)


def pieces(case_id: CaseId, number: int, severity: str, part: Iterable[Step]) -> tuple[Piece, ...]:
    """Return what each party had to do in a round, whose steps are `part`.

    What was taken from a party, sent back, or merged into another case is left out.
    """
    desk = _Desk()
    for step in part:
        if step.verb is Verb.DISPATCH:
            _dispatched(desk, step, Piece(case_id, number, PartyId(""), False, severity, step.at))
        elif step.verb in _OF_ALL:
            _OF_ALL[step.verb](desk, step)
        elif step.party in desk.open:
            _worked(desk, step, step.party)
    return tuple(desk.open.values())


def _dispatched(desk: _Desk, step: Step, blank: Piece) -> None:
    orders = {PartyId(order["party"]): order["is_lead"] for order in step.facts["orders"]}
    done = {party: piece for party, piece in desk.open.items() if piece.finished_at}
    named = {
        party: replace(desk.open.get(party, replace(blank, party=party)), is_lead=is_lead)
        for party, is_lead in orders.items()
    }
    desk.open = {**done, **named}


def _worked(desk: _Desk, step: Step, party: PartyId) -> None:
    piece = desk.open[party]
    if step.verb is Verb.TAKE:
        desk.open[party] = _taken(piece, step.by, step.at)
    elif step.verb is Verb.FEED_BACK:
        desk.open[party] = replace(_put_down(piece, step.at), finished_at=step.at)
    elif step.verb is Verb.RETURN:
        del desk.open[party]


def _suspended(desk: _Desk, step: Step) -> None:
    desk.waiting = {p: piece.hand for p, piece in desk.open.items() if piece.hand}
    desk.open = {p: _put_down(piece, step.at) for p, piece in desk.open.items()}


def _resumed(desk: _Desk, step: Step) -> None:
    for party, person in desk.waiting.items():
        desk.open[party] = _taken(desk.open[party], person, step.at)


def _checked(desk: _Desk, step: Step) -> None:
    """Give the lead's piece back to who had it last, where the check failed."""
    if step.facts["is_good"]:
        return
    for party, piece in desk.open.items():
        if piece.is_lead and piece.holds:
            again = replace(piece, finished_at=None)
            desk.open[party] = _taken(again, piece.holds[-1].person, step.at)


def _merged(desk: _Desk, _step: Step) -> None:
    desk.open.clear()


_OF_ALL: Mapping[Verb, Callable[[_Desk, Step], None]] = {
    Verb.SUSPEND: _suspended,
    Verb.RESUME: _resumed,
    Verb.CHECK: _checked,
    Verb.MERGE: _merged,
}


def _taken(piece: Piece, person: str, at: Instant) -> Piece:
    return replace(piece, holds=(*_put_down(piece, at).holds, Hold(person, at, None)))


def _put_down(piece: Piece, at: Instant) -> Piece:
    if piece.hand is None:
        return piece
    *before, last = piece.holds
    return replace(piece, holds=(*before, replace(last, ended_at=at)))


@dataclass(frozen=True)
class OfficeTime:
    """The office hours that overlap `start` to `end`, as one line of seconds."""

    rules: TimeRules
    start: Instant
    end: Instant

    def until(self, at: Instant) -> float:
        """Return how many seconds of office time have passed at `at`."""
        place = bisect_right(self._opens, at) - 1
        if place < 0:
            return 0.0
        within = min(at, self._spells[place][1]) - self._opens[place]
        return self._before[place] + within.total_seconds()

    def at(self, seconds: float) -> Instant | None:
        """Return when so many seconds have passed; None where the line ends before."""
        if not self._spells or seconds > self._before[-1]:
            return None
        # What ends with an office hour ends then, not with the start of the next.
        place = max(bisect_left(self._before, seconds) - 1, 0)
        return Instant(self._opens[place] + timedelta(seconds=seconds - self._before[place]))

    @cached_property
    def _spells(self) -> tuple[tuple[Instant, Instant], ...]:
        return tuple(office_spells(self.start, self.end, self.rules))

    @cached_property
    def _opens(self) -> tuple[Instant, ...]:
        return tuple(opens for opens, _ in self._spells)

    @cached_property
    def _before(self) -> tuple[float, ...]:
        """The seconds before each office hour, and at the end of all."""
        lengths = ((closes - opens).total_seconds() for opens, closes in self._spells)
        return tuple(accumulate(lengths, initial=0.0))


@dataclass(frozen=True)
class Efforts:
    """The office seconds that each piece keeps somebody busy; so many of them are `assumed`."""

    seconds: tuple[float, ...]
    assumed: int


def efforts(done: Sequence[Piece], office: OfficeTime, until: Instant) -> Efforts:
    """Return what each piece cost its people, in the order of `done`.

    Whoever has several in hand shares the time among them, so that the efforts of a person's
    pieces sum up to the time in which there was one at all. A piece that was not finished, or
    that nobody took in office time, is assumed to be like the finished ones of its party and
    severity, else of its party, else of all.
    """
    shares = _shared_times(done, office, until)
    known = [
        bool(share) and p.finished_at is not None for p, share in zip(done, shares, strict=True)
    ]
    groups: dict[tuple[str, ...], list[float]] = {}
    for piece, share, is_known in zip(done, shares, known, strict=True):
        for group in _groups(piece) if is_known else ():
            groups.setdefault(group, []).append(share)
    means = {group: sum(of) / len(of) for group, of in groups.items()}
    seconds = tuple(
        share if is_known else next((means[g] for g in _groups(piece) if g in means), 0.0)
        for piece, share, is_known in zip(done, shares, known, strict=True)
    )
    return Efforts(seconds, known.count(False))


def _groups(piece: Piece) -> tuple[tuple[str, ...], ...]:
    return (piece.party, piece.severity), (piece.party,), ()


def _shared_times(done: Sequence[Piece], office: OfficeTime, until: Instant) -> list[float]:
    by_person: dict[tuple[str, str], list[tuple[float, int, int]]] = {}
    for place, piece in enumerate(done):
        for hold in piece.holds:
            marks = by_person.setdefault((piece.party, hold.person), [])
            marks.append((office.until(hold.started_at), 1, place))
            marks.append((office.until(min(hold.ended_at or until, until)), -1, place))
    shares = [0.0] * len(done)
    for marks in by_person.values():
        # A clock that goes slower the more there is in hand: what it shows between taking and
        # putting down is the share of one piece.
        shown, held, before = 0.0, 0, 0.0
        for at, change, place in sorted(marks):
            shown += (at - before) / held if held else 0.0
            shares[place] -= change * shown
            held, before = held + change, at
    return shares
