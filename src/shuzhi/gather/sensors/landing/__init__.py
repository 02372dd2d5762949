"""The landing: from the spool into the lake, each value once, with its revisions."""

from shuzhi.gather.sensors.landing.events import ValueRevised, ValuesRevised
from shuzhi.gather.sensors.landing.land import TABLES, WRITER, Landed, Landing, landed_until
from shuzhi.gather.sensors.landing.run import LandingPlan, land_everything, run_landing
from shuzhi.gather.sensors.landing.tables import FRAMES

__all__ = [
    "FRAMES",
    "TABLES",
    "WRITER",
    "Landed",
    "Landing",
    "LandingPlan",
    "ValueRevised",
    "ValuesRevised",
    "land_everything",
    "landed_until",
    "run_landing",
]
