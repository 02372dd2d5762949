"""What the linkage room works with: stores, what is declared, and the clock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shuzhi.gather.lake import LakeReader
from shuzhi.kernel.control import Control
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.share.linkage.errors import LinkageError
from shuzhi.share.linkage.model import Linkage

WORKING = "share.linkage_working"


@dataclass(frozen=True)
class LinkageOffice:
    """Everything that linkage needs from outside; `memory_limit` bounds each run (`1GB`).

    `scratch` is a folder where whoever trains or runs holds a lock.
    """

    control: Control
    lake: LakeReader
    linkages: Mapping[str, Linkage]
    scratch: Path
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

    def lock_file(self, name: str) -> Path:
        """Return a file to hold locked; its folder is there."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.scratch / f"{name}.lock"

    @contextmanager
    def alone(self, linkage: str) -> Iterator[None]:
        """Be the only one who trains or runs a linkage, of all processes.

        Raises:
            LinkageError: `share.linkage_working` while somebody else is.
        """
        with self.lock_file(f"of-{linkage}").open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LinkageError(
                    WORKING,
                    f"Somebody trains or runs the linkage {linkage} now.",
                    next_step="Wait until that has ended, then do it again.",
                ) from None
            yield
