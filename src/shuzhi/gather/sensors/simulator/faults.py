"""Faults and frauds by script: what each does to a value, its mark, or the frames.

They are made so that rules have something to find; each names the clue that should find it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.spans import parse_span


class FaultKind(StrEnum):
    """What goes wrong, or is made to."""

    EXCEEDANCE = "exceedance"
    FLAT_LINE = "flat_line"
    TOO_QUIET = "too_quiet"
    CLIPPED = "clipped"
    JUMP = "jump"
    DISORDER = "disorder"
    NOT_RECOMPUTED = "not_recomputed"
    IMPOSSIBLE = "impossible"
    DETACHED = "detached"
    MARK_ABUSE = "mark_abuse"
    PARAMETER = "parameter"
    COPY = "copy"
    DIGITS = "digits"
    CLOCK = "clock"
    REVISION = "revision"
    OFFLINE = "offline"
    MISSING_FACTOR = "missing_factor"
    RANGE = "range"


@dataclass(frozen=True)
class Fault:
    """A fault of the monitor numbered `monitor` from `begins` to before `ends`.

    `factor` of None means all of them; `amount` is the strength in the kind's own measure: times
    the value, share of the limit, minutes of the clock.
    """

    kind: FaultKind
    monitor: int
    begins: Instant
    ends: Instant
    factor: str | None = None
    amount: float = 2.0

    def holds(self, factor: str | None, at: Instant) -> bool:
        """Return whether it is at work on a factor at a moment; on any with None."""
        is_meant = self.factor is None or factor is None or factor == self.factor
        return is_meant and self.begins <= at < self.ends


class _FaultShape(StrictModel):
    kind: FaultKind
    monitor: int = Field(ge=0)
    after: str | None = None
    lasts: str
    factor: str | None = None
    amount: float = 2.0


class _ScriptShape(StrictModel):
    faults: tuple[_FaultShape, ...]


def read_script(path: Path, starts: Instant) -> tuple[Fault, ...]:
    """Return the faults of the script at `path`, whose times count from `starts`.

    Raises:
        DocumentError: `gather.bad_fault_script`; RefusedError `kernel.bad_span`.
    """
    read = shape(read_document(path), _ScriptShape, code="gather.bad_fault_script")
    return tuple(_fault(each, starts) for each in read.faults)


def _fault(read: _FaultShape, starts: Instant) -> Fault:
    after = timedelta() if read.after is None else parse_span(read.after)
    begins = Instant(starts + after)
    ends = Instant(begins + parse_span(read.lasts))
    return Fault(read.kind, read.monitor, begins, ends, read.factor, read.amount)
