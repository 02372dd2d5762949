"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from shuzhi.gather.lake import Lake, LakeSettings
from shuzhi.gather.lake.delta_log import LakeFolders
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.instant import Clock, Instant, system_clock

ROOT = Path(__file__).resolve().parents[1]
# How long an example takes says something about the machine, and nothing about us.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")


@pytest.fixture
def control(tmp_path: Path) -> Control:
    """A real, empty control store (SQLite) with every table."""
    store = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    metadata.create_all(store.engine)
    return store


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at 2026-03-02 08:00 UTC."""
    return lambda: Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data beside the checkout; the test is skipped where there is none."""
    folder = Path(os.environ.get("SHUZHI_REFERENCE_DATA", ROOT.parent / "shared"))
    if not (folder / "conformance").is_dir():
        pytest.skip("no reference data beside this checkout")
    return folder


class BusyLake(Lake):
    """A lake in `folder` into which somebody writes each time its version was asked.

    After forty times they have had enough, so that who asks until it stands still ends as well.
    """

    def __init__(self, folder: Path, write: Callable[[Lake], object]) -> None:
        super().__init__(LakeFolders(folder), LakeSettings(), lambda _: None, system_clock)
        self.write = write
        self.asked = 0

    def version(self, name: str) -> int:
        found = super().version(name)
        self.asked += 1
        _ = self.asked <= 40 and self.write(self)
        return found


@pytest.fixture(scope="session")
def busy_lake() -> type[BusyLake]:
    """Opens a lake that is there: `busy_lake(folder, write)`."""
    return BusyLake
