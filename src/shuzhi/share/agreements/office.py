"""What the agreements room works with: store, law, calendar, authority and clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.share.agreements.clocks import Time
from shuzhi.share.agreements.policy import Names


@dataclass(frozen=True)
class SharingOffice:
    """Everything that applications and agreements need from outside.

    `authority` is the party that manages sharing in the city (政务数据共享主管部门); of all parties
    of a city it is the common one, across levels and districts. `names` gives what policies call
    parties and data sets. `is_held` tells whether the platform holds a data set: what it holds it
    hands out itself, and is provided with the agreement.
    """

    control: Control
    time: Time
    authority: PartyId
    names: Names
    clock: Clock = system_clock
    publish: Publish = ignore
    is_held: Callable[[str], bool] = lambda _: False
