"""The registry of stations: who may send, how each speaks, and whose it is.

What others ask of it is in `use_cases`, which needs the control store; the gateway's own process
does without.
"""

from shuzhi.gather.sensors.stations.errors import StationError
from shuzhi.gather.sensors.stations.model import Mode, Secret, Station
from shuzhi.gather.sensors.stations.passwords import is_password, password_hash, password_key
from shuzhi.gather.sensors.stations.spelled import spelled

__all__ = [
    "Mode",
    "Secret",
    "Station",
    "StationError",
    "is_password",
    "password_hash",
    "password_key",
    "spelled",
]
