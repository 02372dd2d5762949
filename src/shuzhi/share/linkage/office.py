"""What the linkage room works with: stores, what is declared, and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shuzhi.gather.lake import LakeReader
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.model import Linkage


@dataclass(frozen=True)
class LinkageOffice:
    """Everything that linkage needs from outside; `memory_limit` bounds each run (`1GB`)."""

    control: Control
    lake: LakeReader
    linkages: Mapping[str, Linkage]
    memory_limit: str | None = None
    clock: Clock = system_clock
    publish: Publish = ignore

    def linkage(self, name: str) -> Linkage:
        """Return a linkage that is declared. Raises LinkageError `share.linkage_unknown`."""
        if name in self.linkages:
            return self.linkages[name]
        raise LinkageError(
            "share.linkage_unknown",
            f"There is no linkage {name[:60]!r}.",
            next_step=f"Choose one of: {', '.join(sorted(self.linkages)) or 'none yet'}.",
        )
