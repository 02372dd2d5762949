"""What a score is made of: frozen facts about cases, deliveries, quality, deadlines, burden.

Whoever scores hands them in; this room does not know where they come from. A fact is as things
stood at the end of its period, so that scoring late gives what scoring at once would have given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant


class FactKind(StrEnum):
    """What facts are about."""

    CASES = "cases"
    DELIVERIES = "deliveries"
    QUALITY = "quality"
    DUTIES = "duties"
    BURDEN = "burden"


class Arrival(StrEnum):
    """How a delivery came in."""

    ON_TIME = "on_time"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseFact:
    """One round of a case, from its opening (or reopening) to its closing, for who answers for it.

    `id` is `case:17/2`, the second round of case 17; `subject` its kind. `used` and `limit` are
    of one unit, whichever the clock counts in; `reports` were merged into this round.
    """

    kind: ClassVar[FactKind] = FactKind.CASES
    correctable: ClassVar[frozenset[str]] = frozenset(
        {"filed_at", "due_at", "closed_at", "reopened_at", "is_late", "stars", "used", "limit"}
        | {"reports", "returns", "pauses"}
    )

    id: str
    party: PartyId
    subject: str
    round: int
    opened_at: Instant
    filed_at: Instant | None = None
    due_at: Instant | None = None
    closed_at: Instant | None = None
    reopened_at: Instant | None = None
    is_late: bool = False
    stars: int | None = None
    used: int = 0
    limit: int | None = None
    reports: int = 1
    returns: int = 0
    pauses: int = 0


@dataclass(frozen=True)
class DeliveryFact:
    """One delivery of data that was due at `due_at`; `subject` is the data set."""

    kind: ClassVar[FactKind] = FactKind.DELIVERIES
    correctable: ClassVar[frozenset[str]] = frozenset({"arrival"})

    id: str
    party: PartyId
    subject: str
    due_at: Instant
    arrival: Arrival


@dataclass(frozen=True)
class QualityFact:
    """What one report found of a data set: elements that satisfy over elements checked.

    The counts are A and B of GB/T 36344-2018, over all dimensions.
    """

    kind: ClassVar[FactKind] = FactKind.QUALITY
    correctable: ClassVar[frozenset[str]] = frozenset({"satisfied", "checked"})

    id: str
    party: PartyId
    subject: str
    measured_at: Instant
    satisfied: int
    checked: int


@dataclass(frozen=True)
class DutyFact:
    """One deadline that a party was under: `subject` names the duty, as `river_pollution.answer`.

    `due_at` is None while the calendar does not reach it, so that it is due in no period yet;
    `ended_at` is None while it was not met; `used` and `limit` are of one unit.
    """

    kind: ClassVar[FactKind] = FactKind.DUTIES
    correctable: ClassVar[frozenset[str]] = frozenset(
        {"due_at", "ended_at", "is_late", "used", "limit"}
    )

    id: str
    party: PartyId
    subject: str
    due_at: Instant | None
    ended_at: Instant | None
    is_late: bool
    used: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class BurdenFact:
    """A form that was due once: what it cost those who had to fill it in, for who demands it.

    `subject` is the form, `times` how often it was to be filled in then. Whole minutes: `measured`
    of `minutes` were taken from fillings, the others are as declared; `saved` is what it would
    have cost more if it asked what is held already.
    """

    kind: ClassVar[FactKind] = FactKind.BURDEN
    correctable: ClassVar[frozenset[str]] = frozenset({"minutes", "measured", "saved", "times"})

    id: str
    party: PartyId
    subject: str
    due_at: Instant
    times: int
    minutes: int
    measured: int
    saved: int


Fact: TypeAlias = CaseFact | DeliveryFact | QualityFact | DutyFact | BurdenFact
FACTS: Mapping[FactKind, type[Fact]] = {
    of.kind: of for of in (CaseFact, DeliveryFact, QualityFact, DutyFact, BurdenFact)
}
_COUNTS = frozenset(
    {"used", "limit", "reports", "returns", "pauses", "satisfied", "checked"}
    | BurdenFact.correctable
)
_MAY_BE_NONE = frozenset({"filed_at", "closed_at", "reopened_at", "ended_at", "stars", "limit"})
_MOST_STARS = 5


def written(fact: Fact) -> dict[str, Any]:
    """Return what a row or a program may keep of `fact`: texts, whole numbers, yes or no."""
    values = {f.name: getattr(fact, f.name) for f in fields(fact)}
    return {name: _plain(value) for name, value in values.items()}


def read_fact(kind: FactKind, content: Mapping[str, Any]) -> Fact:
    """Return the fact that `written` made `content` of."""
    return FACTS[kind](**{name: _value(name, value) for name, value in content.items()})


def corrected(fact: Fact, values: Mapping[str, Any]) -> Fact:
    """Return `fact` with other `values`, instants as ISO 8601 texts.

    Raises:
        EvaluationError: `act.bad_correction` for a field that cannot be corrected, or a value that
            it cannot have.
    """
    wrong = sorted(set(values) - fact.correctable)
    if wrong or not values:
        raise _bad(fact, f"{', '.join(wrong) or 'nothing'} cannot be corrected")
    try:
        read = {name: _value(name, _checked(name, value)) for name, value in values.items()}
    except (RefusedError, ValueError, TypeError, AttributeError) as error:
        raise _bad(fact, str(error)) from None
    made = replace(fact, **read)
    if isinstance(made, QualityFact) and made.satisfied > made.checked:
        raise _bad(fact, "more would satisfy than were checked")
    return made


def _checked(name: str, value: Any) -> Any:
    if value is None and name in _MAY_BE_NONE:
        return None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if name == "stars":
        fits = is_whole and 1 <= value <= _MOST_STARS
    elif name in _COUNTS:
        fits = is_whole and value >= 0
    else:
        fits = isinstance(value, bool) if name == "is_late" else isinstance(value, str)
    if not fits:
        raise ValueError(f"{name} cannot be {str(value)[:40]!r}")
    return value


def _value(name: str, value: Any) -> Any:
    if name.endswith("_at") and value is not None:
        return parse_instant(value)
    return Arrival(value) if name == "arrival" else value


def _plain(value: Any) -> Any:
    if isinstance(value, Arrival):
        return value.value
    return value.isoformat() if hasattr(value, "isoformat") else value


def _bad(fact: Fact, why: str) -> EvaluationError:
    return EvaluationError(
        "act.bad_correction",
        f"The fact {fact.id} cannot be corrected so: {why}.",
        next_step=f"Correct some of: {', '.join(sorted(fact.correctable))}; or leave it out.",
    )
