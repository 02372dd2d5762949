"""What the registry of stations refuses."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class StationError(RefusedError):
    """A station cannot be registered, or is not there.

    Codes: `gather.bad_station`, `gather.station_known`, `gather.no_such_station`,
    `gather.bad_password_key`.
    """


def no_such_station(mn: str) -> StationError:
    """Nobody registered this MN."""
    return StationError(
        "gather.no_such_station",
        f"There is no station {mn[:64]!r}.",
        next_step="Register it with `shuzhi station add`, or see them with `shuzhi station list`.",
    )
