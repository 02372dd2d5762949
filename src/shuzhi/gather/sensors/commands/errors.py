"""What is refused of a command before any station hears of it."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class CommandError(RefusedError):
    """A command cannot be given, or is not there.

    Codes: `gather.bad_command`, `gather.no_such_command`.
    """


def bad_command(cn: str, why: str, next_step: str) -> CommandError:
    """The command does not exist, or not with these parameters."""
    return CommandError(
        "gather.bad_command", f"The command {cn[:8]!r} cannot be sent: {why}.", next_step=next_step
    )
