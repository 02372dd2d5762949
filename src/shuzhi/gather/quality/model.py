"""What a quality check is, what one measured, and how scores follow from it.

Every figure keeps the numbers it came from: A, the elements that satisfy a check, over B, the
elements that it was tried on (GB/T 36344-2018, measure X = A / B).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shuzhi.gather.contracts.model import Dimension
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import DatasetName, RunId
from shuzhi.kernel.instant import Instant


class Kind(StrEnum):
    """What a check counts: its A and B are of these."""

    ROW = "row"  # cells of a column, each judged from its own row
    KEY = "key"  # rows that another row repeats
    REFERENCE = "reference"  # rows that point into another data set
    SERIES = "series"  # records, against records expected or against their neighbours
    TABLE = "table"  # the data set as a whole: B is 1
    UNCHECKED = "unchecked"  # nothing: stated in the contract, not machine-checkable


@dataclass(frozen=True)
class Ratio:
    """A over B. `value` is None when nothing was there to be counted."""

    satisfied: int
    checked: int

    @property
    def value(self) -> float | None:
        """A / B, from 0 to 1."""
        return self.satisfied / self.checked if self.checked else None

    def __add__(self, other: Ratio) -> Ratio:
        return Ratio(self.satisfied + other.satisfied, self.checked + other.checked)


@dataclass(frozen=True)
class Check:
    """One thing that a contract promises of a data set.

    `id` is `dataset.column.code`, or `dataset.code` for the whole table, and stays the same from
    run to run. `source` says who asks for it: the clause of the contract standard, and the
    quality standard's indicator. `limits` are ODCS operators (`mustBeLessThan`, …) on the count of
    broken elements, in `unit` (rows or percent); without limits a check is met when none is broken.
    """

    id: str
    dataset: DatasetName
    column: str | None
    code: str
    dimension: Dimension
    kind: Kind
    title_en: str
    title_zh: str
    source: str
    severity: str = "error"
    limits: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "rows"


@dataclass(frozen=True)
class Measurement:
    """What one check found at one version of a data set.

    `ratio` is A over B; None when the check could not be tried, and `is_met` is then None too and
    `reason` says why. `value` is what the limits were held against: broken rows, per cent of the
    rows, a row count, an age in hours, the answer of a query.
    """

    check: Check
    ratio: Ratio | None
    is_met: bool | None
    value: float | None = None
    reason: str = ""

    @property
    def broken_count(self) -> int | None:
        """B - A; None when not checked."""
        return None if self.ratio is None else self.ratio.checked - self.ratio.satisfied


@dataclass(frozen=True)
class Evidence:
    """What only the rest of the house knows about a data set's availability.

    `access`: reads that succeeded over reads attempted; `use`: deliveries that their user did not
    reject over deliveries made. None where nobody kept count.
    """

    access: Ratio | None = None
    use: Ratio | None = None


@dataclass(frozen=True)
class Availability:
    """可用性: accessibility x service levels met x not rejected by the user.

    A factor without evidence is left out and named in `missing`; without any evidence of access
    there is no value at all.
    """

    access: Ratio | None
    service: Ratio | None
    use: Ratio | None

    @property
    def missing(self) -> tuple[str, ...]:
        """The factors that nothing is known about."""
        named = {"access": self.access, "service": self.service, "use": self.use}
        return tuple(name for name, ratio in named.items() if _value(ratio) is None)

    @property
    def value(self) -> float | None:
        """The product of the known factors, from 0 to 1."""
        if _value(self.access) is None:
            return None
        product = 1.0
        for ratio in (self.access, self.service, self.use):
            known = _value(ratio)
            product *= 1.0 if known is None else known
        return product


@dataclass(frozen=True)
class Report:
    """All that one run of the checks found about one version of a data set.

    `rows` were in the data set, `quarantined` kept out of it at the door; both stand in the
    denominators of the checks that the door applies.
    """

    run_id: RunId
    dataset: DatasetName
    contract_id: str
    contract_version: str
    version: int
    measured_at: Instant
    rows: int
    quarantined: int
    measurements: tuple[Measurement, ...]
    evidence: Evidence = Evidence()

    @property
    def failed(self) -> tuple[Measurement, ...]:
        """The checks that are not met."""
        return tuple(m for m in self.measurements if m.is_met is False)

    @property
    def unchecked(self) -> tuple[Measurement, ...]:
        """The promises that could not be checked, each with its reason. They never count as met."""
        return tuple(m for m in self.measurements if m.is_met is None)

    @property
    def dimensions(self) -> dict[Dimension, Ratio | None]:
        """For each of the six dimensions the sum of A over the sum of B; None without a check."""
        scores = {d: _sum(self.measurements, d) for d in Dimension}
        return {**scores, Dimension.ACCESSIBILITY: self.evidence.access}

    @property
    def total(self) -> Ratio | None:
        """Everything satisfied of everything tried, over all dimensions; None for no evidence."""
        tried = [ratio for ratio in self.dimensions.values() if ratio is not None]
        return sum(tried[1:], start=tried[0]) if tried else None

    @property
    def completeness(self) -> Ratio | None:
        """完整性: of the values and records that should be there, those that are."""
        return self.dimensions[Dimension.COMPLETENESS]

    @property
    def accuracy(self) -> Ratio | None:
        """准确性: of what was checked for being right, that which is."""
        return self.dimensions[Dimension.ACCURACY]

    @property
    def timeliness(self) -> Ratio | None:
        """时效性: of what was due, that which came in time and in order."""
        return self.dimensions[Dimension.TIMELINESS]

    @property
    def availability(self) -> Availability:
        """可用性, with its three factors."""
        levels = [m for m in self.measurements if m.check.code in SERVICE_CODES and m.ratio]
        met = Ratio(sum(m.is_met is True for m in levels), len(levels))
        return Availability(self.evidence.access, met if levels else None, self.evidence.use)


@dataclass(frozen=True)
class Total:
    """What one report found in all: the `total` of its `Report`, without its measurements."""

    run_id: RunId
    dataset: DatasetName
    measured_at: Instant
    ratio: Ratio


SERVICE_CODES = frozenset({"latency"})


@dataclass(frozen=True)
class CellFinding:
    """One cell that breaks a check: where it stands by its row's key, its value, and why."""

    check_id: str
    column: str | None
    value: Any
    reason_en: str
    reason_zh: str


