"""What `/doubts` answers: a doubt, what was done about it, who was told, what is reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shuzhi.share.correction import (
    DecisionKind,
    Doubt,
    Doubter,
    DoubtFile,
    DoubtState,
    Nearness,
    Review,
    Verb,
)
from shuzhi.share.correction import Listed as ListedDecision
from shuzhi.web.api.frame.answers import Answer, Listed


class DoubtAnswer(Answer):
    """A doubt."""

    id: int
    """Its number."""
    dataset: str
    """In which data set the value stands."""
    key: Mapping[str, str]
    """In which row: the columns of its key."""
    column: str
    """In which column."""
    seen: str | None
    """What the doubter saw; null for no value."""
    right: str | None
    """What the doubter holds to be right; null for no value."""
    evidence: str
    """What speaks for that."""
    documents: tuple[str, ...]
    """The hashes of papers that prove it, in hex."""
    receipt: int | None
    """The receipt of the delivery in which the value was seen."""
    doubter: Doubter
    """Who doubts it."""
    party: str
    """The doubter's party, or the one that filed it for them."""
    responsible: str
    """Who has to verify the value."""
    authority: str
    """Who settles what nobody answers for."""
    state: DoubtState
    """How it stands."""
    submitted_at: datetime
    """When it was handed in."""
    changed_at: datetime
    """When something was done last."""
    due_at: datetime | None
    """Until when it is to be answered; null when nothing runs, or while nobody can say."""
    why_undated: str | None
    """Why nobody can say, as a code: `kernel.calendar_ends` until the holiday notice is out."""
    is_late: bool
    """Whether it was not answered in time."""
    value: str | None
    """What the value is to be; null before somebody said so, and for no value."""
    is_accepted: bool
    """Whether whoever answers for the value said that it is wrong."""
    reason: str
    """Why it was kept, passed on or taken back."""
    version: int
    """How many steps it has: its ETag."""

    @classmethod
    def told(cls, doubt: Doubt) -> DoubtAnswer:
        """Return a doubt."""
        return cls.about(doubt, **_told(doubt))


class DoubtStepAnswer(Answer):
    """What was done about a doubt."""

    number: int
    """Which step, from 1."""
    verb: Verb
    """What was done."""
    at: datetime
    """When."""
    by: str
    """By whom."""
    party: str | None
    """For which party; null for clocks."""
    state: DoubtState
    """How it stood after it."""


class NoticeAnswer(Answer):
    """A receiver of the wrong value."""

    party: str
    """Who received it."""
    receipts: tuple[int, ...]
    """By which receipts."""
    told_at: datetime
    """When it was told of the correction."""
    acknowledged_at: datetime | None
    """When it said that it knows; null before that."""


class ReviewedAnswer(Answer):
    """A decision that may have used the wrong value."""

    kind: DecisionKind
    """What it is."""
    id: str
    """What it is known by, among those of its kind."""
    at: datetime
    """When it was made."""
    party: str | None
    """Who answers for it; null for the authority."""
    title: str
    """What it says."""
    nearness: Nearness
    """Whether it used the very row, or its data set at the time."""
    review: Review
    """What was found about it."""
    why: str
    """Why."""

    @classmethod
    def told(cls, listed: ListedDecision) -> ReviewedAnswer:
        """Return a decision on the list."""
        return cls.about(listed.decision, review=listed.review, why=listed.why)


class UsedAnswer(Answer):
    """Where the wrong value stood; what it was is told to nobody here."""

    first_version: int | None
    """The first version of the data set that held it; null where none that is left did."""
    last_version: int | None
    """The last one that held it."""
    new_version: int
    """The first one that holds the right value."""
    since: datetime | None
    """Since when it stood there."""
    until: datetime
    """Since when the right value does."""
    is_whole: bool
    """Whether no version that may have held it too was cleared from the lake."""


class DoubtFileAnswer(DoubtAnswer):
    """A doubt with its history, who was told, and what is to be reviewed."""

    used: UsedAnswer | None
    """Where the wrong value stood; null before the right one is there."""
    steps: tuple[DoubtStepAnswer, ...]
    """What was done, the oldest first."""
    notices: tuple[NoticeAnswer, ...]
    """Who received the wrong value."""
    decisions: tuple[ReviewedAnswer, ...]
    """What may have used it."""

    @classmethod
    def file(cls, file: DoubtFile) -> DoubtFileAnswer:
        """Return the whole file of a doubt."""
        return cls.about(
            file.doubt,
            **_told(file.doubt),
            used=None if file.doubt.used is None else UsedAnswer.about(file.doubt.used),
            steps=tuple(map(DoubtStepAnswer.about, file.steps)),
            notices=tuple(map(NoticeAnswer.about, file.notices)),
            decisions=tuple(map(ReviewedAnswer.told, file.listed)),
        )


class Doubts(Listed):
    """A page of doubts, the newest first."""

    items: tuple[DoubtAnswer, ...]
    """The doubts."""


def _told(doubt: Doubt) -> dict[str, Any]:
    what, run = doubt.what, doubt.runs[-1] if doubt.runs else None
    names = ("dataset", "column", "seen", "right", "evidence", "documents", "receipt")
    return {
        **{name: getattr(what, name) for name in names},
        "key": dict(what.key),
        "due_at": run.due_at if run is not None and run.is_live else None,
        "why_undated": None if run is None else run.why_undated,
        "is_late": run is not None and run.broken_at is not None,
    }
