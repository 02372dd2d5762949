"""Keeping a table in order: small files into large ones, old files away, torn logs mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from shuzhi.gather.lake.delta_log import DeltaLog
from shuzhi.gather.lake.errors import no_such_dataset, readable_log
from shuzhi.gather.lake.model import Change, Cleared, Compaction, DataFile, LakeSettings, Repair
from shuzhi.gather.lake.parquet import read_frugally
from shuzhi.gather.lake.query import Snapshot
from shuzhi.gather.lake.snapshots import snapshot
from shuzhi.gather.lake.writing import STAGING, Write

# A load that is still at work may have staged its first files this long ago.
_STAGED_KEPT_HOURS = 24
_HOUR_S = 3600


def compact(write: Write, before: Snapshot, settings: LakeSettings) -> Compaction:
    """Rewrite the small files of `before` as large ones, unless another writer has come first."""
    small = _small(before, settings)
    if len(small) < 2:
        return Compaction(before.version, 0, 0)
    large = write.stage(read_frugally([f.path for f in small], before.schema))

    def plan(newest: Snapshot | None) -> Change | None:
        present = {f.path for f in newest.files} if newest else set()
        if not present.issuperset(f.path for f in small):
            return None
        counts = {"files_before": len(small), "files_after": len(large)}
        return replace(write.change(large, small, **counts), is_data_change=False)

    commit = write.commit(plan)
    if commit is None:
        return Compaction(before.version, 0, 0)
    return Compaction(commit.version, len(small), len(large))


def vacuum(log: DeltaLog, *, keep_hours: int, now: datetime) -> Cleared:
    """Delete files that no version of the last `keep_hours` needs, and what crashes left behind.

    Files in staging are left for a day. The log itself is kept as the settings say from now on.
    """
    with log.locked() as found:
        table = found or log.open()
        # A dry run only: delta-rs would write two commits of its own and sync neither.
        with readable_log(log.name):
            names = table.vacuum(
                keep_hours, dry_run=True, enforce_retention_duration=False, full=True
            )
        staged = _abandoned(log.folder / STAGING, now)
        log.follow(table)
        return _delete([*(log.folder / name for name in names), *staged])


def check(log: DeltaLog) -> Repair:
    """Say which data files of the newest version are missing or shorter than the log says."""
    files = snapshot(log.name, log.folder, log.open()).files
    missing = tuple(f.path.name for f in files if not f.path.exists())
    short = tuple(
        f.path.name for f in files if f.path.exists() and f.path.stat().st_size != f.size_bytes
    )
    return Repair(missing=missing, short=short)


def repair(log: DeltaLog) -> Repair:
    """Set torn log files aside (they were never reported as stored) and check what is left.

    Raises:
        RefusedError: `gather.no_such_dataset` when there is nothing of it at all.
    """
    if not log.log_folder.is_dir():
        raise no_such_dataset(log.name)
    torn = log.mend()
    return replace(check(log), set_aside=torn) if log.exists() else Repair(set_aside=torn)


def _small(found: Snapshot, settings: LakeSettings) -> tuple[DataFile, ...]:
    return tuple(
        f
        for f in found.files
        if f.size_bytes < settings.file_bytes // 2 and (f.rows or 0) < settings.file_rows // 2
    )


def _abandoned(staging: Path, now: datetime) -> list[Path]:
    before_s = now.timestamp() - _STAGED_KEPT_HOURS * _HOUR_S
    return [p for p in staging.rglob("*") if p.is_file() and p.stat().st_mtime < before_s]


def _delete(paths: list[Path]) -> Cleared:
    freed = 0
    for path in paths:
        freed += path.stat().st_size
        path.unlink()
        if path.parent.parent.name == STAGING and not any(path.parent.iterdir()):
            path.parent.rmdir()
    return Cleared(tuple(p.name for p in paths), freed)
