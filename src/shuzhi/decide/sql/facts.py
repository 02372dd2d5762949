"""Values of the lake as facts: texts, whole numbers, yes or no, so that every store keeps them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Fact = str | int | bool | None


def fact(value: Any) -> Fact:
    """Return `value` as a fact; numbers with decimals, times and all else as texts.

    A float is written with as few digits as name it.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return repr(value)
