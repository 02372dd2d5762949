"""How a city's gateway is set up: the section `gateway` of its settings file."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.push.setup import HttpPush, MqttPush
from shuzhi.gather.sensors.spool import SpoolSettings
from shuzhi.kernel.documents import StrictModel

_GIB = 1024**3


class Tls(StrictModel):
    """Files of the gateway's certificate chain and private key (PEM), from the city's folder."""

    certificate: str
    key: str


class GatewaySetup(StrictModel):
    """What the gateway listens to and keeps.

    `listen` are addresses as HOST:PORT; with `tls` they speak TLS only. With `receivers` above 1 so
    many processes read and write the connections. `spool_bytes` is the most
    that the spool may hold, in segments of `segment_bytes`; what is landed stays in it for
    `keep_hours` as evidence, if there is room. Rounds of the landing are `land_every_seconds`
    apart while little comes in. With `http` and `mqtt` messages are pushed.
    """

    listen: tuple[str, ...] = ("127.0.0.1:9212",)
    tls: Tls | None = None
    receivers: int = Field(default=1, ge=1, le=64)
    limits: Limits = Limits()
    spool_bytes: PositiveInt = 20 * _GIB
    segment_bytes: PositiveInt = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    keep_hours: PositiveFloat = 168.0
    land_every_seconds: PositiveFloat = 1.0
    http: HttpPush | None = None
    mqtt: MqttPush | None = None

    @property
    def spool(self) -> SpoolSettings:
        """How the spool is cut and bounded."""
        return SpoolSettings(self.segment_bytes, self.spool_bytes)
