"""A scheme: which measures make a score, over which period, for whom, and how one may appeal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from shuzhi.act.evaluation.counts import DueRule
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.facts import FactKind
from shuzhi.act.evaluation.periods import Length
from shuzhi.kernel.law import Law, LawUnit
from shuzhi.kernel.party import Level


class Shown(StrEnum):
    """How people read a measure."""

    PERCENT = "percent"
    NUMBER = "number"


@dataclass(frozen=True)
class Words:
    """What people read, in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True)
class Measure:
    """Two counts over one kind of facts, the second dividing the first.

    `only` are the subjects it is about (kinds of case, data sets, duties); none means all.
    `weight` is nothing for a counter-number, which is shown and never scored. `best` gives 100
    points and `worst` none. Below `least` in the denominator there is no score. `gaming` says how
    the measure could be polished, and `beside` which counter-numbers show it.
    """

    id: str
    title: Words
    formula: Words
    of: FactKind
    numerator: str
    denominator: str
    only: tuple[str, ...] = ()
    shown: Shown = Shown.PERCENT
    weight: Decimal = Decimal()
    best: Decimal = Decimal(1)
    worst: Decimal = Decimal()
    least: Decimal = Decimal(1)
    gaming: Words | None = None
    beside: tuple[str, ...] = ()

    @property
    def is_scored(self) -> bool:
        """Tell whether the measure counts towards the score."""
        return self.weight > 0


@dataclass(frozen=True)
class Term:
    """A number of working days: stated here, or the law parameter `law`."""

    days: int | None
    law: str | None = None
    legal_basis: str | None = None
    is_verified: bool = False

    def on(self, day: date, law: Law) -> Days:
        """Return the number that holds on `day`.

        Raises:
            RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`; `act.bad_scheme` for a
                parameter that does not count working days.
        """
        if self.law is None:
            return Days(self.days or 0, self.legal_basis or "", self.is_verified)
        parameter = law.parameter(self.law)
        if parameter.unit != LawUnit.WORKING_DAYS:
            raise EvaluationError(
                "act.bad_scheme",
                f"The law parameter {self.law} counts {parameter.unit}; an appeal has working "
                "days.",
                next_step="Name another parameter in the scheme.",
            )
        value = parameter.value_on(day)
        basis = value.legal_basis or parameter.legal_basis
        return Days(value.whole, f"{basis.law} {basis.article}", value.is_verified)


@dataclass(frozen=True)
class Days:
    """Working days with where they stand, and whether anybody has checked that."""

    days: int
    legal_basis: str
    is_verified: bool


@dataclass(frozen=True)
class Scheme:
    """A scheme as a pack or a city declares it; `text` is its file, word for word.

    With `counts_below` what a party does counts for its superiors too. A party is scored when the
    measures that could be scored carry at least `least_weight` of all weights.
    """

    id: str
    title: Words
    length: Length
    levels: tuple[Level, ...]
    counts_below: bool
    due: DueRule
    least_weight: Decimal
    measures: tuple[Measure, ...]
    counters: tuple[Measure, ...]
    raise_within: Term
    decide_within: Term
    text: str

    @property
    def sha256(self) -> str:
        """The hash of the scheme's file, by which a score says what it was made by."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __iter__(self) -> Iterator[Measure]:
        return iter((*self.measures, *self.counters))

    def measure(self, measure_id: str) -> Measure:
        """Return the measure or counter-number with that id.

        Raises:
            EvaluationError: `act.no_such_measure`.
        """
        for measure in self:
            if measure.id == measure_id:
                return measure
        raise EvaluationError(
            "act.no_such_measure",
            f"{self.id} has no measure {measure_id[:60]!r}.",
            next_step=f"Choose one of: {', '.join(measure.id for measure in self)}.",
        )
