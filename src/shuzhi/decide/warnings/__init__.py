"""warnings: what is to be expected and what was not, and what became of every warning."""

from shuzhi.decide.warnings.errors import WarningError
from shuzhi.decide.warnings.forecaster_yaml import parse_forecaster, read_forecaster
from shuzhi.decide.warnings.looking import run_forecasters
from shuzhi.decide.warnings.model import Anomaly, Crossing, Forecast, Forecaster, NoForecast, Why
from shuzhi.decide.warnings.registering import register_forecasters, switch_on_forecaster

__all__ = [
    "Anomaly",
    "Crossing",
    "Forecast",
    "Forecaster",
    "NoForecast",
    "WarningError",
    "Why",
    "parse_forecaster",
    "read_forecaster",
    "register_forecasters",
    "run_forecasters",
    "switch_on_forecaster",
]
