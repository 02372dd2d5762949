"""The files of a Delta log as they lie in its folder, and which of them a power cut tore.

Names follow Delta PROTOCOL, "Delta Log Entries" and "Checkpoints".
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LAST_CHECKPOINT = "_last_checkpoint"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")


def commit_file(version: int) -> str:
    """The name of the commit of `version`."""
    return f"{version:020d}.json"


def checkpoint_file(version: int) -> str:
    """The name of the (one-part) checkpoint of `version`."""
    return f"{version:020d}.checkpoint.parquet"


def newest_version(log_folder: Path) -> int | None:
    """The version of the newest commit in the folder; None when there is none, or no folder."""
    return _newest(log_folder, _COMMIT)


def newest_mark(log_folder: Path) -> tuple[int, ...] | None:
    """What changes with every commit, and when a folder is put back to an older state."""
    version = newest_version(log_folder)
    if version is None:
        return None
    is_at = (log_folder / commit_file(version)).stat()
    return version, is_at.st_mtime_ns, is_at.st_ino


def set_torn_aside(log_folder: Path, torn_folder: Path) -> tuple[str, ...]:
    """Move a torn newest commit and torn newest checkpoint into `torn_folder`; return their names.

    Only the newest of each can be torn: the ones before were on the disk before it was made.
    Rebuilding without a checkpoint needs the commits it stands for; they are kept until it is on
    the disk.
    """
    torn = [*_torn_commit(log_folder), *_torn_checkpoint(log_folder)]
    for path in torn:
        torn_folder.mkdir(parents=True, exist_ok=True)
        path.rename(torn_folder / path.name)
    return tuple(p.name for p in torn)


def is_whole_commit(raw: bytes) -> bool:
    """True when a commit holds actions, and each can be read."""
    try:
        actions = [json.loads(line) for line in raw.splitlines()]
    except ValueError:
        return False
    return bool(actions) and all(isinstance(action, dict) for action in actions)


def _torn_commit(log_folder: Path) -> list[Path]:
    version = _newest(log_folder, _COMMIT)
    if version is None:
        return []
    newest = log_folder / commit_file(version)
    return [] if is_whole_commit(newest.read_bytes()) else [newest]


def _torn_checkpoint(log_folder: Path) -> list[Path]:
    version = _newest(log_folder, _CHECKPOINT)
    if version is None:
        return []
    newest = log_folder / checkpoint_file(version)
    hint = log_folder / LAST_CHECKPOINT
    return [] if _is_whole_parquet(newest) else [p for p in (newest, hint) if p.exists()]


def _is_whole_parquet(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            file.read()
    except (pa.ArrowException, OSError):
        return False
    return True


def _newest(log_folder: Path, pattern: re.Pattern[str]) -> int | None:
    # Names have one length, so the last in the alphabet is the newest: no need to read all.
    try:
        names = sorted((entry.name for entry in os.scandir(log_folder)), reverse=True)
    except FileNotFoundError:
        return None
    return next((int(m[1]) for m in map(pattern.fullmatch, names) if m), None)
