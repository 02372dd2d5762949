"""The lake's errors: what a caller can mend, and what the machine did."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deltalake.exceptions import DeltaError

from shuzhi.kernel.errors import BrokenError, RefusedError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_TEXT = re.compile(
    r"os error (27|28|122)\b|No space left on device|File too large|Disk quota exceeded"
)


def no_such_dataset(name: str) -> RefusedError:
    """Nothing was ever stored under this name."""
    return RefusedError(
        "gather.no_such_dataset",
        f"There is no data set {name!r} in the lake.",
        next_step="Load it with `shuzhi gather run`, or see the names with `shuzhi gather list`.",
    )


def no_such_version(name: str, asked: object) -> RefusedError:
    """The table has no version of that number or instant (any more)."""
    return RefusedError(
        "gather.no_such_version",
        f"Data set {name!r} has no version {asked}.",
        next_step="Choose one of its history.",
    )


def version_gone(name: str, version: int, missing: int) -> RefusedError:
    """The version is in the log, its files are not."""
    return RefusedError(
        "gather.version_gone",
        f"Version {version} of data set {name!r} can no longer be read: {missing} of its files "
        "were cleared.",
        next_step="Read a newer version, and clear with a longer time to keep.",
    )


def schema_mismatch(name: str, differences: Sequence[str]) -> RefusedError:
    """The rows' columns are not the table's."""
    return RefusedError(
        "gather.schema_mismatch",
        f"These rows do not fit data set {name!r}: {'; '.join(differences)}.",
        next_step="Bring the rows into the table's columns, or widen the table for new ones.",
    )


def not_staged(name: str, path: Path) -> RefusedError:
    """A file to be adopted is somewhere else, or no Parquet."""
    return RefusedError(
        "gather.not_staged",
        f"{path.name} cannot be adopted by data set {name!r}: it is no Parquet file in its "
        "staging folder.",
        next_step="Write files to be adopted into the folder that `staging` gives.",
    )


def duplicate_key(name: str, key: Sequence[str], keys: int) -> RefusedError:
    """The incoming rows hold a key twice."""
    return RefusedError(
        "gather.duplicate_key",
        f"{keys} keys ({', '.join(key)}) stand more than once in the rows for data set {name!r}.",
        next_step="Keep one row for each key, the newest, and load again.",
    )


def missing_key(name: str, key: Sequence[str], rows: int) -> RefusedError:
    """The incoming rows hold an empty key."""
    return RefusedError(
        "gather.missing_key",
        f"{rows} rows for data set {name!r} have no value in their key ({', '.join(key)}).",
        next_step="Put rows with no key in quarantine and load again.",
    )


def lake_busy(name: str, waited: str) -> BrokenError:
    """Other writers held the table all the time."""
    return BrokenError(
        "gather.lake_busy",
        f"Data set {name!r} could not be written: other writers were in the way for {waited}.",
        next_step="Try again; nothing of this write was stored.",
    )


def disk_full(folder: Path, staged_bytes: int) -> BrokenError:
    """The disk (or the process's file-size limit) gave out during a write."""
    free = shutil.disk_usage(folder).free
    return BrokenError(
        "gather.disk_full",
        f"There is no room to write in {folder}: {staged_bytes:,} bytes of this write had been "
        f"written and more are needed; the disk has {free:,} free.",
        next_step="Make room (`shuzhi lake tidy` deletes old versions) or raise the quota or "
        "file-size limit, then load again; nothing of this write was stored.",
    )


def lake_torn(name: str, why: str) -> BrokenError:
    """The Delta log cannot be read."""
    return BrokenError(
        "gather.lake_torn",
        f"The log of data set {name!r} cannot be read: {why}",
        next_step="Run `shuzhi lake repair`, or restore its folder from a backup.",
    )


def files_damaged(name: str, why: str) -> BrokenError:
    """A file that the log names is not what was written."""
    return BrokenError(
        "gather.files_damaged",
        f"The files of data set {name!r} cannot be read: {why}",
        next_step="`shuzhi lake repair NAME` says which; restore the folder from a backup.",
    )


@contextmanager
def room_to_write(folder: Path, staged: Path) -> Iterator[None]:
    """Turn "no room" of any library into `gather.disk_full`; `staged` is where files grew."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise disk_full(folder, _size_bytes(staged)) from error
        raise


@contextmanager
def readable_log(name: str) -> Iterator[None]:
    """Turn a complaint about a log into `gather.lake_torn`, with its first line."""
    try:
        yield
    except (DeltaError, ValueError) as error:
        raise lake_torn(name, str(error).splitlines()[0]) from error


def is_full(error: BaseException) -> bool:
    """True when `error` says that the disk, a quota or the file-size limit is exhausted."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return _FULL_TEXT.search(str(error)) is not None


def _size_bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
