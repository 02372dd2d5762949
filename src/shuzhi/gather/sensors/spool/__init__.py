"""The spool: what came in, durable before anybody is told so, in the order in which it came.

It knows records as bytes with a time, a source and a kind, and nothing of what they say.
"""

from shuzhi.gather.sensors.spool.batch import Batch, Record
from shuzhi.gather.sensors.spool.reader import SpoolReader
from shuzhi.gather.sensors.spool.retention import Kept, release
from shuzhi.gather.sensors.spool.segments import Lost, SpoolSettings
from shuzhi.gather.sensors.spool.shared import DistantSpool, SharedSpool
from shuzhi.gather.sensors.spool.storage import Disk, SegmentFile, Storage
from shuzhi.gather.sensors.spool.writer import SpoolWriter

__all__ = [
    "Batch",
    "Disk",
    "DistantSpool",
    "Kept",
    "Lost",
    "Record",
    "SegmentFile",
    "SharedSpool",
    "SpoolReader",
    "SpoolSettings",
    "SpoolWriter",
    "Storage",
    "release",
]
