"""What looks like fishing: guessing at one subject, ids in a row, and claims that mostly fail.

All of it is values: who keeps them, and counts for all processes of a city, is the ledger's.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from struct import Struct
from typing import NamedTuple

from shuzhi.kernel.instant import Instant
from shuzhi.share.verification.declared import Action, Guessing, Limits
from shuzhi.share.verification.parts import Key

_OTHERS = re.compile(r"\D+")
_STEPS = (1, 2)
# From so many digits on, as in id numbers (GB 11643) and credit codes, the last sign may only check
# the others; in shorter numbers, those without it would all lie beside each other.
_LONG = 15
# Which flags are set and how many numbers follow; a number has 18 digits at most.
_PACKED = Struct(">BQQ")


class Kind(StrEnum):
    """What was noticed."""

    GUESSING = "guessing"
    ENUMERATION = "enumeration"
    ABSENCE = "absence"
    MISSES = "misses"
    VOLUME = "volume"


@dataclass(frozen=True)
class Suspicion:
    """What was noticed, what is done about it, and until when.

    `subject` is the hash of the one subject that it is about; None where it is about all.
    """

    agreement: int
    asker: str
    kind: Kind
    action: Action
    at: Instant
    until: Instant
    measured: str
    subject: Key | None = None


class HeldBack:
    """What is held back because of what was noticed."""

    def __init__(self, noticed: Iterable[Suspicion] = ()) -> None:
        self.suspended: Kind | None = None
        self.is_slowed = False
        self._subjects: set[Key] = set()
        self._noticed: set[tuple[Kind, Key | None]] = set()
        for each in noticed:
            self.heed(each)

    def knows(self, kind: Kind, subject: Key | None) -> bool:
        """Whether something was noticed already."""
        return (kind, subject) in self._noticed

    def heed(self, noticed: Suspicion) -> None:
        """Let count what was noticed."""
        self._noticed.add((noticed.kind, noticed.subject))
        if noticed.action is Action.WARN:
            return
        if noticed.subject is not None:
            self._subjects.add(noticed.subject)
        elif noticed.action is Action.SUSPEND:
            self.suspended = self.suspended or noticed.kind
        else:
            self.is_slowed = True

    def why(self, subject: Key) -> Kind | None:
        """Return why nothing is told of a subject; None where something is."""
        return Kind.GUESSING if subject in self._subjects else self.suspended


class Seen(NamedTuple):
    """One question as it is watched; `claims` is a keyed hash of what failed, empty if all held."""

    asker: str
    subject: Key
    numbers: tuple[int, ...]
    claims: str
    is_absent: bool

    @property
    def has_failed(self) -> bool:
        """Whether not all that was claimed holds."""
        return bool(self.claims)


class Noted(NamedTuple):
    """What a window keeps of a question: absent, failed, near another; and the id as numbers."""

    flags: tuple[bool, bool, bool]
    numbers: tuple[int, ...]


class Share(NamedTuple):
    """What is suspicious about the newest questions."""

    kind: Kind
    action: Action
    measured: str


@dataclass
class Window:
    """The newest questions of an agreement."""

    noted: deque[Noted] = field(default_factory=deque)
    near: dict[int, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, seen: Seen, size: int) -> Noted:
        """Take in a question, so that `size` are kept; return what is kept of it."""
        near, is_near = self.near, False
        for n in seen.numbers:
            for step in _STEPS:
                is_near = is_near or n + step in near or n - step in near
        noted = Noted((seen.is_absent, seen.has_failed, is_near), seen.numbers)
        self.push(noted, size)
        return noted

    def push(self, noted: Noted, size: int) -> None:
        """Take in what was kept of a question."""
        self.noted.append(noted)
        if any(noted.flags):
            self._count(noted.flags, 1)
        for number in noted.numbers:
            self.near[number] = self.near.get(number, 0) + 1
        while len(self.noted) > size:
            self._drop()

    def shares(self, limits: Limits) -> list[Share]:
        """Return what is suspicious about the questions that are kept."""
        asked = len(self.noted)
        if limits.window is None or asked < limits.window.at_least or not any(self.counts):
            return []
        rules = (limits.absence, limits.misses, limits.enumeration)
        kinds = (Kind.ABSENCE, Kind.MISSES, Kind.ENUMERATION)
        return [
            Share(kind, rule.action, f"{count} of {asked}")
            for kind, rule, count in zip(kinds, rules, self.counts, strict=True)
            if rule is not None and count >= rule.share * asked
        ]

    def _drop(self) -> None:
        flags, numbers = self.noted.popleft()
        if any(flags):
            self._count(flags, -1)
        for number in numbers:
            self.near[number] -= 1
            if not self.near[number]:
                del self.near[number]

    def _count(self, flags: tuple[bool, bool, bool], step: int) -> None:
        for i, flag in enumerate(flags):
            self.counts[i] += step * flag


class Guesses(NamedTuple):
    """Different claims about one subject that failed since a moment, as keyed hashes."""

    since: Instant
    tried: tuple[str, ...] = ()

    def plus(self, claims: str, rule: Guessing, now: Instant) -> Guesses:
        """Return the guesses with one more; those from too long ago do not count any more."""
        if now - self.since > timedelta(hours=rule.hours):
            return Guesses(now, (claims,))
        # So many are kept that the threshold can be seen to be passed, and no more.
        if claims in self.tried or len(self.tried) > rule.tries:
            return self
        return Guesses(self.since, (*self.tried, claims))


def packed(noted: Iterable[Noted]) -> bytes:
    """Return what is kept of questions as bytes."""
    return b"".join(_pack(each) for each in noted)


def unpacked(content: bytes) -> Iterator[Noted]:
    """Yield what `packed` was given."""
    for told, first, second in _PACKED.iter_unpack(content):
        flags = (bool(told & 1), bool(told & 2), bool(told & 4))
        yield Noted(flags, (first, second)[: told >> 3])


def _pack(noted: Noted) -> bytes:
    (absent, failed, near), numbers = noted
    told = absent | failed << 1 | near << 2 | len(numbers) << 3
    return _PACKED.pack(told, *numbers, *(0,) * (2 - len(numbers)))


def until_of(limits: Limits, now: Instant) -> Instant:
    """Return until when what is done now lasts."""
    return Instant(now + timedelta(hours=limits.hold_hours or 0))


def numbers_of(subject: str) -> tuple[int, ...]:
    """Return an id as numbers that may lie side by side: whole, and without its check sign."""
    digits = _OTHERS.sub("", subject)
    if len(digits) < _LONG:
        return (int(digits),) if digits else ()
    unchecked = digits[:-1] if subject[-1].isdecimal() else digits
    whole, first = int(digits[-18:]), int(unchecked[-17:])
    return (whole,) if first == whole else (whole, first)
