"""From facts to numbers, from numbers to points, from points to places: exact, and pure.

Sums are decimals and quotients fractions; rounding happens once, where a number is shown. What is
shown decides the rank, so that no hidden digit parts two parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import groupby

from shuzhi.act.evaluation.counts import COUNTS, Window
from shuzhi.act.evaluation.facts import Fact
from shuzhi.act.evaluation.scheme import Measure, Scheme
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level

_MOST_POINTS = 100
_CENT = Decimal("0.01")
_VALUE = Decimal("0.000001")


class Lack(StrEnum):
    """Why something is not scored; never a reason for a zero."""

    NONE = ""
    NOTHING = "nothing_counted"
    TOO_FEW = "too_few"
    TOO_LITTLE_WEIGHT = "too_little_weight"


@dataclass(frozen=True)
class Number:
    """What a measure is for a party: its two counts, its value, its points.

    `value` has six decimals and is None where nothing was counted; `points` (0 to 100, two
    decimals) are None for a counter-number, and where `lack` says why there are none.
    """

    measure: str
    numerator: Decimal
    denominator: Decimal
    value: Decimal | None
    points: Decimal | None
    lack: Lack = Lack.NONE


@dataclass(frozen=True)
class Score:
    """What a party has earned: `total` of 100 (two decimals), and its place on its level.

    `weight` is the share of all weights that could be scored. Without a total there is no rank,
    and `lack` says why; that is never a zero.
    """

    party: PartyId
    level: Level
    total: Decimal | None
    weight: Decimal
    rank: int | None
    numbers: tuple[Number, ...]
    lack: Lack = Lack.NONE

    def number(self, measure_id: str) -> Number:
        """Return the number of that measure; KeyError when there is none."""
        return {number.measure: number for number in self.numbers}[measure_id]


@dataclass(frozen=True)
class Body:
    """A party as a scoring sees it: its level, and who is above it, the nearest first."""

    level: Level
    superiors: tuple[PartyId, ...] = ()


Bodies = Mapping[PartyId, Body]


def counted(measure: Measure, facts: Iterable[Fact], window: Window) -> Iterator[Fact]:
    """Yield the facts in the denominator of `measure`."""
    take = COUNTS[measure.of][measure.denominator]
    for fact in facts:
        is_meant = fact.kind is measure.of and (not measure.only or fact.subject in measure.only)
        if is_meant and take(fact, window):
            yield fact


def number(measure: Measure, facts: Iterable[Fact], window: Window) -> Number:
    """Return what `measure` is over `facts`."""
    of = COUNTS[measure.of]
    top, bottom = Decimal(), Decimal()
    for fact in counted(measure, facts, window):
        top += of[measure.numerator](fact, window)
        bottom += of[measure.denominator](fact, window)
    if not bottom:
        return Number(measure.id, top, bottom, None, None, Lack.NOTHING)
    value = Fraction(top) / Fraction(bottom)
    shown = rounded(value, _VALUE)
    if not measure.is_scored:
        return Number(measure.id, top, bottom, shown, None)
    if bottom < measure.least:
        return Number(measure.id, top, bottom, shown, None, Lack.TOO_FEW)
    return Number(measure.id, top, bottom, shown, rounded(points(measure, value), _CENT))


def points(measure: Measure, value: Fraction) -> Fraction:
    """Return the points of `value`: none at `worst`, 100 at `best`, straight between, no more."""
    best, worst = Fraction(measure.best), Fraction(measure.worst)
    share = (value - worst) / (best - worst)
    return min(max(share, Fraction()), Fraction(1)) * _MOST_POINTS


def total(scheme: Scheme, numbers: Sequence[Number]) -> tuple[Decimal | None, Decimal]:
    """Return the mean of the points that are there by weight, and the share of weights they carry.

    There is no total below the scheme's `least_weight`: what was not measured earns nothing and
    costs nothing.
    """
    weights = {measure.id: Fraction(measure.weight) for measure in scheme.measures}
    scored = [(weights[n.measure], n.points) for n in numbers if n.points is not None]
    carried = sum((weight for weight, _ in scored), Fraction())
    share = carried / sum(weights.values())
    if not scored or share < Fraction(scheme.least_weight):
        return None, rounded(share, _CENT)
    mean = sum(weight * Fraction(points) for weight, points in scored) / carried
    return rounded(mean, _CENT), rounded(share, _CENT)


def scores(
    scheme: Scheme, window: Window, facts: Iterable[Fact], bodies: Bodies
) -> tuple[Score, ...]:
    """Return the score of every body on the scheme's levels, by level, rank and id."""
    of = {party: list[Fact]() for party, body in bodies.items() if body.level in scheme.levels}
    for fact in facts:
        for party in answering(scheme, fact, bodies):
            if party in of:
                of[party].append(fact)
    made = [_score(scheme, window, party, bodies[party], of[party]) for party in of]
    return tuple(_ranked(made))


def answering(scheme: Scheme, fact: Fact, bodies: Bodies) -> tuple[PartyId, ...]:
    """Return the parties for which `fact` counts: its own, and where so said those above it."""
    body = bodies.get(fact.party)
    return (fact.party, *(body.superiors if body and scheme.counts_below else ()))


def rounded(value: Fraction, places: Decimal) -> Decimal:
    """Return `value` to the decimals of `places`, exact halves to the even digit."""
    return round(value / Fraction(places)) * places


def _score(
    scheme: Scheme, window: Window, party: PartyId, body: Body, facts: Sequence[Fact]
) -> Score:
    numbers = tuple(number(measure, facts, window) for measure in scheme)
    sum_, weight = total(scheme, numbers)
    lack = Lack.TOO_LITTLE_WEIGHT if sum_ is None else Lack.NONE
    return Score(party, body.level, sum_, weight, None, numbers, lack)


def _ranked(made: Iterable[Score]) -> Iterator[Score]:
    """Yield the scores with their ranks: as in sport, equal totals share the better place."""
    ordered = sorted(made, key=lambda s: (s.level, s.total is None, -(s.total or 0), s.party))
    for _, level in groupby(ordered, key=lambda s: s.level):
        place, before = 0, None
        for at, score in enumerate(level, start=1):
            if score.total is None:
                yield score
                continue
            place = place if score.total == before else at
            before = score.total
            yield replace(score, rank=place)
