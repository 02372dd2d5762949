"""sensorthings: observations for ordinary clients by OGC SensorThings 1.1 (18-088), read only."""

from shuzhi.share.sensorthings.asking import Engine
from shuzhi.share.sensorthings.entities import COLUMNS, SETS
from shuzhi.share.sensorthings.errors import QueryError
from shuzhi.share.sensorthings.monitors import monitors_engine
from shuzhi.share.sensorthings.service import Answer, Service

__all__ = ["COLUMNS", "SETS", "Answer", "Engine", "QueryError", "Service", "monitors_engine"]
