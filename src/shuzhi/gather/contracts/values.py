"""Values that a contract states, as the values that a typed column holds.

A bound or an allowed value of a date, a timestamp or a decimal is a text or a number in the
document; here it becomes what can be compared with the column, or is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

from shuzhi.gather.contracts.model import Field, LogicalType
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, parse_instant

_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_MOST_DIGITS = 38
_INTEGER_WIDTHS = {"8": 8, "16": 16, "32": 32, "64": 64}

KIND_EN = {
    LogicalType.STRING: "a text",
    LogicalType.DATE: "a date such as 2026-03-01",
    LogicalType.TIMESTAMP: "a date and time such as 2026-03-01T08:30:00+08:00",
    LogicalType.TIME: "a time of day such as 08:30:00",
    LogicalType.NUMBER: "a number",
    LogicalType.INTEGER: "a whole number",
    LogicalType.BOOLEAN: "true or false",
    LogicalType.OBJECT: "a JSON object",
    LogicalType.ARRAY: "a JSON array",
    LogicalType.MAP: "a JSON object",
    LogicalType.VECTOR: "a JSON array",
}
KIND_ZH = {
    LogicalType.STRING: "文本",
    LogicalType.DATE: "日期",
    LogicalType.TIMESTAMP: "日期时间",
    LogicalType.TIME: "时刻",
    LogicalType.NUMBER: "数值",
    LogicalType.INTEGER: "整数",
    LogicalType.BOOLEAN: "是或否",
    LogicalType.OBJECT: "JSON 对象",
    LogicalType.ARRAY: "JSON 数组",
    LogicalType.MAP: "JSON 对象",
    LogicalType.VECTOR: "JSON 数组",
}


def precision_and_scale(field: Field) -> tuple[int, int] | None:
    """Return (p, s) of a number whose physical type is DECIMAL(p, s), p at most 38; else None."""
    match = _DECIMAL.search(field.physical_type or "")
    if field.logical_type is not LogicalType.NUMBER or match is None:
        return None
    precision, scale = int(match[1]), int(match[2] or 0)
    return (precision, scale) if scale <= precision <= _MOST_DIGITS else None


def integer_range(width: str | None) -> tuple[int, int] | None:
    """Return the least and the greatest integer of the ODCS format `i8` … `u64`; None for others.

    Unsigned 64-bit and 128-bit integers are kept in a signed 64-bit column, so give no range.
    """
    if width is None or width[1:] not in _INTEGER_WIDTHS or width in ("u64", "i64"):
        return None
    bits = _INTEGER_WIDTHS[width[1:]]
    if width[0] == "u":
        return (0, 2**bits - 1)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def typed(field: Field, value: Any) -> Any:
    """Return the stated `value` as the column of `field` holds it.

    Dates become `date`, timestamps an Instant (one without an offset is read in the field's zone),
    times a text HH:MM:SS, decimals `Decimal`.

    Raises:
        ValueError: the value is not of the field's type; the message says what it should be.
    """
    wanted: Callable[[Field, Any], Any] = _READERS.get(field.logical_type, _as_it_is)
    try:
        return wanted(field, value)
    except (ValueError, TypeError, RefusedError):
        raise ValueError(f"{value!r} is not {KIND_EN[field.logical_type]}") from None


def _text(_field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(field: Field, value: Any) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return Decimal(str(value)) if precision_and_scale(field) else value


def _boolean(_field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _date(field: Field, value: Any) -> date:
    return date.fromisoformat(_text(field, value))


def _instant(field: Field, value: Any) -> Instant:
    return parse_instant(_text(field, value), zone=field.bounds.zone)


def _time(field: Field, value: Any) -> str:
    return time.fromisoformat(_text(field, value)).strftime("%H:%M:%S")


def _as_it_is(_field: Field, value: Any) -> Any:
    return value


_READERS = {
    LogicalType.STRING: _text,
    LogicalType.NUMBER: _number,
    LogicalType.INTEGER: _number,
    LogicalType.BOOLEAN: _boolean,
    LogicalType.DATE: _date,
    LogicalType.TIMESTAMP: _instant,
    LogicalType.TIME: _time,
}
