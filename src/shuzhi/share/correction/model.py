"""The words of correction: who doubts which value, what became of it, whom it concerned.

Every value is frozen; a doubt is what its steps say, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import ClockRun

DoubtId = NewType("DoubtId", int)


class Doubter(StrEnum):
    """Who doubts a value: a department, or a citizen or company, for whom somebody files it."""

    PARTY = "party"
    CITIZEN = "citizen"
    COMPANY = "company"


class DoubtState(StrEnum):
    """Where a doubt stands."""

    CHECKING = "checking"  # 待核实: whoever answers for the value verifies it
    CORRECTING = "correcting"  # 待更正: it is wrong, and the lake does not hold the right one yet
    RECALLING = "recalling"  # 已更正: receivers and decisions are gone through
    KEPT = "kept"  # 维持: it is right
    CLOSED = "closed"  # 办结
    WITHDRAWN = "withdrawn"  # 撤回


ENDED = frozenset({DoubtState.KEPT, DoubtState.CLOSED, DoubtState.WITHDRAWN})
# The value is in doubt until it was verified; nobody is served any later for that.
IN_DOUBT = frozenset({DoubtState.CHECKING, DoubtState.CORRECTING})


class Verb(StrEnum):
    """What is done about a doubt; those of the last two lines by the platform alone."""

    SUBMIT = "submit"
    REFER = "refer"
    KEEP = "keep"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"
    REVIEW = "review"
    HOLD = "hold"  # the lake holds the right value
    CLOSE = "close"
    REOPEN = "reopen"  # the wrong value left once more
    BREAK_CLOCK = "break_clock"
    DATE_CLOCK = "date_clock"


# What happens while people look, and does not make them wrong.
UNTOUCHING = frozenset({Verb.BREAK_CLOCK, Verb.DATE_CLOCK})


@dataclass(frozen=True)
class Doubted:
    """What is doubted: one column of one row, told by its key, values as texts.

    `seen` is what the doubter saw and `right` what they hold to be right; None is no value.
    `documents` are the SHA-256 (hex) of papers that prove it; `receipt` is that of the delivery
    in which the value was seen.
    """

    dataset: str
    key: tuple[tuple[str, str], ...]
    column: str
    seen: str | None
    right: str | None
    evidence: str = ""
    documents: tuple[str, ...] = ()
    receipt: int | None = None


@dataclass(frozen=True)
class Used:
    """Which versions of a data set held the wrong value, and from when until when.

    Those after the doubt that held yet another wrong value are among them. `old` is the value that
    was wrong (None: no value; `was_there` is False where the row was missing). The right one is
    there from `new_version` on, since `until`. `is_whole` is False when versions that may have held
    the wrong value too were cleared from the lake. With `first_version` None no version that is
    left held another value.
    """

    dataset: str
    key: tuple[tuple[str, str], ...]
    column: str
    new_version: int
    until: Instant
    old: str | None = None
    was_there: bool = False
    first_version: int | None = None
    last_version: int | None = None
    since: Instant | None = None
    is_whole: bool = True


@dataclass(frozen=True)
class Doubt:
    """One doubt; `version` counts its steps. `responsible` is who has to verify the value.

    `party` is the doubter's department, of a citizen or company the one that filed it for them.
    `value` is what the value is to be, as whoever answers for it says; None before that, or for no
    value (`is_accepted` tells). `doubted_version` is the newest version of the data set at the
    time of the doubt, None where nobody noted it.
    """

    id: DoubtId
    what: Doubted
    doubter: Doubter
    by: str
    party: PartyId
    responsible: PartyId
    authority: PartyId
    state: DoubtState
    submitted_at: Instant
    changed_at: Instant
    value: str | None = None
    is_accepted: bool = False
    reason: str = ""
    used: Used | None = None
    runs: tuple[ClockRun, ...] = ()
    version: int = 1
    doubted_version: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.state not in ENDED


@dataclass(frozen=True)
class Step:
    """One line of a doubt's history, and the state after it; `origin` is never taken twice."""

    doubt: int
    number: int
    verb: Verb
    at: Instant
    by: str
    party: PartyId | None
    state: DoubtState
    facts: dict[str, Any] = field(default_factory=dict)
    origin: str | None = None


class DecisionKind(StrEnum):
    """What may rest on a value."""

    WARNING = "warning"
    CASE = "case"
    INDICATOR = "indicator"
    VERIFICATION = "verification"
    DELIVERY = "delivery"


class Nearness(StrEnum):
    """How sure it is that a decision used the value: its very row, or its data set at the time."""

    ROW = "row"
    DATASET = "dataset"


class Review(StrEnum):
    """What was found about a decision that used a wrong value."""

    OPEN = "open"
    KEPT = "kept"
    CHANGED = "changed"


@dataclass(frozen=True)
class Decision:
    """A decision that used the old value. `id` is unique among those of its kind.

    `party` is who answers for the decision, None where nobody is named: then the authority.
    `dataset` and `version` are those that it was made from, where they are known.
    """

    kind: DecisionKind
    id: str
    at: Instant
    party: PartyId | None
    title: str
    dataset: str
    version: int | None
    nearness: Nearness


@dataclass(frozen=True)
class Listed:
    """A decision on the list of a doubt, and what was found about it."""

    decision: Decision
    review: Review = Review.OPEN
    reviewed_at: Instant | None = None
    by: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Notice:
    """What a receiver of the wrong value is told: by which receipts it went there."""

    doubt: DoubtId
    party: PartyId
    receipts: tuple[int, ...]
    told_at: Instant
    acknowledged_at: Instant | None = None
    by: str | None = None
