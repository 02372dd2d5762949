"""A log's key, a log in a folder, and entries to put there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shuzhi.audit import Log, Signer, found_log

ORIGIN = "audit.city.example"


@pytest.fixture(scope="session")
def signer() -> Signer:
    """The key of the log; the same in every run."""
    return Signer(ORIGIN, bytes(range(32)))


@pytest.fixture
def log(tmp_path: Path, signer: Signer) -> Iterator[Log]:
    """A log of no entries that is open for writing."""
    # What a power cut leaves is tested on its own; here nothing need reach the disk.
    with found_log(tmp_path / "log", signer, sync=lambda _path: None) as log:
        yield log
