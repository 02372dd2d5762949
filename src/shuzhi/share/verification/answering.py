"""From rows and tests to an answer: pure, and the same for one subject and for a million."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from shuzhi.share.access import Condition
from shuzhi.share.verification.comparing import ABSENT, NOT_CONFIRMED, Test
from shuzhi.share.verification.conditions import holds
from shuzhi.share.verification.model import Told, Verdict


class Holder(Protocol):
    """A row, as far as answers need it."""

    def held(self, column: str) -> Any:
        """Return the value of a column."""
        ...


class Found(NamedTuple):
    """What is true of a subject, before it is decided what is told."""

    told: Told
    verdicts: tuple[Verdict, ...]
    is_absent: bool = False

    def shown(self, *, tells_absent: bool) -> Found:
        """Return what is told: what is absent looks like what does not hold, unless agreed."""
        if tells_absent or self.told is Told.YES:
            return self
        told = Told.NO if self.is_absent else self.told
        return Found(told, tuple(map(_unconfirmed, self.verdicts)), self.is_absent)


def found_of(
    rows: Sequence[Holder], columns: Sequence[str], tests: Sequence[Test], where: Condition | None
) -> Found:
    """Return what holds of a subject's rows that the grant covers.

    Of several rows, the one of which most claims hold counts, the first of them.
    """
    best: Found | None = None
    for row in rows:
        if where is not None and not holds(where, row.held):
            continue
        judged = judged_of([test(row.held(c)) for c, test in zip(columns, tests, strict=True)])
        if best is None or score_of(judged) > score_of(best):
            best = judged
    return absent(len(tests)) if best is None else best


def judged_of(verdicts: Sequence[Verdict]) -> Found:
    """Return what is true over all claims: yes where all hold, no where none does."""
    told = verdicts[0].told
    for verdict in verdicts:
        if verdict.told is not told:
            return Found(Told.DIFFERS, tuple(verdicts))
    return Found(told, tuple(verdicts))


def score_of(found: Found) -> int:
    """Return how many claims hold."""
    return sum(verdict.told is Told.YES for verdict in found.verdicts)


def absent(claims: int) -> Found:
    """Return what is true of a subject that is not there."""
    return Found(Told.NO_SUCH_SUBJECT, (ABSENT,) * claims, is_absent=True)


def _unconfirmed(verdict: Verdict) -> Verdict:
    return verdict if verdict.told in (Told.YES, Told.DIFFERS) else NOT_CONFIRMED
