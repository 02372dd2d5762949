"""Reads what people write of a station, as NAME=VALUE: names as in `Station`, values in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shuzhi.gather.sensors.hj212 import Checksum, Edition
from shuzhi.gather.sensors.stations.errors import StationError
from shuzhi.gather.sensors.stations.model import Mode, Station

_EDITIONS = {"2005": Edition.HJT212_2005, "2017": Edition.HJ212_2017, "2025": Edition.HJ212_2025}
_TRUTHS = {"yes": True, "no": False}


def _units(text: str) -> dict[str, str]:
    """Read `w01018:g/L,a34013:ug/m3`."""
    return dict(each.split(":", 1) for each in text.split(",") if each)


_READ: Mapping[str, Callable[[str], Any]] = {
    "st": str,
    "password_secret": str,
    "key_secret": str,
    "edition": _EDITIONS.__getitem__,
    "checksum": Checksum,
    "mode": Mode,
    "answer_st": str,
    "answer_flag": int,
    "stamps_end": _TRUTHS.__getitem__,
    "minute_interval": int,
    "units": _units,
    "party": str,
    "outfall": str,
    "longitude": float,
    "latitude": float,
}
HELP = (
    "st=31 edition=2005|2017|2025 mode=tolerant|strict checksum=standard|modbus|modbus_swapped "
    "stamps_end=yes|no minute_interval=10 units=CODE:UNIT,… party=… outfall=… longitude=106.5 "
    "latitude=29.5 answer_st=… answer_flag=… password_secret=NAME key_secret=NAME"
)


def spelled(station: Station, given: Mapping[str, str]) -> Station:
    """Return the station with what is given of it.

    Raises:
        StationError: `gather.bad_station` for a name or value that is none.
    """
    values: dict[str, Any] = {}
    for name, text in given.items():
        try:
            values[name] = _READ[name](text)
        except (KeyError, ValueError):
            raise StationError(
                "gather.bad_station",
                f"{name[:40]}={text[:40]} says nothing of a station.",
                next_step=f"Write any of: {HELP}.",
            ) from None
    return replace(station, **values)
