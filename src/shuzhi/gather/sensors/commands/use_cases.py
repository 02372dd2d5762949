"""What others ask of commands: ask for one, see how it went; what the gateway does with them."""

from __future__ import annotations

from datetime import timedelta

from shuzhi.audit import Entry, queue
from shuzhi.gather.sensors.commands.errors import CommandError, bad_command
from shuzhi.gather.sensors.commands.model import (
    SECRET,
    Asked,
    Outcome,
    State,
    Wish,
    request_area,
)
from shuzhi.gather.sensors.commands.store import (
    insert_command,
    mark_over,
    mark_sent,
    read_command,
    read_commands,
    read_in_state,
)
from shuzhi.gather.sensors.stations.errors import no_such_station
from shuzhi.gather.sensors.stations.store import read_stations
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant

_SET_PASSWORD = "1072"  # noqa: S105


def ask(control: Control, wish: Wish, *, by: str, now: Instant) -> int:
    """Ask for a command and return its number; the gateway that runs sends it within a second.

    Raises:
        StationError: `gather.no_such_station`.
        CommandError: `gather.bad_command`.
    """
    if not (1 <= wish.over_time <= 3_600 and 0 <= wish.repeats <= 99):
        raise bad_command(wish.cn, "its time-out or repeats are out of bounds", "See --help.")
    with control.transaction() as connection:
        there = read_stations(connection, wish.mn)
        if not there:
            raise no_such_station(wish.mn)
        request_area(wish.cn, there[0].edition, wish.parameters)
        _keep_passwords_out(wish)
        values = {
            "mn": wish.mn,
            "cn": wish.cn,
            "parameters": dict(wish.parameters),
            "over_time": wish.over_time,
            "repeats": wish.repeats,
            "asked_by": by,
            "asked_at": now,
            "expires_at": now + timedelta(seconds=wish.wait_seconds),
        }
        number = insert_command(connection, values)
        facts = {"cn": wish.cn, "command": number, "parameters": dict(wish.parameters)}
        queue(connection, Entry("station.commanded", now, by, f"station:{wish.mn}", facts))
        return number


def command(control: Control, number: int) -> Asked:
    """Return a command as it stands. Raises CommandError `gather.no_such_command`."""
    with control.transaction() as connection:
        found = read_command(connection, number)
    if found is None:
        raise CommandError(
            "gather.no_such_command",
            f"There is no command {number}.",
            next_step="See those of a station with `shuzhi station show`.",
        )
    return found


def commands_to(control: Control, mn: str, limit: int = 20) -> tuple[Asked, ...]:
    """Return the newest commands to a station, newest first."""
    with control.transaction() as connection:
        return read_commands(connection, mn, limit)


def waiting(control: Control, now: Instant) -> tuple[Asked, ...]:
    """Return the commands that wait to be sent; those that have waited too long are over."""
    with control.transaction() as connection:
        found = read_in_state(connection, State.ASKED)
        for asked in found:
            if asked.expires_at <= now:
                mark_over(connection, asked.id, Outcome("station_away"), now)
    return tuple(asked for asked in found if asked.expires_at > now)


def sent(control: Control, number: int, now: Instant) -> None:
    """Note that a command is being sent."""
    with control.transaction() as connection:
        mark_sent(connection, number, now)


def end(control: Control, number: int, outcome: Outcome, now: Instant) -> None:
    """Note what came of a command."""
    with control.transaction() as connection:
        mark_over(connection, number, outcome, now)


def end_all_sent(control: Control, now: Instant) -> None:
    """Note of commands that were being sent when the gateway ended that nobody knows more."""
    with control.transaction() as connection:
        for asked in read_in_state(connection, State.SENT):
            mark_over(connection, asked.id, Outcome("gateway_ended"), now)


def _keep_passwords_out(wish: Wish) -> None:
    if wish.cn == _SET_PASSWORD and not all(
        value.startswith(SECRET) for value in wish.parameters.values()
    ):
        raise bad_command(
            wish.cn,
            "a password does not belong into the control store",
            "Set it as an environment variable of the gateway and write NewPW=secret:NAME.",
        )
