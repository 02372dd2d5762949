"""What makes a write last: syncing to the disk, and one writer at a time.

The functions that sync are handed in from above, so that a test can see what was synced and when.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shuzhi.gather.lake.errors import lake_busy

Sync = Callable[[Path], None]
_PAUSE_S = 0.002


def sync_each(paths: Iterable[Path], sync: Sync) -> None:
    """Sync files or folders in the order given."""
    for path in paths:
        sync(path)


@contextmanager
def held(lock: Path, *, name: str, wait_s: float) -> Iterator[None]:
    """Hold the table's advisory lock (flock): one writer of this lake, in any process or thread.

    The kernel lets go of it when the holder dies, however that happens.

    Raises:
        BrokenError: `gather.lake_busy` when the lock is not free within `wait_s` seconds.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor, name=name, wait_s=wait_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, name: str, wait_s: float) -> None:
    give_up_at = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise lake_busy(name, f"{wait_s:g} s") from None
            time.sleep(_PAUSE_S)
        else:
            return
