"""How long versions can be read: as the settings of a lake say, in its files and in its log."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from shuzhi.app import create_city, open_city
from shuzhi.gather.lake import Lake, LakeSettings, open_lake
from shuzhi.gather.sensors.landing.run import compact_tables
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOW = datetime.now(UTC)


def rows(*ids: int) -> pa.Table:
    return pa.table({"id": list(ids)})


def lake_in(folder: Path, days: int) -> Lake:
    return open_lake(folder / "lake", settings=LakeSettings.keeping(days))


def read(lake: Lake, version: int) -> list[int]:
    """Return what a version of a table holds."""
    with lake.reader("t", version=version) as reader:
        return reader.read_all().column("id").to_pylist()


def retention(folder: Path, name: str = "t") -> str | None:
    table = DeltaTable(str(folder / "lake" / name))
    return table.metadata().configuration.get("delta.logRetentionDuration")


@pytest.mark.parametrize(("days", "log_days"), [(0, 30), (30, 30), (90, 90)])
def test_the_log_is_kept_as_long_as_versions_and_a_month_at_least(
    tmp_path: Path, days: int, log_days: int
) -> None:
    lake_in(tmp_path, days).append("t", rows(1))
    assert retention(tmp_path) == f"interval {log_days} days"


def test_versions_are_kept_as_long_as_the_settings_say(tmp_path: Path) -> None:
    lake = lake_in(tmp_path, 1)
    lake.append("t", rows(1))
    lake.overwrite("t", rows(2))
    assert lake.vacuum("t").files == ()
    assert read(lake, 0) == [1]
    assert len(lake_in(tmp_path, 0).vacuum("t").files) == 1
    with pytest.raises(RefusedError, match=r"gather.version_gone"):
        read(lake, 0)


def test_a_table_that_is_there_follows_new_settings_by_one_commit(tmp_path: Path) -> None:
    lake_in(tmp_path, 30).append("t", rows(1))
    lake = lake_in(tmp_path, 90)
    for _ in range(2):
        lake.vacuum("t")
    assert retention(tmp_path) == "interval 90 days"
    assert [(each.version, each.verb) for each in lake.history("t")] == [(1, "keep"), (0, "append")]
    assert lake.append("t", rows(2)).version == 2


def test_what_was_removed_lately_stays_however_old_the_file(tmp_path: Path) -> None:
    # Delta itself forgets after a week what was removed, and goes by the age of the file then.
    settings = LakeSettings(checkpoint_every_commits=2)
    lake = open_lake(
        tmp_path / "lake", settings=settings, clock=lambda: Instant(NOW - timedelta(days=8))
    )
    lake.append("t", rows(1))
    written = (NOW - timedelta(days=40)).timestamp()
    for file in lake.files("t"):
        os.utime(file, (written, written))
    lake.overwrite("t", rows(2))
    for number in range(3, 7):
        lake.append("t", rows(number))
    assert lake.vacuum("t").files == ()
    assert read(lake, 0) == [1]
    assert len(lake.vacuum("t", keep_hours=7 * 24).files) == 1


@pytest.mark.parametrize(("days", "cleared"), [(30, False), (0, True)])
def test_what_was_landed_is_kept_as_the_city_says(tmp_path: Path, days: int, cleared: bool) -> None:
    create_city(tmp_path)
    with (tmp_path / "city.yaml").open("a") as file:
        file.write(f"keep_versions_days: {days}\n")
    lake = open_city(tmp_path).lake
    for number in range(3):
        lake.append("observations", rows(number))
    compact_tables(lake, clears=False)
    first = lake.files("observations", version=0)
    assert all(map(os.path.exists, first))
    compact_tables(lake, clears=True)
    assert list(map(os.path.exists, first)) == [not cleared]
    assert lake.count("observations") == 3
