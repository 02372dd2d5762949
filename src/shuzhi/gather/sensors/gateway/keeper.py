"""Keeps the gateway's process: starts it, tells it stations and orders, writes down what comes.

The keeper has the control store and the lake, which the gateway's process does without. If that
process dies, it is started again; if the keeper dies, the end of its pipes ends the other.
"""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from shuzhi.gather.sensors.commands import Asked, Order, Outcome, Wish
from shuzhi.gather.sensors.commands.model import NOW, SECRET
from shuzhi.gather.sensors.commands.use_cases import ask, end, end_all_sent, sent, waiting
from shuzhi.gather.sensors.gateway.address import address
from shuzhi.gather.sensors.gateway.lines import (
    batched,
    heard_outcome,
    line,
    read_line,
    told_order,
    told_station,
)
from shuzhi.gather.sensors.gateway.receiver import COMMAND, died
from shuzhi.gather.sensors.gateway.setup import GatewaySetup
from shuzhi.gather.sensors.push.setup import told_http, told_mqtt
from shuzhi.gather.sensors.stations import Secret, Station
from shuzhi.gather.sensors.stations.use_cases import registry_stamp, stations
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import BrokenError, RefusedError, ShuzhiError
from shuzhi.kernel.instant import Clock, Instant

Ready = Callable[[Sequence[tuple[str, int]]], None]

_LOOK_SECONDS = 0.5
_END_SECONDS = 30.0
_SET_TIME = "1012"
_CLOCK_SET_AGAIN = timedelta(minutes=1)
_logger = logging.getLogger("shuzhi.gateway")


@dataclass(frozen=True)
class Household:
    """What the gateway needs of its city.

    `folder` is where the files of `setup` are looked for, `floor` tells from which number on the
    spool may count.
    """

    setup: GatewaySetup
    folder: Path
    spool: Path
    control: Control
    password_key: bytes
    secret: Secret
    clock: Clock
    floor: Callable[[], int]


def keep_gateway(house: Household, ready: Ready, stop: threading.Event) -> None:
    """Keep a gateway until told to stop; `ready` is told its addresses, each time it starts.

    Raises:
        BrokenError: as the spool, and `gather.cannot_listen`; RefusedError `gather.bad_address`.
    """
    end_all_sent(house.control, house.clock())
    while not stop.is_set():
        gateway = _Kept(house, ready)
        try:
            gateway.run(stop)
        finally:
            gateway.end()
        if not stop.is_set():
            _logger.error("the gateway ended with %s; it is started again", gateway.code)
            end_all_sent(house.control, house.clock())
            stop.wait(_LOOK_SECONDS)


