"""What looks like fishing: guessing at one subject, ids in a row, and claims that mostly fail.

Memory is bounded: windows of the newest questions for each agreement, and for each subject that
claims failed about, how many different ones.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar

from shuzhi.kernel.instant import Instant
from shuzhi.share.verification.declared import Action, Limits
from shuzhi.share.verification.parts import Key

_MOST_SUBJECTS = 200_000
_MOST_AGREEMENTS = 5_000
_OTHERS = re.compile(r"\D+")
_STEPS = (1, 2)
# From so many digits on, as in id numbers (GB 11643) and credit codes, the last sign may only check
# the others; in shorter numbers, those without it would all lie beside each other.
_LONG = 15


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

    def holds_back(self, subject: Key) -> bool:
        """Whether nothing is told of a subject because of this."""
        if self.subject is None:
            return self.action is Action.SUSPEND
        return self.action is not Action.WARN and self.subject == subject


class Seen(NamedTuple):
    """One question as the watch sees it; `claims` is a hash of what was claimed."""

    agreement: int
    asker: str
    id: str
    subject: Key
    claims: int
    is_absent: bool
    has_failed: bool


@dataclass
class _Window:
    """The newest questions of an agreement."""

    flags: deque[tuple[bool, bool, bool]] = field(default_factory=deque)
    numbers: deque[tuple[int, ...]] = field(default_factory=deque)
    near: dict[int, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, seen: Seen, size: int) -> None:
        numbers = _numbers(seen.id)
        near = self.near
        is_near = False
        for n in numbers:
            for step in _STEPS:
                is_near = is_near or n + step in near or n - step in near
        self._push((seen.is_absent, seen.has_failed, is_near), numbers)
        while len(self.flags) > size:
            self._drop()

    def _push(self, flags: tuple[bool, bool, bool], numbers: tuple[int, ...]) -> None:
        self.flags.append(flags)
        self.numbers.append(numbers)
        if any(flags):
            self._count(flags, 1)
        for number in numbers:
            self.near[number] = self.near.get(number, 0) + 1

    def _drop(self) -> None:
        if any(flags := self.flags.popleft()):
            self._count(flags, -1)
        for number in self.numbers.popleft():
            self.near[number] -= 1
            if not self.near[number]:
                del self.near[number]

    def _count(self, flags: tuple[bool, bool, bool], step: int) -> None:
        for i, flag in enumerate(flags):
            self.counts[i] += step * flag


class Watch:
    """Looks on while questions are answered."""

    def __init__(self, *, most_subjects: int = _MOST_SUBJECTS) -> None:
        self._most_subjects = most_subjects
        self._windows: OrderedDict[int, _Window] = OrderedDict()
        self._guesses: OrderedDict[tuple[int, Key], tuple[Instant, set[int]]] = OrderedDict()
        self._told: OrderedDict[tuple[int, Kind, Key | None], Instant] = OrderedDict()

    def note(self, seen: Seen, limits: Limits, now: Instant) -> tuple[Suspicion, ...]:
        """Take one question in; return what is suspicious about it and was not told lately."""
        found = [*self._guessing(seen, limits, now), *self._shares(seen, limits, now)]
        return tuple(s for s in found if self._is_news(s))

    def forget(self, agreement: int) -> None:
        """Begin anew with an agreement, as when what was found is lifted."""
        self._windows.pop(agreement, None)
        for guess in [key for key in self._guesses if key[0] == agreement]:
            del self._guesses[guess]
        for told in [key for key in self._told if key[0] == agreement]:
            del self._told[told]

    def _guessing(self, seen: Seen, limits: Limits, now: Instant) -> list[Suspicion]:
        rule = limits.guessing
        if rule is None or not seen.has_failed:
            return []
        name = (seen.agreement, seen.subject)
        since, tried = self._guesses.get(name, (now, set()))
        if now - since > timedelta(hours=rule.hours):
            since, tried = now, set()
        # So many are kept that the threshold can be seen to be passed, and no more.
        if len(tried) <= rule.tries:
            tried.add(seen.claims)
        _remember(self._guesses, name, (since, tried), self._most_subjects)
        if len(tried) < rule.tries:
            return []
        measured = f"{len(tried)} claims"
        return [self._suspicion(seen, Kind.GUESSING, rule.action, limits, now, measured)]

    def _shares(self, seen: Seen, limits: Limits, now: Instant) -> list[Suspicion]:
        size = limits.window
        if size is None:
            return []
        window = self._windows.get(seen.agreement) or _Window()
        window.add(seen, size.questions)
        _remember(self._windows, seen.agreement, window, _MOST_AGREEMENTS)
        asked = len(window.flags)
        if asked < size.at_least or not any(window.counts):
            return []
        rules = (limits.absence, limits.misses, limits.enumeration)
        kinds = (Kind.ABSENCE, Kind.MISSES, Kind.ENUMERATION)
        return [
            self._suspicion(seen, kind, rule.action, limits, now, f"{count} of {asked}")
            for kind, rule, count in zip(kinds, rules, window.counts, strict=True)
            if rule is not None and count >= rule.share * asked
        ]

    def _suspicion(
        self, seen: Seen, kind: Kind, action: Action, limits: Limits, now: Instant, measured: str
    ) -> Suspicion:
        subject = seen.subject if kind is Kind.GUESSING else None
        until = until_of(limits, now)
        return Suspicion(seen.agreement, seen.asker, kind, action, now, until, measured, subject)

    def _is_news(self, found: Suspicion) -> bool:
        name = (found.agreement, found.kind, found.subject)
        told_until = self._told.get(name)
        if told_until is not None and found.at < told_until:
            return False
        _remember(self._told, name, found.until, self._most_subjects)
        return True


def until_of(limits: Limits, now: Instant) -> Instant:
    """Return until when what is done now lasts."""
    return Instant(now + timedelta(hours=limits.hold_hours or 0))


_Name = TypeVar("_Name")
_Kept = TypeVar("_Kept")


def _remember(kept: OrderedDict[_Name, _Kept], name: _Name, value: _Kept, most: int) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > most:
        kept.popitem(last=False)


def _numbers(subject: str) -> tuple[int, ...]:
    """Return an id as numbers that may lie side by side: whole, and without its check sign."""
    digits = _OTHERS.sub("", subject)
    if len(digits) < _LONG:
        return (int(digits),) if digits else ()
    unchecked = digits[:-1] if subject[-1].isdecimal() else digits
    whole, first = int(digits[-18:]), int(unchecked[-17:])
    return (whole,) if first == whole else (whole, first)
