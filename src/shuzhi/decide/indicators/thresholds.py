"""Colours of values: from which number on a value is green, yellow, orange or red.

A number may be a law parameter's; then it is the one in force on the day that a value is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.kernel.law import Law, LawUnit
from shuzhi.kernel.units import convert


class Colour(StrEnum):
    """How a value stands. GREY is no value, or none that anybody set a threshold for."""

    GREEN = "green"
    GREY = "grey"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    @property
    def rank(self) -> int:
        """From good to bad. Not knowing is worse than good and better than bad."""
        return list(Colour).index(self)

    @staticmethod
    def worst(colours: Iterable[Colour]) -> Colour:
        """Return the worst of some colours; GREY of none."""
        return max(colours, key=lambda colour: colour.rank, default=Colour.GREY)


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher_is_better"
    LOWER = "lower_is_better"
    WITHIN = "within"


@dataclass(frozen=True)
class Limit:
    """A number that a file states, or `times` the law parameter `law`."""

    number: Decimal = Decimal(0)
    law: str | None = None
    times: Decimal = Decimal(1)


@dataclass(frozen=True)
class Band:
    """The values of one colour: from `low` to `high`, both included; None is no end."""

    colour: Colour
    low: Limit | None = None
    high: Limit | None = None


@dataclass(frozen=True)
class Thresholds:
    """Bands from good to bad; the first that holds a value gives its colour, else it is red."""

    direction: Direction
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Bound:
    """A band with the numbers in force; `is_verified` is false where a law's number is not."""

    colour: Colour
    low: Decimal | None
    high: Decimal | None
    is_verified: bool = True


def bounds_on(thresholds: Thresholds | None, law: Law, day: date, unit: str) -> tuple[Bound, ...]:
    """Return the thresholds in force on `day`, in `unit`.

    Raises:
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`, `kernel.unit_unknown`,
            `kernel.unit_mismatch`; `decide.indicator_bands` when law has put a better colour
            inside a worse one.
    """
    if thresholds is None:
        return ()
    bounds = tuple(_bound(band, law, day, unit) for band in thresholds.bands)
    for better, worse in unordered(bounds):
        raise IndicatorError(
            "decide.indicator_bands",
            f"On {day} {worse} does not reach beyond {better}.",
            next_step="Correct the thresholds, or the law parameters that they name.",
        )
    return bounds


def unordered(bounds: Iterable[Bound]) -> Iterator[tuple[Colour, Colour]]:
    """Yield the neighbours of which the worse does not hold all that the better holds."""
    for better, worse in pairwise(bounds):
        if not _holds(worse, better):
            yield better.colour, worse.colour


def colour_of(value: Decimal | None, bounds: Iterable[Bound]) -> Colour:
    """Return the colour of a value; GREY without one or without bounds."""
    listed = tuple(bounds)
    if value is None or not listed:
        return Colour.GREY
    return next((b.colour for b in listed if _is_in(value, b)), Colour.RED)


def _is_in(value: Decimal, bound: Bound) -> bool:
    above = bound.low is None or value >= bound.low
    return above and (bound.high is None or value <= bound.high)


def _holds(outer: Bound, inner: Bound) -> bool:
    low = outer.low is None or (inner.low is not None and outer.low <= inner.low)
    high = outer.high is None or (inner.high is not None and outer.high >= inner.high)
    return low and high


def _bound(band: Band, law: Law, day: date, unit: str) -> Bound:
    ends = [_number(end, law, day, unit) for end in (band.low, band.high)]
    (low, low_holds), (high, high_holds) = ends
    return Bound(band.colour, low, high, low_holds and high_holds)


def _number(limit: Limit | None, law: Law, day: date, unit: str) -> tuple[Decimal | None, bool]:
    if limit is None:
        return None, True
    if limit.law is None:
        return limit.number, True
    parameter = law.parameter(limit.law)
    found = parameter.value_on(day)
    stated = "1" if parameter.unit == LawUnit.SHARE else parameter.unit
    value = found.value * limit.times
    in_unit = value if stated == unit else convert(value, source=stated, target=unit)
    return in_unit, found.is_verified
