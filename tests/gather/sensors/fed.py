"""A connection that is fed by hand, without an event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from running import registry

from shuzhi.gather.sensors.gateway.admission import Admitted
from shuzhi.gather.sensors.gateway.connection import Connection
from shuzhi.gather.sensors.gateway.limits import Limits
from shuzhi.gather.sensors.gateway.sending import NONE
from shuzhi.gather.sensors.hj212 import Refusal
from shuzhi.gather.sensors.stations import Station


class Fed:
    """The desk, the committer and the transport of one connection, in one."""

    is_pressed = False

    def __init__(self, known: Sequence[Station], limits: Limits) -> None:
        self.limits = limits
        self.frame_cost = 1.0
        self.registry = registry(known)
        self.committer: Any = self
        self.records: list[bytes] = []
        self.refusals: list[Refusal] = []
        self.connection = Connection(self, 1)
        self.connection.connection_made(self)  # type: ignore[arg-type]

    def taken(self) -> list[bytes]:
        return self.records

    def add(self, record: Any, *_: object) -> None:
        self.records.append(record[3])

    def add_unchecked(self, entry: Any, size: int) -> None:
        assert size
        self.add(entry)

    def file_of(self, _: object) -> int:
        return NONE

    def came(self, connection: Connection) -> bool:
        return connection is not None

    def went(self, connection: Connection) -> None: ...

    def recognised(self, connection: Connection, admitted: Admitted, password: str) -> None: ...

    def asked_for_time(self, mn: str) -> None: ...

    def refused(self, connection: Connection, refusal: Refusal, raw: bytes, mn: str) -> None:
        del connection, raw, mn
        self.refusals.append(refusal)

    def dropped(self, connection: Connection, why: str) -> None: ...

    def later(self, seconds: float, connection: Connection, why: str) -> None: ...

    def get_extra_info(self, name: str) -> tuple[str, int]:
        del name
        return ("10.0.0.1", 1)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
