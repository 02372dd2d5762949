"""Commands to stations: asked for by people, sent by the gateway, answered by the station.

What others ask of them is in `use_cases`, which needs the control store; the gateway's own process
does without.
"""

from shuzhi.gather.sensors.commands.errors import CommandError
from shuzhi.gather.sensors.commands.model import Asked, Order, Outcome, State, Wish

__all__ = ["Asked", "CommandError", "Order", "Outcome", "State", "Wish"]
