"""The registry of stations: who may send, how each speaks, and whose it is."""

from shuzhi.gather.sensors.stations.dialects import Dialects
from shuzhi.gather.sensors.stations.errors import StationError
from shuzhi.gather.sensors.stations.model import Mode, Secret, Station
from shuzhi.gather.sensors.stations.passwords import is_password, password_hash, password_key
from shuzhi.gather.sensors.stations.spelled import spelled
from shuzhi.gather.sensors.stations.use_cases import (
    change_station,
    register_station,
    registry_stamp,
    set_enabled,
    station,
    stations,
)

__all__ = [
    "Dialects",
    "Mode",
    "Secret",
    "Station",
    "StationError",
    "change_station",
    "is_password",
    "password_hash",
    "password_key",
    "register_station",
    "registry_stamp",
    "set_enabled",
    "spelled",
    "station",
    "stations",
]
