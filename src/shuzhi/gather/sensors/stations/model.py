"""Stations: monitors that may send, how each of them speaks, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from shuzhi.gather.sensors.hj212 import Checksum, Dialect, Edition
from shuzhi.gather.sensors.stations.errors import StationError
from shuzhi.kernel.instant import Instant

Secret = Callable[[str], str]
MOST_MN = 64
# Whatever is sent as MN in the field: letters, digits, dashes, underscores (2017 has 24 hex).
_MN = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_ST = re.compile(r"[0-9A-Z]{2,3}")


class Mode(StrEnum):
    """Whether frames that depart from the standard are taken with a note, or refused."""

    TOLERANT = "tolerant"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Station:
    """A monitor in the registry, by its MN.

    `password_hash` is keyed; `password_secret` names a secret to be used in its stead.
    `key_secret` names the station's SM4 key (HJ 212-2025). `stamps_end`: its DataTime is the end
    of an interval, not the start. `units` names the unit of a factor where it is not the
    standard's. `outfall` is where it stands, in the words of whoever registered it; `longitude` and
    `latitude` are degrees of WGS 84 (EPSG:4326), known since `located_at`.
    """

    mn: str
    st: str
    password_hash: str = field(default="", repr=False)
    password_secret: str | None = None
    key_secret: str | None = None
    edition: Edition = Edition.HJ212_2017
    checksum: Checksum = Checksum.STANDARD
    mode: Mode = Mode.TOLERANT
    answer_st: str = "91"
    answer_flag: int | None = None
    stamps_end: bool = False
    minute_interval: int = 10
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    party: str | None = None
    outfall: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    located_at: Instant | None = None
    is_enabled: bool = True

    @property
    def place(self) -> tuple[float | None, float | None]:
        """Where it stands: longitude and latitude."""
        return self.longitude, self.latitude

    def dialect(self, secret: Secret) -> Dialect:
        """Return how the station speaks. Raises what `secret` raises for a key that is not set."""
        key = None if self.key_secret is None else secret(self.key_secret).encode()
        return Dialect(
            edition=self.edition,
            checksum=self.checksum,
            key=key,
            answer_st=self.answer_st,
            answer_flag=self.answer_flag,
            stamps_end=self.stamps_end,
            minute_interval=self.minute_interval,
            is_strict=self.mode is Mode.STRICT,
            units=self.units,
        )


def _is_place(longitude: float | None, latitude: float | None) -> bool:
    if longitude is None or latitude is None:
        return longitude is latitude
    return -180 <= longitude <= 180 and -90 <= latitude <= 90


def require_station(station: Station) -> Station:
    """Return a station that can be registered, or refuse it (`gather.bad_station`)."""
    problems = [
        (not _MN.fullmatch(station.mn), "its MN is not 1 to 64 letters, digits, - _ or ."),
        (not _ST.fullmatch(station.st), "its ST is not two capitals or digits"),
        (not _ST.fullmatch(station.answer_st), "the ST of answers is not two capitals or digits"),
        (
            not (station.password_hash or station.password_secret),
            "it has neither a password nor a secret that holds one",
        ),
        (not 1 <= station.minute_interval <= 60, "its minute interval is not 1 to 60"),
        (not 0 <= (station.answer_flag or 0) <= 255, "the Flag of answers is not 0 to 255"),
        (not _is_place(*station.place), "its place is no longitude and latitude in degrees"),
    ]
    if found := [problem for is_wrong, problem in problems if is_wrong]:
        raise StationError(
            "gather.bad_station",
            f"The station {station.mn[:64]!r} cannot be registered: {'; '.join(found)}.",
            next_step="Correct what is named; the device's own settings show its MN and ST.",
        )
    return station
