"""The files of a Delta log as they lie in its folder, and which of them a power cut tore.

Names follow Delta PROTOCOL, "Delta Log Entries" and "Checkpoints".
"""

from __future__ import annotations

import json
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


def commit_versions(log_folder: Path) -> list[int]:
    """The versions whose commits lie in the folder; empty when there is no folder."""
    return _versions(log_folder, _COMMIT)


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


def _torn_commit(log_folder: Path) -> list[Path]:
    versions = commit_versions(log_folder)
    if not versions:
        return []
    newest = log_folder / commit_file(max(versions))
    return [] if _is_whole_commit(newest.read_bytes()) else [newest]


def _torn_checkpoint(log_folder: Path) -> list[Path]:
    versions = _versions(log_folder, _CHECKPOINT)
    if not versions:
        return []
    newest = log_folder / checkpoint_file(max(versions))
    if _is_whole_parquet(newest):
        return []
    hint = log_folder / LAST_CHECKPOINT
    return [newest, hint] if hint.exists() else [newest]


def _is_whole_commit(raw: bytes) -> bool:
    try:
        actions = [json.loads(line) for line in raw.splitlines()]
    except ValueError:
        return False
    return bool(actions) and all(isinstance(action, dict) for action in actions)


def _is_whole_parquet(path: Path) -> bool:
    try:
        pq.read_table(path)
    except (pa.ArrowException, OSError):
        return False
    return True


def _versions(log_folder: Path, pattern: re.Pattern[str]) -> list[int]:
    if not log_folder.is_dir():
        return []
    matches = (pattern.fullmatch(path.name) for path in log_folder.iterdir())
    return [int(m[1]) for m in matches if m]