class _Kept:
    """One life of the gateway's process."""

    def __init__(self, house: Household, ready: Ready) -> None:
        self._house = house
        self._ready = ready
        self._stamp: tuple[object, ...] = ()
        self._known: dict[str, Station] = {}
        self._under_way: set[int] = set()
        self._clocks: dict[str, Instant] = {}
        self._process = subprocess.Popen(  # noqa: S603
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._said: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        self._told: IO[bytes] = self._process.stdin  # type: ignore[assignment]

    @property
    def code(self) -> int | None:
        """What the process ended with."""
        return self._process.returncode

    def run(self, stop: threading.Event) -> None:
        """Start the gateway, then tell and hear until it or the keeper is to end."""
        self._tell("start", self._start())
        self._tell_changes()
        self._tell("go", None)
        self._begun(*read_line(self._said.readline() or line("died", None)))
        hearing = threading.Thread(target=self._hear, name="gateway-says", daemon=True)
        hearing.start()
        while not stop.wait(_LOOK_SECONDS) and hearing.is_alive():
            try:
                self._tell_news()
            except ShuzhiError as error:
                _logger.error("the control store cannot be read: %s", error)
            except BrokenPipeError:
                return

    def end(self) -> None:
        """Let the process end: it writes and answers what it has taken."""
        with suppress(BrokenPipeError):
            self._told.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> Mapping[str, Any]:
        house = self._house
        tls, push_http, push_mqtt = house.setup.tls, house.setup.http, house.setup.mqtt
        files = None if tls is None else {k: str(house.folder / v) for k, v in dict(tls).items()}
        return {
            "limits": asdict(house.setup.limits),
            "listen": [address(text) for text in house.setup.listen],
            "receivers": house.setup.receivers,
            "reception": None,
            "spool": str(house.spool),
            "spool_bytes": house.setup.spool_bytes,
            "segment_bytes": house.setup.segment_bytes,
            "floor": house.floor(),
            "password_key": house.password_key.hex(),
            "tls": files,
            "http": push_http and told_http(push_http, house.secret),
            "mqtt": push_mqtt and told_mqtt(push_mqtt, house.secret),
        }

    def _begun(self, kind: str, told: Any) -> None:
        if kind == "ready":
            self._ready([(host, port) for host, port in told])
        elif kind == "cannot_listen":
            raise BrokenError(
                "gather.cannot_listen",
                f"The gateway cannot listen on {', '.join(self._house.setup.listen)}: {told}.",
                next_step="See which process has the address, or choose another with --listen.",
            )
        elif kind == "broken":
            raise BrokenError(told["code"], told["message"], next_step=told["next_step"])
        else:
            raise died()

    # What it is told

    def _tell(self, kind: str, told: Any) -> None:
        self._told.write(line(kind, told))
        self._told.flush()

    def _tell_news(self) -> None:
        self._tell_changes()
        now = self._house.clock()
        for asked in waiting(self._house.control, now):
            if asked.id not in self._under_way:
                self._order(asked)

    def _tell_changes(self) -> None:
        """Tell of stations that are new or changed, in lines that are soon read."""
        stamp = registry_stamp(self._house.control)
        if stamp == self._stamp:
            return
        found = {station.mn: station for station in stations(self._house.control)}
        changed = [s for mn, s in found.items() if self._known.get(mn) != s]
        self._known, self._stamp = found, stamp
        for some in batched(changed):
            names = {name for s in some for name in (s.password_secret, s.key_secret) if name}
            told = [told_station(station) for station in some]
            self._tell("stations", {"stations": told, "secrets": self._secrets(names)})
        _logger.info("%s stations are registered", len(found))

    def _secrets(self, names: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in names:
            try:
                found[name] = self._house.secret(name)
            except RefusedError as error:
                _logger.error("stations that name it cannot be heard: %s", error)
        return found

    def _order(self, asked: Asked) -> None:
        self._under_way.add(asked.id)
        order = Order(
            asked.id, asked.mn, asked.cn, asked.parameters, asked.over_time, asked.repeats
        )
        try:
            self._tell("order", told_order(replace(order, parameters=self._filled(asked))))
        except RefusedError as error:
            _logger.error("command %s is not sent: %s", asked.id, error)
            end(self._house.control, asked.id, Outcome("secret_missing"), self._house.clock())

    def _filled(self, asked: Asked) -> dict[str, str]:
        return {
            name: self._house.secret(v.removeprefix(SECRET)) if v.startswith(SECRET) else v
            for name, v in asked.parameters.items()
        }

    # What it says

    def _hear(self) -> None:
        while raw := self._said.readline():
            kind, told = read_line(raw)
            try:
                self._take(kind, told)
            except ShuzhiError as error:
                _logger.error("%s %s cannot be written down: %s", kind, told, error)

    def _take(self, kind: str, told: Any) -> None:
        control, now = self._house.control, self._house.clock()
        if kind == "taken":
            sent(control, told, now)
        elif kind == "away":
            self._under_way.discard(told)
        elif kind == "outcome":
            number, outcome = heard_outcome(told)
            end(control, number, outcome, now)
            self._under_way.discard(number)
        elif kind == "wants_its_clock_set" and self._may_set(told, now):
            ask(control, Wish(told, _SET_TIME, {"SystemTime": NOW}), by=told, now=now)

    def _may_set(self, mn: str, now: Instant) -> bool:
        """Whether a station has not had this a minute ago."""
        last, self._clocks[mn] = self._clocks.get(mn), now
        return last is None or now - last > _CLOCK_SET_AGAIN
