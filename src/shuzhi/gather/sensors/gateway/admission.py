"""Who may send: the registry as the gateway holds it, and what becomes of a frame's sender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shuzhi.gather.sensors.hj212 import Dialect, Head, Refusal
from shuzhi.gather.sensors.hj212.tables import strict
from shuzhi.gather.sensors.stations import Mode, Station, is_password, password_hash

# An answer's ST (system interaction), which every station may use.
_INTERACTION = "91"
_USUAL = Dialect()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A station that may send, and how it speaks."""

    station: Station
    dialect: Dialect

    def not_allowed(self, tolerated: Sequence[str]) -> tuple[str, ...]:
        """Return which oddities of a frame a station that is held to the standard may not have."""
        if self.station.mode is Mode.TOLERANT:
            return ()
        return tuple(code for code in tolerated if code not in strict())


class Registry:
    """The stations at one moment; a newer registry takes its place as a whole.

    `key` is that of the password hashes, `secrets` has the values of secrets by their names.
    """

    def __init__(self, stations: Iterable[Station], key: bytes, secrets: Mapping[str, str]) -> None:
        self._stations = {station.mn: station for station in stations}
        self._key = key
        self._secrets = secrets

    def with_changes(self, stations: Iterable[Station], secrets: Mapping[str, str]) -> Registry:
        """Return a registry that has these in place of what it knew of them."""
        changed = Registry((), self._key, {**self._secrets, **secrets})
        changed._stations = {**self._stations, **{s.mn: s for s in stations}}
        return changed

    def __len__(self) -> int:
        return len(self._stations)

    def admit(self, head: Head) -> Admitted | Refusal:
        """Return the station that sent this head, or why it may not; never raises."""
        found = self.named(head.mn, head.pw)
        if isinstance(found, Refusal):
            return found
        is_known = head.st in (found.station.st, _INTERACTION)
        if found.station.mode is Mode.STRICT and not is_known:
            return Refusal("system_not_registered", detail=head.st)
        return found

    def named(self, mn: str, password: str) -> Admitted | Refusal:
        """Return the station that says it is `mn`, or why it may not send; never raises.

        The password is checked before anything else is said of a station.
        """
        station = self._stations.get(mn)
        if station is None:
            return Refusal("station_unknown", detail=mn[:64])
        try:
            if not is_password(password, self._hash_of(station), self._key):
                return Refusal("password_wrong")
            dialect = station.dialect(self._secrets.__getitem__)
        except KeyError as error:
            return Refusal("station_secret_missing", detail=str(error.args[0]))
        if not station.is_enabled:
            return Refusal("station_disabled")
        # Most stations speak alike, and need not each have a description of it.
        return Admitted(station, _USUAL if dialect == _USUAL else dialect)

    def _hash_of(self, station: Station) -> str:
        if station.password_secret is None:
            return station.password_hash
        return password_hash(self._secrets[station.password_secret], self._key)
