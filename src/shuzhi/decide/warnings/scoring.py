"""Scores rules and forecasters by what became of their warnings, each figure with its numbers.

A rule that never leads to action is proposed for retirement; people decide.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from shuzhi.decide.rules import Outcome, RuleId
from shuzhi.kernel.instant import Instant

# The quantile of the normal distribution for an interval of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True)
class Share:
    """`count` of `of`."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share, by Wilson's score (J. Am. Stat. Assoc. 22, 1927)."""
        if not self.of:
            return None
        n, share = self.of, self.count / self.of
        middle = share + _Z * _Z / (2 * n)
        reach = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        whole = 1 + _Z * _Z / n
        return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


@dataclass(frozen=True)
class LeadTimes:
    """How long before it happened a warning was raised; negative where it came after.

    Of `count` warnings whose event has a time. Nine of ten had at least `p10`.
    """

    count: int
    median: timedelta
    p10: timedelta


@dataclass(frozen=True)
class Retirement:
    """When a rule is proposed for retirement.

    It raised at least `least_warnings`, the first at least `least_days` ago, and none was acted
    upon.
    """

    least_warnings: int = 20
    least_days: int = 60


@dataclass(frozen=True)
class Told:
    """One warning as far as scores need it."""

    rule_id: RuleId
    raised_at: Instant
    outcome: Outcome | None
    happened_at: Instant | None


@dataclass(frozen=True)
class Score:
    """What became of the warnings of one rule.

    `precision`: acted upon or confirmed, of those with an outcome; `false_alarms`: false, of the
    same; `acted_upon` and `closed` (with an outcome): of all. `retire` says why the rule is
    proposed for retirement, with the numbers; None when it is not.
    """

    rule_id: RuleId
    warnings: int
    open: int
    first_raised_at: Instant | None
    precision: Share
    false_alarms: Share
    acted_upon: Share
    closed: Share
    lead_times: LeadTimes | None
    retire: str | None


def scores(
    told: Iterable[Told], rules: Collection[RuleId], *, now: Instant, retirement: Retirement
) -> tuple[Score, ...]:
    """Return the score of every rule in `rules`, and of every other that ever warned."""
    by_rule: dict[RuleId, list[Told]] = {rule_id: [] for rule_id in rules}
    for one in told:
        by_rule.setdefault(one.rule_id, []).append(one)
    return tuple(_score(i, by_rule[i], now, retirement) for i in sorted(by_rule))


def lead_times(leads: Sequence[timedelta]) -> LeadTimes | None:
    """Return median and 10th percentile (nearest rank); None of none."""
    if not leads:
        return None
    ordered = sorted(leads)
    middle = timedelta(seconds=median(lead.total_seconds() for lead in ordered))
    return LeadTimes(len(ordered), middle, ordered[math.ceil(len(ordered) / 10) - 1])


def _score(rule_id: RuleId, told: Sequence[Told], now: Instant, retirement: Retirement) -> Score:
    count = {o: sum(one.outcome is o for one in told) for o in (*Outcome, None)}
    closed = len(told) - count[None]
    leads = [one.happened_at - one.raised_at for one in told if one.happened_at is not None]
    first = min((one.raised_at for one in told), default=None)
    return Score(
        rule_id,
        warnings=len(told),
        open=count[None],
        first_raised_at=first,
        precision=Share(count[Outcome.ACTED] + count[Outcome.CONFIRMED], closed),
        false_alarms=Share(count[Outcome.FALSE], closed),
        acted_upon=Share(count[Outcome.ACTED], len(told)),
        closed=Share(closed, len(told)),
        lead_times=lead_times(leads),
        retire=_why_retire(len(told), count, first, now, retirement),
    )


def _why_retire(
    warnings: int,
    count: dict[Outcome | None, int],
    first: Instant | None,
    now: Instant,
    retirement: Retirement,
) -> str | None:
    if first is None or warnings < retirement.least_warnings or count[Outcome.ACTED]:
        return None
    days = (now - first).days
    if days < retirement.least_days:
        return None
    return (
        f"0 of {warnings:,} warnings in {days:,} days were acted upon "
        f"({count[Outcome.CONFIRMED]:,} confirmed, {count[Outcome.FALSE]:,} false, "
        f"{count[None]:,} open)"
    )
