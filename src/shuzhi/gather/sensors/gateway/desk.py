"""What a connection may ask of the gateway that it belongs to."""

from __future__ import annotations

from asyncio import Transport
from typing import TYPE_CHECKING, Protocol

from shuzhi.gather.sensors.gateway.admission import Admitted, Registry
from shuzhi.gather.sensors.gateway.committer import Committer
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.reading import Reading
from shuzhi.gather.sensors.hj212 import Refusal

if TYPE_CHECKING:
    from shuzhi.gather.sensors.gateway.connection import Connection


class Desk(Protocol):
    """The gateway, as its connections see it."""

    limits: Limits
    committer: Committer
    reading: Reading
    registry: Registry
    # As how many bytes a frame counts at least, so that one budget bounds both.
    frame_cost: float

    def file_of(self, transport: Transport) -> int:
        """Return the socket that may be read and written beside its transport, or `NONE`."""
        ...

    def came(self, connection: Connection) -> bool:
        """Count a connection; False when there is no room for it."""
        ...

    def went(self, connection: Connection) -> None:
        """Forget a connection that is gone."""
        ...

    def recognised(self, connection: Connection, admitted: Admitted, password: str) -> None:
        """Note that a connection speaks for a station, with this password."""
        ...

    def asked_for_time(self, mn: str) -> None:
        """Note that a station wants its clock to be set."""
        ...

    def refused(self, connection: Connection, refusal: Refusal, raw: bytes, mn: str) -> None:
        """Tell and keep what was refused, within limits."""
        ...

    def dropped(self, connection: Connection, why: str) -> None:
        """Drop a connection and tell why."""
        ...

    def later(self, seconds: float, connection: Connection, why: str) -> None:
        """Release a connection after some time."""
        ...
