"""What the commits of a Delta log say of themselves, each under the number of its own file.

delta-rs counts the entries of a history back from the version that a table was opened at, though
it lists the commits that came since: under a busy writer each entry would bear the number of an
older one. Delta PROTOCOL, "Commit Provenance Information".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shuzhi.gather.lake.log_files import commit_file, is_whole_commit, newest_version
from shuzhi.gather.lake.model import Version
from shuzhi.kernel.instant import Instant

_INFO = b"commitInfo"


def commits(log_folder: Path, *, until: int | None = None, after: int = -1) -> Iterator[Version]:
    """Yield the commits of (`after`, `until`] that the log still holds, the newest first.

    `until` is the newest by default.

    Raises:
        ValueError: a commit is torn; says which.
    """
    newest = newest_version(log_folder) if until is None else until
    for version in range(-1 if newest is None else newest, after, -1):
        path = log_folder / commit_file(version)
        try:
            raw, changed_at = path.read_bytes(), path.stat().st_mtime
        except FileNotFoundError:
            return
        said = _info(raw, path.name)
        yield _version(version, said, said.get("timestamp", changed_at * 1000))


def _info(raw: bytes, name: str) -> Mapping[str, Any]:
    """Return what a commit says of itself; nothing where its writer left that out."""
    try:
        for line in raw.splitlines():
            if _INFO in line and (found := json.loads(line).get("commitInfo")):
                return dict(found)
    except (ValueError, AttributeError) as error:
        raise ValueError(f"{name} is torn: {error}") from error
    if not is_whole_commit(raw):
        raise ValueError(f"{name} is torn")
    return {}


def _version(version: int, said: Mapping[str, Any], at_ms: float) -> Version:
    return Version(
        version=version,
        committed_at=Instant(datetime.fromtimestamp(at_ms / 1000, UTC)),
        verb=said.get("verb", said.get("operation", "unknown").lower()),
        note=said.get("note", {}),
        counts=said.get("counts", {}),
    )