@dataclass(frozen=True)
class FaultyRow:
    """A row with what is wrong in it. `key` is the primary key, or the whole row without one."""

    key: Mapping[str, Any]
    findings: tuple[CellFinding, ...]


@dataclass(frozen=True)
class CheckFailed(Event):
    """A data set was found to break a promise of its contract."""

    run_id: RunId
    check: Check
    ratio: Ratio
    value: float | None


def is_within(value: float, limits: Mapping[str, Any]) -> bool:
    """Return whether `value` keeps every ODCS operator in `limits`; ranges include their ends."""
    return all(_OPERATORS[name](value, limit) for name, limit in limits.items())


def unknown_limits(limits: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in `limits` that are no ODCS operator, or carry no number to compare."""
    return tuple(n for n, limit in limits.items() if n not in _OPERATORS or not _fits(n, limit))


_OPERATORS: dict[str, Callable[[float, Any], bool]] = {
    "mustBe": lambda value, limit: value == limit,
    "mustNotBe": lambda value, limit: value != limit,
    "mustBeGreaterThan": lambda value, limit: value > limit,
    "mustBeGreaterOrEqualTo": lambda value, limit: value >= limit,
    "mustBeLessThan": lambda value, limit: value < limit,
    "mustBeLessOrEqualTo": lambda value, limit: value <= limit,
    "mustBeBetween": lambda value, limit: limit[0] <= value <= limit[1],
    "mustNotBeBetween": lambda value, limit: not limit[0] <= value <= limit[1],
}


def _fits(name: str, limit: Any) -> bool:
    if name.endswith("Between"):
        return isinstance(limit, list | tuple) and len(limit) == 2 and all(map(_is_number, limit))
    return _is_number(limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(ratio: Ratio | None) -> float | None:
    return None if ratio is None else ratio.value


def _sum(measurements: Iterable[Measurement], dimension: Dimension) -> Ratio | None:
    ratios = [m.ratio for m in measurements if m.check.dimension == dimension and m.ratio]
    return sum(ratios, Ratio(0, 0)) if ratios else None
