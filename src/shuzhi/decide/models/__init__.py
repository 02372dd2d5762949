"""Models: data sets that SQL makes of others, built in order of what they read."""

from shuzhi.decide.models.by_law import other_unit
from shuzhi.decide.models.model import (
    Grain,
    Incremental,
    Model,
    ModelBuilt,
    ModelRun,
    Parameter,
    State,
)
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
    "Parameter",
    "State",
    "ordered",
    "other_unit",
    "parse_model",
    "read_model",
    "run_models",
]
