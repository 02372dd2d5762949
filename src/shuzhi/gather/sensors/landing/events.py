"""What the landing tells the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class ValueRevised:
    """A station sent another value for a key that had one; both are kept."""

    mn: str
    st: str
    cn: str
    data_time: Instant
    factor: str
    field: str
    revision: int
    before: str
    text: str
    record: int


@dataclass(frozen=True)
class ValuesRevised(Event):
    """Revisions that one landing found; a signal for review, which may be told twice after a crash.

    All of them stand in the lake, in `observations`, with a revision above 0.
    """

    revisions: tuple[ValueRevised, ...]
