"""The verbs of sensors: stations, their gateway, commands to them, and the landing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic, sleep

from shuzhi.app.gather.pushing import Pushing
from shuzhi.app.wired import Wired, lake_of
from shuzhi.gather.sensors.commands import Asked, Wish
from shuzhi.gather.sensors.commands import use_cases as commands
from shuzhi.gather.sensors.gateway.keeper import Household, Ready, keep_gateway
from shuzhi.gather.sensors.gateway.setup import GatewaySetup
from shuzhi.gather.sensors.hj212.times import written
from shuzhi.gather.sensors.landing import (
    FRAMES,
    WRITER,
    LandingPlan,
    land_everything,
    landed_until,
    run_landing,
)
from shuzhi.gather.sensors.newest import NewestOfStation, newest_values
from shuzhi.gather.sensors.rereading import NO_DATA, Comparison, compare, keep
from shuzhi.gather.sensors.stations import Station, password_hash, password_key
from shuzhi.gather.sensors.stations import use_cases as stations
from shuzhi.gather.sensors.stations.dialects import Dialects
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.instant import Instant

_LOOK_SECONDS = 0.2


class Senses(Wired):
    """What a city does with monitors that send by themselves."""

    # Stations

    def stations(self) -> tuple[Station, ...]:
        """The stations that are registered, by MN."""
        return stations.stations(self.control)

    def station(self, mn: str) -> Station:
        """The station with this MN. Raises `gather.no_such_station`."""
        return stations.station(self.control, mn)

    def newest_values(self, *, within: timedelta) -> tuple[NewestOfStation, ...]:
        """What each station sent last, of what arrived `within` the past. As `newest_values`."""
        limit = self.settings.memory_limit
        return newest_values(self.lake, now=self.clock(), within=within, memory_limit=limit)

    def add_station(self, station: Station, password: str | None, *, by: str) -> None:
        """Register a station; without a `password` it must name a secret that holds it.

        Raises:
            StationError: `gather.bad_station`, `gather.station_known`.
        """
        stations.register_station(
            self.control, self._with_password(station, password), by=by, now=self.clock()
        )

    def change_station(
        self, mn: str, change: Callable[[Station], Station], password: str | None, *, by: str
    ) -> Station:
        """Change a station, and its password if one is given. Raises as `stations`."""

        def changed(station: Station) -> Station:
            return self._with_password(change(station), password)

        return stations.change_station(self.control, mn, changed, by=by, now=self.clock())

    def _with_password(self, station: Station, password: str | None) -> Station:
        if password is None:
            return station
        hashed = password_hash(password, self._password_key)
        return replace(station, password_hash=hashed, password_secret=None)

    @property
    def _password_key(self) -> bytes:
        return password_key(self.settings.folder / "keys" / "stations")

    # Commands

    def command(self, wish: Wish, *, by: str) -> int:
        """Ask for a command to a station and return its number. Raises as `commands.ask`."""
        return commands.ask(self.control, wish, by=by, now=self.clock())

    def commanded(self, number: int) -> Asked:
        """A command as it stands. Raises `gather.no_such_command`."""
        return commands.command(self.control, number)

    def commands_to(self, mn: str) -> tuple[Asked, ...]:
        """The newest commands to a station."""
        return commands.commands_to(self.control, mn)

    def outcome(self, number: int) -> Asked:
        """Wait until a command is over and return it.

        Raises:
            BrokenError: `gather.no_gateway` when no gateway takes it up in time.
        """
        while True:
            asked = self.commanded(number)
            if asked.is_over:
                return asked
            if asked.sent_at is None and self.clock() > asked.expires_at + timedelta(seconds=5):
                raise BrokenError(
                    "gather.no_gateway",
                    f"No gateway has taken up command {number} to {asked.mn}.",
                    next_step="Start one with `shuzhi gateway`.",
                )
            sleep(_LOOK_SECONDS)

    def reread(
        self, mn: str, cn: str, begin: Instant, end: Instant, *, by: str, wait_seconds: float = 60
    ) -> tuple[Asked, Comparison | None]:
        """Ask a station for its records of a span again (CN 2031, 2051, 2061) and compare them.

        There is no comparison where the query failed. A station that says that it has no data has
        answered. What was found is kept in the data set `rereadings`.

        Raises:
            BrokenError: `gather.not_landed` when what came is not landed in time.
        """
        span = {"BeginTime": written(begin), "EndTime": written(end)}
        asked = self.outcome(self.command(Wish(mn, cn, span), by=by))
        has_answered = asked.outcome.frames or asked.outcome.exe_return == NO_DATA
        if asked.outcome.why and not has_answered:
            return asked, None
        give_up_at = monotonic() + wait_seconds
        while (self.lake.committed(FRAMES, WRITER) or 0) < (asked.outcome.last_record or 0):
            if monotonic() > give_up_at:
                raise BrokenError(
                    "gather.not_landed",
                    f"What {mn} sent is not in the lake after {wait_seconds:g} s.",
                    next_step="See the log of the landing, and compare again later.",
                )
            sleep(_LOOK_SECONDS)
        found = compare(self.lake, asked, begin, end)
        keep(self.lake, asked, begin, end, found)
        return asked, found

    # Processes

    def run_gateway(
        self,
        ready: Ready,
        stop: Event,
        *,
        listen: Sequence[str] = (),
        has_landing: bool = True,
    ) -> None:
        """Take what stations send, and land it, until told to stop; see `settings.city.gateway`.

        Raises:
            BrokenError: `gather.spool_busy`, `gather.spool_torn`, `gather.cannot_listen`,
                `gather.landing_busy`; RefusedError `gather.bad_address`.
        """
        setup = self.settings.city.gateway
        house = Household(
            setup.model_copy(update={"listen": tuple(listen)}) if listen else setup,
            self.settings.folder,
            self._spool,
            self.control,
            self._password_key,
            self.settings.secret,
            self.clock,
            lambda: landed_until(self.lake),
        )
        with ThreadPoolExecutor(1, "gateway-keeper") as thread:
            keeping = thread.submit(keep_gateway, house, ready, stop)
            keeping.add_done_callback(lambda _: stop.set())
            try:
                if has_landing:
                    self.run_landing(stop)
                stop.wait()
            finally:
                stop.set()
            keeping.result()

    def run_landing(self, stop: Event) -> None:
        """Land what is spooled until told to stop. Raises `gather.landing_busy`."""
        run_landing(self._landing, stop)

    def land(self) -> int:
        """Land all that is spooled; return up to which record. Raises as `run_landing`."""
        return land_everything(self._landing)

    @property
    def _spool(self) -> Path:
        return self.settings.folder / "spool"

    @property
    def _landing(self) -> LandingPlan:
        setup: GatewaySetup = self.settings.city.gateway
        return LandingPlan(
            self.lake,
            lake_of(self.settings),
            self._spool,
            setup.spool,
            Dialects(self.control, self.settings.secret),
            self.publish,
            self.clock,
            Pushing(self.control, self.lake, self.settings.folder / ".scratch", self.clock),
            setup.land_every_seconds,
            setup.keep_hours,
        )
