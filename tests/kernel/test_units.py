"""Units: UCUM codes, exact factors, and no guessing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.units import convert, period, unit

_decimals = st.decimals(-(10**9), 10**9, places=6)
_CONCENTRATIONS = st.sampled_from(["g/L", "mg/L", "ug/L", "g/m3", "mg/m3", "ug/m3", "ng/m3"])


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("mg/L", "mg/L"),
        ("µg/m³", "ug/m3"),
        ("μg/m3", "ug/m3"),
        ("毫克/升", "mg/L"),
        ("微克/立方米", "ug/m3"),
        ("degC", "Cel"),
        ("℃", "Cel"),
        ("无量纲", "1"),
    ],
)
def test_a_spelling_stands_for_its_ucum_code(spelling: str, code: str) -> None:
    assert unit(spelling).code == code


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("35", "ug/m3", "mg/m3", "0.035"),
        ("1.5", "mg/L", "ug/L", "1500"),
        ("1", "mg/L", "g/m3", "1"),
        ("1", "g/s", "kg/d", "86.4"),
        ("12", "m3/h", "m3/d", "288"),
        ("1", "m3/s", "L/s", "1000"),
        ("25", "Cel", "K", "298.15"),
        ("0", "K", "Cel", "-273.15"),
        ("0.125", "1", "%", "12.5"),
    ],
)
def test_conversions_are_exact(value: str, source: str, target: str, expected: str) -> None:
    assert convert(Decimal(value), source=source, target=target) == Decimal(expected)


@given(_decimals, _CONCENTRATIONS, _CONCENTRATIONS)
def test_there_and_back_is_the_same(value: Decimal, a: str, b: str) -> None:
    assert convert(convert(value, source=a, target=b), source=b, target=a) == value


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (30, "s", timedelta(seconds=30)),
        (15, "m", timedelta(minutes=15)),
        (24, "h", timedelta(days=1)),
        (1.5, "Days", timedelta(hours=36)),
        (2, "w", timedelta(days=14)),
    ],
)
def test_a_service_level_is_a_time_span(value: float, text: str, expected: timedelta) -> None:
    assert period(value, text) == expected


@pytest.mark.parametrize("text", ["month", "y", "years"])
def test_months_and_years_are_no_fixed_span(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        period(1, text)
    assert str(caught.value) == (
        f"kernel.unit_inexact: {text!r} is not a fixed number of seconds. "
        "State the period in days, or count it on the calendar."
    )


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        unit("furlong")
    assert str(caught.value) == (
        "kernel.unit_unknown: There is no unit 'furlong' here. "
        "Use a UCUM code such as mg/L, ug/m3, kg/d or Cel."
    )


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        period(1, "fortnight")
    assert str(caught.value) == (
        "kernel.unit_unknown: There is no unit 'fortnight' here. Use s, m, h, d, w, month or y."
    )


def test_different_quantities_do_not_convert() -> None:
    with pytest.raises(RefusedError) as caught:
        convert(Decimal(1), source="mg/L", target="kg/d")
    assert str(caught.value) == (
        "kernel.unit_mismatch: mg/L measures concentration, kg/d measures mass flow. "
        "Correct one of the two units."
    )
