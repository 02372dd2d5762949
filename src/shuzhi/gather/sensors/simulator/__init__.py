"""simulator: monitors that do not exist, sending over real TCP, with faults and frauds on demand.

Whatever it sends is made up. Its stations are called `SIM…`, so that nobody takes them for real.
"""

from shuzhi.gather.sensors.simulator.faults import Fault, FaultKind, read_script
from shuzhi.gather.sensors.simulator.frames import Monitor, monitors
from shuzhi.gather.sensors.simulator.kinds import KINDS
from shuzhi.gather.sensors.simulator.registry import place_of, registry
from shuzhi.gather.sensors.simulator.sending import Plan, Sent, simulate

__all__ = [
    "KINDS",
    "Fault",
    "FaultKind",
    "Monitor",
    "Plan",
    "Sent",
    "monitors",
    "place_of",
    "read_script",
    "registry",
    "simulate",
]
