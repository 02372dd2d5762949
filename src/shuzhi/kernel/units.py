"""Units of measure under their UCUM codes, with exact factors, and the periods of service levels.

Only units that contracts, law and sensors name today are here; a unit that is not is refused, never
guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from shuzhi.kernel.errors import RefusedError


@dataclass(frozen=True)
class Unit:
    """A unit: `code` is UCUM's; a value times `factor` plus `offset` is in the quantity's base."""

    code: str
    quantity: str
    factor: Fraction
    offset: Fraction = Fraction(0)


_FACTORS = {
    "concentration": {"g/L": "1000", "mg/L": "1", "ug/L": "1/1000"}
    | {"g/m3": "1", "mg/m3": "1/1000", "ug/m3": "1/1000000", "ng/m3": "1/1000000000"},
    "mass flow": {"kg/d": "1", "t/d": "1000", "kg/h": "24", "g/s": "432/5"},
    "volume flow": {"m3/d": "1", "m3/h": "24", "m3/s": "86400", "L/s": "432/5"},
    "mass": {"mg": "1/1000000", "g": "1/1000", "kg": "1", "t": "1000"},
    "share": {"1": "1", "%": "1/100"},
    "acidity": {"[pH]": "1"},
    "temperature": {"Cel": "1"},
}
_UNITS = {
    code: Unit(code, quantity, Fraction(factor))
    for quantity, factors in _FACTORS.items()
    for code, factor in factors.items()
} | {"K": Unit("K", "temperature", Fraction(1), Fraction("-273.15"))}

# Spellings seen in contracts and in HJ 212; the two micro signs are different characters.
_SPELLINGS = {"µ": "u", "μ": "u", "³": "3", "毫克": "mg", "微克": "ug", "立方米": "m3", "升": "L"}
_NAMES = {"degC": "Cel", "°C": "Cel", "℃": "Cel", "摄氏度": "Cel", "pH": "[pH]", "无量纲": "1"}

_SECONDS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "wk": 604_800}
_PERIODS = {"s": "s second seconds", "min": "m min minute minutes", "h": "h hr hour hours"} | {
    "d": "d day days",
    "wk": "w wk week weeks",
    "mo": "mo month months",
    "a": "y yr a year years",
}
_PERIOD_CODES = {name: code for code, names in _PERIODS.items() for name in names.split()}


def unit(text: str) -> Unit:
    """Return the unit that `text` names by UCUM code or a common spelling.

    Raises:
        RefusedError: `kernel.unit_unknown`.
    """
    code = _NAMES.get(text, text)
    for spelling, plain in _SPELLINGS.items():
        code = code.replace(spelling, plain)
    if code in _UNITS:
        return _UNITS[code]
    raise _unknown(text, "Use a UCUM code such as mg/L, ug/m3, kg/d or Cel.")


def convert(value: Decimal, *, source: str, target: str) -> Decimal:
    """Return `value` of unit `source` in unit `target`, rounded only where decimals never end.

    Raises:
        RefusedError: `kernel.unit_unknown`, or `kernel.unit_mismatch` for different quantities.
    """
    a, b = unit(source), unit(target)
    if a.quantity != b.quantity:
        raise RefusedError(
            "kernel.unit_mismatch",
            f"{a.code} measures {a.quantity}, {b.code} measures {b.quantity}.",
            next_step="Correct one of the two units.",
        )
    exact = (Fraction(value) * a.factor + a.offset - b.offset) / b.factor
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def period(value: float, text: str) -> timedelta:
    """Return a service level's `value` and unit (ODCS 3.1 slaProperties) as an exact time span.

    Raises:
        RefusedError: `kernel.unit_unknown`, or `kernel.unit_inexact` for months and years, which
            are no fixed number of seconds.
    """
    code = _PERIOD_CODES.get(text.strip().lower())
    if code is None:
        raise _unknown(text, "Use s, m, h, d, w, month or y.")
    if code not in _SECONDS:
        raise RefusedError(
            "kernel.unit_inexact",
            f"{text!r} is not a fixed number of seconds.",
            next_step="State the period in days, or count it on the calendar.",
        )
    return timedelta(seconds=value * _SECONDS[code])


def _unknown(text: str, next_step: str) -> RefusedError:
    return RefusedError(
        "kernel.unit_unknown", f"There is no unit {text[:40]!r} here.", next_step=next_step
    )
