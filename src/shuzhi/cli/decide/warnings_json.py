"""Scores and backtests as documents for programs; spans of time are in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shuzhi.decide.warnings import Backtest, Errors, LeadTimes, Score, Share


def score_document(one: Score) -> dict[str, Any]:
    """Return the score of a rule."""
    shares = ("precision", "false_alarms", "acted_upon", "closed")
    return {
        "rule": one.rule_id,
        "warnings": one.warnings,
        "open": one.open,
        "first_raised_at": one.first_raised_at,
        **{name: _share(getattr(one, name)) for name in shares},
        "lead_times": _lead_times(one.lead_times),
        "proposed_for_retirement": one.retire,
    }


def backtest_document(done: Backtest) -> dict[str, Any]:
    """Return a backtest."""
    told = done.foretold
    return {
        "cut_offs": done.cut_offs,
        "forecasts": done.forecasts,
        "without_forecast": {why.value: count for why, count in done.without.items()},
        "errors": done.errors and _errors(done.errors),
        "by_series": [{"series": k, **_errors(found)} for k, found in done.by_series.items()],
        "in_anomalies": done.unusual and _share(done.unusual),
        "warnings": told
        and {
            "raised": told.warnings,
            "precision": _share(told.precision),
            "recall": _share(told.recall),
            "lead_times": _lead_times(told.lead_times),
        },
    }


def _errors(found: Errors) -> dict[str, Any]:
    return {
        "steps": found.steps,
        "mae": found.mae,
        "naive_mae": found.naive_mae,
        "mase": found.mase,
        "skill": found.skill,
        "covered": _share(found.covered),
    }


def _share(share: Share) -> dict[str, Any]:
    figures = {"count": share.count, "of": share.of, "value": share.value}
    return {**figures, "wilson_95": share.interval}


def _lead_times(found: LeadTimes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    median_s, p10_s = found.median.total_seconds(), found.p10.total_seconds()
    return {"count": found.count, "median_s": median_s, "p10_s": p10_s}
