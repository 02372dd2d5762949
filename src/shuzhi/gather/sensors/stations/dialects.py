"""How all stations speak, read anew when the registry has changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shuzhi.gather.sensors.hj212 import Dialect
from shuzhi.gather.sensors.stations.model import Secret, Station
from shuzhi.gather.sensors.stations.use_cases import registry_stamp, stations
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError

_logger = logging.getLogger("shuzhi.landing")


class Dialects:
    """Returns, when called, how each registered station speaks, by MN.

    A station whose key is not set is left out: what it enciphered cannot be read then.
    """

    def __init__(self, control: Control, secret: Secret) -> None:
        self._control = control
        self._secret = secret
        self._stamp: tuple[object, ...] = ()
        self._dialects: Mapping[str, Dialect] = {}

    def __call__(self) -> Mapping[str, Dialect]:
        """Return the dialects by MN."""
        stamp = registry_stamp(self._control)
        if stamp != self._stamp:
            found = {s.mn: self._dialect(s) for s in stations(self._control)}
            self._dialects = {mn: dialect for mn, dialect in found.items() if dialect}
            self._stamp = stamp
        return self._dialects

    def _dialect(self, station: Station) -> Dialect | None:
        try:
            return station.dialect(self._secret)
        except RefusedError as error:
            _logger.error("what station %s enciphers cannot be read: %s", station.mn, error)
            return None
