"""Commands to stations: asked for by people, sent by the gateway, answered by the station."""

from shuzhi.gather.sensors.commands.errors import CommandError
from shuzhi.gather.sensors.commands.model import Asked, Outcome, State
from shuzhi.gather.sensors.commands.use_cases import (
    Wish,
    ask,
    command,
    commands_to,
    end,
    end_all_sent,
    take,
)

__all__ = [
    "Asked",
    "CommandError",
    "Outcome",
    "State",
    "Wish",
    "ask",
    "command",
    "commands_to",
    "end",
    "end_all_sent",
    "take",
]
