"""What is told of pairs of records: who waits, what was said, and how a pair was judged."""

from __future__ import annotations

from datetime import datetime

from shuzhi.share.linkage import Decision, Place, Precision, Verdict, Waiting, Waterfall
from shuzhi.web.api.frame.answers import Answer, Listed, Title


class RecordAnswer(Answer):
    """A row of a data set, by its key."""

    dataset: str
    """Of which data set."""
    key: str
    """Its key, as text."""


class VerdictAnswer(Answer):
    """What somebody who looked at a pair said."""

    verdict: Verdict
    """What it is."""
    by: str
    """Who said so."""
    at: datetime
    """When."""
    reason: str
    """Why."""


class DecidedAnswer(VerdictAnswer):
    """What was said of a pair; later runs keep to it, unless somebody else disagrees."""

    one: RecordAnswer
    """The lesser of the two records."""
    other: RecordAnswer
    """The other."""

    @classmethod
    def told(cls, decision: Decision) -> DecidedAnswer:
        """Return a decision."""
        return cls.about(decision, one=decision.left, other=decision.right)


class WaitingAnswer(Answer):
    """A pair that somebody should look at."""

    one: RecordAnswer
    """The lesser of the two records."""
    other: RecordAnswer
    """The other."""
    probability: float
    """How likely they are of one subject."""
    weight: float
    """The match weight: the logarithm (to base 2) of the odds."""
    place: Place
    """What became of it in the newest run."""
    is_disputed: bool
    """Whether two people disagree about it."""
    decisions: tuple[VerdictAnswer, ...]
    """What was said of it so far."""

    @classmethod
    def told(cls, waiting: Waiting) -> WaitingAnswer:
        """Return a pair that waits."""
        pair = waiting.placed.pair
        return cls.about(
            waiting,
            one=pair.left,
            other=pair.right,
            probability=pair.probability,
            weight=pair.weight,
            place=waiting.placed.place,
        )


class WaitingPairs(Listed):
    """A page of pairs, those of which a word tells the most first."""

    items: tuple[WaitingAnswer, ...]
    """The pairs."""


class PrecisionAnswer(Answer):
    """How right the links are, by a random sample of them."""

    links: int
    """How many links there are."""
    sampled: int
    """How many were drawn."""
    same: int
    """How many of those are right."""
    different: int
    """How many are wrong."""
    untold: int
    """Of how many nobody could tell, or two people disagree."""
    share: float | None
    """The share that is right, of those that were told; null before the first."""
    low: float | None
    """The least that it is, with 95 % confidence (Wilson)."""
    high: float | None
    """The most that it is, with 95 % confidence."""


class SampleAnswer(Answer):
    """A random sample of the links."""

    precision: PrecisionAnswer
    """How right they are, as far as people have said."""
    items: tuple[WaitingAnswer, ...]
    """Those that nobody has looked at yet."""

    @classmethod
    def told(cls, precision: Precision, waiting: tuple[Waiting, ...]) -> SampleAnswer:
        """Return a sample."""
        items = tuple(map(WaitingAnswer.told, waiting))
        return cls(precision=PrecisionAnswer.about(precision), items=items)


class BarAnswer(Answer):
    """What one part adds."""

    part: str
    """Which part."""
    title: Title
    """What its form is called."""
    finding: Title
    """How the two values compare; the values are not told."""
    weight: float
    """What it adds to the match weight."""
    total: float
    """The match weight after it."""
    probability: float
    """The probability after it."""


class WaterfallAnswer(Answer):
    """How a pair came to its probability, part by part."""

    one: RecordAnswer
    """The lesser of the two records."""
    other: RecordAnswer
    """The other."""
    probability: float
    """How likely they are of one subject."""
    place: Place
    """What became of the pair."""
    model: int
    """By which model."""
    prior: float
    """The match weight of any two records, before anything is known of them."""
    total: float
    """The match weight after all parts."""
    bars: tuple[BarAnswer, ...]
    """The parts."""

    @classmethod
    def told(cls, shown: Waterfall) -> WaterfallAnswer:
        """Return a waterfall."""
        pair = shown.pair
        ends = {"one": pair.left, "other": pair.right}
        return cls.about(shown, **ends, probability=pair.probability)
