"""`/stations`: the monitors that may send; what they sent is served as SensorThings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import StringConstraints

from shuzhi.gather.sensors.stations import Station
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Answer, Listed
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.sensorthings import PREFIX as SENSORTHINGS

TAG = {
    "name": "stations",
    "description": "监测站点 · Stations: monitors, and where their values are.",
}
router = APIRouter(prefix="/stations", tags=["stations"])
Mn = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,64}$")],
    InPath(description="The MN of the station."),
]
# Monitors that do not exist are registered under such numbers (`shuzhi simulate`).
_SIMULATED = "SIM"


class StationAnswer(Answer):
    """A monitor that may send."""

    mn: str
    """Its MN (HJ 212), by which it is known."""
    st: str
    """What kind of monitor it is: the ST of HJ 212."""
    party: str | None
    """Whose it is."""
    outfall: str | None
    """Where it stands, in the words of whoever registered it."""
    edition: str
    """The edition of HJ 212 that it speaks."""
    is_enabled: bool
    """Whether it may send."""
    is_simulated: bool
    """Whether it is made up."""
    observations: str
    """Where its values are: an address of the SensorThings service."""

    @classmethod
    def told(cls, station: Station) -> StationAnswer:
        """Return a station; its passwords and keys are nobody's business."""
        return cls.about(
            station,
            edition=station.edition.name.lower(),
            is_simulated=station.mn.startswith(_SIMULATED),
            observations=f"{SENSORTHINGS}/Things('{station.mn}')/Datastreams",
        )


class Stations(Listed):
    """A page of stations, by MN."""

    items: tuple[StationAnswer, ...]
    """The stations."""


@router.get("", **reads(Right.READ))
def list_stations(city: CityHere, page: PageAsked) -> Stations:
    """List the stations, by MN."""
    found = [s for s in city.stations() if page.name is None or s.mn > page.name]
    shown, following = page.cut(found, lambda one: one.mn)
    return Stations(items=tuple(map(StationAnswer.told, shown)), next=following)


@router.get("/{mn}", **reads(Right.READ))
def show_station(city: CityHere, mn: Mn) -> StationAnswer:
    """Show a station."""
    return StationAnswer.told(city.station(mn))
