"""Whether a grant's condition on rows holds of a row that is at hand."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from shuzhi.share.access import Condition, Either, Every, Operator, Term

Held = Callable[[str], Any]
_ORDERS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.AT_LEAST: operator.ge,
    Operator.ABOVE: operator.gt,
}


def holds(condition: Condition | None, held: Held) -> bool:
    """Tell whether `condition` is true of the row whose values `held` gives, by column.

    A missing value makes a term not true, as in SQL.
    """
    if condition is None:
        return True
    if isinstance(condition, Every):
        return all(holds(part, held) for part in condition.parts)
    if isinstance(condition, Either):
        return any(holds(part, held) for part in condition.parts)
    return _holds(condition, held(condition.column))


def _holds(term: Term, value: Any) -> bool:
    if term.operator is Operator.IS_MISSING:
        return value is None
    if value is None or term.operator is Operator.IS_PRESENT:
        return value is not None
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TypeError("moments in the lake are aware")
    if term.operator in _ORDERS:
        return _ORDERS[term.operator](value, term.values[0])
    return (value in term.values) is (term.operator is Operator.ONE_OF)
