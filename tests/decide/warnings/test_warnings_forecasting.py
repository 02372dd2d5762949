"""Forecasts of single series: nothing of the future, gaps counted, and none where none can be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.decide.warnings.forecasting import forecast
from shuzhi.decide.warnings.gaps import Ready, filled_in, made_ready
from shuzhi.decide.warnings.model import (
    Forecast,
    Method,
    ModelName,
    NoForecast,
    Numbers,
    Series,
    Why,
)

NOW = 480_000
HOURLY = Method(ModelName.MSTL, (24,), history=240)
DAILY = Method(ModelName.ETS, (7,), history=70)


def wave(count: int, season: int = 24, noise: float = 1.0) -> Numbers:
    steps = np.arange(count)
    return (
        50
        + 10 * np.sin(2 * math.pi * steps / season)
        + np.random.default_rng(7).normal(0, noise, count)
    )


def series(values: Numbers, end: int = NOW) -> Series:
    return Series(("north",), end - len(values), np.asarray(values, float))


def given_forecast(of: Series, method: Method = HOURLY, steps: int = 24) -> Forecast:
    said = forecast(of, method, now=NOW, steps=steps)
    assert isinstance(said, Forecast)
    return said


def none_because(of: Series, method: Method = HOURLY) -> NoForecast:
    said = forecast(of, method, now=NOW, steps=24)
    assert isinstance(said, NoForecast)
    return said


@pytest.mark.parametrize("model", list(ModelName))
def test_every_model_follows_a_season_within_an_ordered_interval(model: ModelName) -> None:
    said = given_forecast(series(wave(240)), replace(HOURLY, model=model))
    truth = 50 + 10 * np.sin(2 * math.pi * np.arange(240, 264) / 24)
    assert np.abs(said.mean - truth).max() < 5
    assert (said.low < said.mean).all()
    assert (said.mean < said.high).all()
    assert (said.first, len(said.mean), said.known, said.filled) == (NOW, 24, 240, 0)


@pytest.mark.parametrize("model", list(ModelName))
def test_a_week_of_days_is_a_season_too(model: ModelName) -> None:
    said = given_forecast(series(wave(70, 7)), replace(DAILY, model=model), steps=7)
    truth = 50 + 10 * np.sin(2 * math.pi * np.arange(70, 77) / 7)
    assert np.abs(said.mean - truth).max() < 5


@settings(max_examples=25, deadline=None)
@given(
    after=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
    model=st.sampled_from(ModelName),
    gap=st.integers(0, 20),
)
def test_what_comes_after_now_does_not_change_a_forecast(
    after: list[float], model: ModelName, gap: int
) -> None:
    method = replace(HOURLY, model=model)
    known = wave(240)
    known[240 - gap :] = np.nan
    without = given_forecast(series(known), method)
    seen = series(np.concatenate([known, after]), NOW + len(after))
    with_future = given_forecast(seen, method)
    assert np.array_equal(without.mean, with_future.mean)
    assert np.array_equal(without.low, with_future.low)
    assert np.array_equal(without.high, with_future.high)
    assert without.first == with_future.first == NOW - gap


def test_what_is_older_than_the_history_does_not_count() -> None:
    long = np.concatenate([np.full(100, 1e6), wave(240)])
    assert np.array_equal(given_forecast(series(long)).mean, given_forecast(series(wave(240))).mean)


def test_filled_steps_are_counted() -> None:
    values = wave(240)
    values[[50, 51, *range(100, 112)]] = np.nan
    said = given_forecast(series(values))
    assert (said.known, said.filled) == (226, 14)


def test_a_long_gap_is_filled_with_its_phase_and_a_short_one_with_a_line() -> None:
    values = wave(240, noise=0)
    truth = values.copy()
    values[100:112] = np.nan
    values[50:52] = np.nan
    values[51] = np.nan
    filled = filled_in(values, 24)
    assert np.abs(filled - truth)[100:112].max() < 1e-9
    assert filled[50] == pytest.approx((2 * truth[49] + truth[52]) / 3)
    assert np.array_equal(filled[:50], truth[:50])


@given(
    st.lists(st.one_of(st.none(), st.floats(-100, 100)), min_size=3, max_size=80).filter(
        lambda v: v[0] is not None and v[-1] is not None
    ),
    st.integers(2, 9),
)
def test_filling_leaves_what_is_there_and_stays_within_it(
    values: list[float | None], season: int
) -> None:
    before = np.array([math.nan if v is None else v for v in values])
    after = filled_in(before, season)
    known = np.isfinite(before)
    assert np.isfinite(after).all()
    assert np.array_equal(after[known], before[known])
    assert after.min() >= before[known].min() - 1e-9
    assert after.max() <= before[known].max() + 1e-9


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.full(240, np.nan), Why.EMPTY),
        (wave(71), Why.SHORT),
        (np.where(np.arange(240) % 4 == 1, np.nan, wave(240)), Why.GAPS),
        (np.full(240, 3.0), Why.CONSTANT),
        (np.concatenate([wave(215), np.full(25, np.nan)]), Why.STALE),
    ],
)
def test_where_none_can_be_made_it_says_why(values: Numbers, why: Why) -> None:
    none = none_because(series(values))
    assert none.why is why
    assert none.detail


def test_just_enough_is_enough() -> None:
    assert isinstance(made_ready(series(wave(72)), HOURLY, now=NOW), Ready)
    late = np.concatenate([wave(216), np.full(24, np.nan)])
    assert isinstance(made_ready(series(late), HOURLY, now=NOW), Ready)


def test_infinite_values_count_as_missing() -> None:
    values = wave(240)
    values[[10, 20]] = [math.inf, -math.inf]
    assert given_forecast(series(values)).filled == 2


def test_values_that_a_model_cannot_bear_are_a_reason_not_a_crash() -> None:
    values = wave(240)
    values[::2] = 1.7e308
    values[1::2] = -1.7e308
    assert none_because(series(values)).why is Why.FAILED


def test_nothing_is_forecast_below_the_least_that_can_be() -> None:
    said = given_forecast(series(wave(240) - 50), replace(HOURLY, least=0.0))
    assert said.low.min() == said.mean.min() == 0.0
    assert said.high.max() > 0


def test_a_higher_level_is_a_wider_interval() -> None:
    of = series(wave(240))
    narrow, wide = (given_forecast(of, replace(HOURLY, level=level)) for level in (50, 95))
    assert ((wide.high - wide.low) > (narrow.high - narrow.low)).all()


def test_several_seasons_are_taken_together() -> None:
    steps = np.arange(24 * 35)
    values = wave(24 * 35) + 30 * (steps // 24 % 7 >= 5)
    method = Method(ModelName.MSTL, (24, 168), history=24 * 35)
    said = given_forecast(series(values), method, steps=168)
    weekend = (np.arange(24 * 35, 24 * 36 + 144) // 24 % 7) >= 5
    assert said.mean[weekend].mean() - said.mean[~weekend].mean() == pytest.approx(30, abs=5)


@pytest.mark.parametrize("count", [72, 100, 240])
def test_a_horizon_longer_than_the_series_can_tell_still_has_an_interval(count: int) -> None:
    said = given_forecast(series(wave(count)), steps=300)
    assert len(said.mean) == 300
    assert (said.low < said.high).all()
