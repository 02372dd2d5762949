"""Conditions on rows as data: what a grant says of rows, never as SQL text.

A condition holds for a row when it is true; a missing value makes a term not true (but for
`is_missing`). Its values must be of the column's type, so that to test it can never fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from shuzhi.gather.contracts import LogicalType

Value: TypeAlias = str | int | Decimal | bool | date | datetime

_KINDS: dict[LogicalType, tuple[type, ...]] = {
    LogicalType.STRING: (str,),
    LogicalType.INTEGER: (int,),
    LogicalType.NUMBER: (int, Decimal),
    LogicalType.BOOLEAN: (bool,),
    LogicalType.DATE: (date,),
    LogicalType.TIMESTAMP: (datetime,),
}
_ORDERED = frozenset(_KINDS) - {LogicalType.BOOLEAN}


class Operator(StrEnum):
    """How a column is compared with values."""

    ONE_OF = "one_of"
    NONE_OF = "none_of"
    BELOW = "below"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    ABOVE = "above"
    IS_MISSING = "is_missing"
    IS_PRESENT = "is_present"


_OF_MANY = (Operator.ONE_OF, Operator.NONE_OF)
_OF_NONE = (Operator.IS_MISSING, Operator.IS_PRESENT)


@dataclass(frozen=True)
class Term:
    """One column against values: several for `one_of` and `none_of`, none for the last two."""

    column: str
    operator: Operator
    values: tuple[Value, ...] = ()

    def problem(self, logical_type: LogicalType) -> str | None:
        """Say why this term cannot be tested on a column of that type; None when it can."""
        if self.operator in _OF_NONE:
            return "takes no value" if self.values else None
        if not self.values or (self.operator not in _OF_MANY and len(self.values) > 1):
            return "lacks a value or has too many"
        if self.operator not in _OF_MANY and logical_type not in _ORDERED:
            return "asks for an order where there is none"
        if all(_is_of(value, logical_type) for value in self.values):
            return None
        return f"has a value that is no {logical_type.value}"


@dataclass(frozen=True)
class Every:
    """Holds where all its parts hold; with no parts, everywhere."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """Holds where at least one of its parts holds; with no parts, nowhere."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = Term | Every | Either


def terms(condition: Condition | None) -> Iterator[Term]:
    """Yield every term of `condition`."""
    if isinstance(condition, Term):
        yield condition
    elif condition is not None:
        for part in condition.parts:
            yield from terms(part)


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    """Return the condition under which both hold; None, for no condition, holds everywhere."""
    given = tuple(c for c in (first, second) if c is not None)
    return given[0] if len(given) == 1 else Every(given) if given else None


def _is_of(value: Value, logical_type: LogicalType) -> bool:
    kinds = _KINDS.get(logical_type, ())
    # In Python True is a number and a moment is a day; in a table they are not.
    if isinstance(value, bool) or (isinstance(value, datetime) and datetime not in kinds):
        return bool in kinds and isinstance(value, bool)
    if isinstance(value, datetime):
        return value.tzinfo is not None
    if isinstance(value, Decimal):
        return value.is_finite() and Decimal in kinds
    return isinstance(value, kinds)
