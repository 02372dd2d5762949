"""What running rules needs of the platform."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.instant import Clock
from shuzhi.kernel.law import Law


@dataclass(frozen=True)
class Watch:
    """`zone` (an IANA name) is where the city's days begin, and with them what law sets."""

    control: Control
    lake: Lake
    law: Law
    zone: str
    clock: Clock
    publish: Publish = ignore
    memory_limit: str = "1GB"
