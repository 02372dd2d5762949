"""Commands to stations: what is asked of one, how it went, and what a request looks like.

A command waits in the control store until the gateway that runs sends it; what came of it is
written there too, so that it is never in doubt who told which station what, and when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from shuzhi.gather.sensors.commands.errors import bad_command
from shuzhi.gather.sensors.hj212 import Edition
from shuzhi.gather.sensors.hj212.tables import Command as Described
from shuzhi.gather.sensors.hj212.tables import commands
from shuzhi.kernel.instant import Instant

SECRET = "secret:"  # noqa: S105
"""A parameter that begins so names a secret, whose value alone goes to the station."""

NOW = "now"
"""A parameter with this value is the time at which the request is sent."""

_TOKEN = re.compile(r"([\[\]]*)([^;,\[\]]+)([\[\]]*)([;,]?)")
_VALUE = re.compile(r"[^;,=&\r\n]{1,200}")


class State(StrEnum):
    """How far a command has come; DONE and FAILED are for good."""

    ASKED = "asked"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Wish:
    """A command that somebody wants to give.

    It is repeated after `over_time` seconds without an answer, `repeats` times (HJ 212-2017,
    table 1: 10 and 3 on mobile networks), and given up if the station is not there for
    `wait_seconds`.
    """

    mn: str
    cn: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    over_time: int = 10
    repeats: int = 3
    wait_seconds: int = 60


@dataclass(frozen=True)
class Order:
    """A command as the gateway gets it, with the values that go to the station."""

    id: int
    mn: str
    cn: str
    parameters: Mapping[str, str]
    over_time: int
    repeats: int


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    `why` is a code where it failed: `station_away`, `no_answer`, `refused` (see `qn_return`),
    `no_result`, `not_done` (see `exe_return`), `connection_lost`, `gateway_ended`. `answer` has
    what the station said of itself, such as `RtdInterval`. Its data frames are those of `frames`
    records from `first_record` to before `last_record`.
    """

    why: str = ""
    attempts: int = 0
    qn: str = ""
    qn_return: int | None = None
    exe_return: int | None = None
    frames: int = 0
    first_record: int | None = None
    last_record: int | None = None
    answer: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Asked:
    """A command to a station, as it stands in the control store; see `Wish`.

    It is given up at `expires_at` if the station does not come.
    """

    id: int
    mn: str
    cn: str
    parameters: Mapping[str, str]
    over_time: int
    repeats: int
    asked_by: str
    asked_at: Instant
    expires_at: Instant
    state: State = State.ASKED
    sent_at: Instant | None = None
    ended_at: Instant | None = None
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (State.DONE, State.FAILED)


def described(cn: str) -> Described:
    """Return what a command to a device is. Raises CommandError `gather.bad_command`."""
    for command in commands().get(cn, ()):
        if command.direction in ("to_device", "both") and command.kind != "answer":
            return command
    raise bad_command(
        cn,
        "no edition of HJ 212 sends it to a device",
        "Choose one of those that `shuzhi station command --help` names.",
    )


def request_area(cn: str, edition: Edition, given: Mapping[str, str]) -> str:
    """Return the data area of a request, in the order and with the separators of its edition.

    Raises:
        CommandError: `gather.bad_command` when the edition does not have the command, when a
            parameter is missing or not one of it, or has a character that ends its field.
    """
    command = described(cn)
    template = command.requests.get(edition)
    if template is None:
        raise bad_command(cn, f"{edition.name} does not have it", "See the station's edition.")
    left = dict(given)
    parts: list[tuple[str, str]] = []
    is_optional = False
    for opens, name, closes, separator in _TOKEN.findall(template):
        is_optional = is_optional or "[" in opens
        names = [n for n in left if n.endswith(name[1:])] if name.startswith("*") else [name]
        if not is_optional and not (names and all(n in left for n in names)):
            raise bad_command(cn, f"{name} is missing", f"Give all of: {template}.")
        parts += [(f"{n}={_checked(cn, left.pop(n))}", separator) for n in names if n in left]
        is_optional = is_optional and "]" not in closes
    if left:
        names_left = ", ".join(sorted(left))
        raise bad_command(cn, f"it takes no {names_left}", f"It takes: {template or 'nothing'}.")
    return "".join(text + (mark or ";") for text, mark in parts)[:-1]


def _checked(cn: str, value: str) -> str:
    if _VALUE.fullmatch(value):
        return value
    raise bad_command(cn, f"{value[:40]!r} cannot stand in a frame", "Leave out ; , = and &.")
