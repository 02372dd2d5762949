"""warnings: what is to be expected and what was not, and what became of every warning."""

from shuzhi.decide.warnings.backtest import Backtest, backtest
from shuzhi.decide.warnings.errors import WarningError
from shuzhi.decide.warnings.forecaster_yaml import parse_forecaster, read_forecaster
from shuzhi.decide.warnings.judging import facts_of as forecaster_facts
from shuzhi.decide.warnings.looking import forecasts, run_forecasters
from shuzhi.decide.warnings.measuring import Errors
from shuzhi.decide.warnings.model import Anomaly, Crossing, Forecast, Forecaster, NoForecast, Why
from shuzhi.decide.warnings.outcomes import note_outcome, warning_scores
from shuzhi.decide.warnings.registering import register_forecasters, switch_on_forecaster
from shuzhi.decide.warnings.scoring import LeadTimes, Retirement, Score, Share
from shuzhi.decide.warnings.store import Issued

__all__ = [
    "Anomaly",
    "Backtest",
    "Crossing",
    "Errors",
    "Forecast",
    "Forecaster",
    "Issued",
    "LeadTimes",
    "NoForecast",
    "Retirement",
    "Score",
    "Share",
    "WarningError",
    "Why",
    "backtest",
    "forecaster_facts",
    "forecasts",
    "note_outcome",
    "parse_forecaster",
    "read_forecaster",
    "register_forecasters",
    "run_forecasters",
    "switch_on_forecaster",
    "warning_scores",
]
