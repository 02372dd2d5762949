"""What every verb of an open city stands on: settings, stores, clock, and what is declared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from shuzhi.gather.lake import Lake, LakeSettings, open_lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.packs import Declared, installed_pack, read_declared
from shuzhi.settings import Settings

# What the platform says of itself is a pack like any other, and below all others.
PLATFORM = "platform"


def lake_of(settings: Settings) -> Lake:
    """Open the lake of a city, which keeps older versions as long as the city says."""
    kept = LakeSettings.keeping(settings.city.keep_versions_days)
    return open_lake(settings.lake_folder, settings=kept)


@dataclass(frozen=True)
class Wired(ABC):
    """A city's settings, its control store, its lake and its clock."""

    settings: Settings
    control: Control
    lake: Lake
    clock: Clock = system_clock

    @property
    @abstractmethod
    def publish(self) -> Publish:
        """Hands a fact to everybody who reacts to it: the table of `reactions`."""

    @cached_property
    def declared(self) -> Declared:
        """What the city's packs and its own folder declare, as they were when first asked.

        Raises:
            RefusedError: `packs.no_such_pack`; DocumentError `packs.bad_pack` with every finding.
        """
        declared = Declared(self.settings.folder)
        for pack in (PLATFORM, *self.settings.city.packs):
            declared = installed_pack(pack).declared.over(declared)
        return read_declared(self.settings.folder).over(declared)
