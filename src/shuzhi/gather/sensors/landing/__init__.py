"""The landing: from the spool into the lake, each value once, with its revisions."""

from shuzhi.gather.sensors.landing.events import ValueRevised, ValuesRevised
from shuzhi.gather.sensors.landing.land import Landed, Landing, landed_until

__all__ = ["Landed", "Landing", "ValueRevised", "ValuesRevised", "landed_until"]
