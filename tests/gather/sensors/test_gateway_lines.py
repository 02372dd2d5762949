"""What the gateway's process is told arrives as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shuzhi.gather.sensors.gateway.lines import heard_station, line, read_line, told_station
from shuzhi.gather.sensors.stations import Station
from shuzhi.kernel.instant import Instant

MOMENT = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "station",
    [
        Station("A" * 24, "32"),
        Station("B" * 24, "21", longitude=106.5, latitude=29.5, located_at=MOMENT),
    ],
)
def test_a_station_is_heard_as_it_was_told(station: Station) -> None:
    kind, told = read_line(line("station", told_station(station)))
    assert (kind, heard_station(told)) == ("station", station)
