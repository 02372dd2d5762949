"""Models: data sets that SQL makes of others, built in order of what they read."""

from shuzhi.decide.models.model import Grain, Incremental, Model, ModelBuilt, ModelRun, State
from shuzhi.decide.models.order import ordered
from shuzhi.decide.models.sql_file import parse_model, read_model
from shuzhi.decide.models.use_cases import Building, run_models

__all__ = [
    "Building",
    "Grain",
    "Incremental",
    "Model",
    "ModelBuilt",
    "ModelRun",
    "State",
    "ordered",
    "parse_model",
    "read_model",
    "run_models",
]
