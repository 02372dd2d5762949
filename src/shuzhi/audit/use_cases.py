"""The verbs of the audit room that others call beside `queue` and `flush`.

Reading and proving need the folder alone; only writing needs the log's private key.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shuzhi.audit.checkpoint import Checkpoint, open_checkpoint
from shuzhi.audit.errors import no_log, no_such_entry
from shuzhi.audit.keys import Signer, VerifierKey, new_signer, read_signer
from shuzhi.audit.log import CHECKPOINT, WITNESSED, Log, found_log, open_log
from shuzhi.audit.merkle import inclusion_path
from shuzhi.audit.note import Note, Signed, cosigned
from shuzhi.audit.proof import Proof
from shuzhi.audit.tiles import TileReader
from shuzhi.kernel.files import put_whole, sync_path


@dataclass(frozen=True)
class Head:
    """A checkpoint of a log as it stands in its folder, and which witnesses signed it."""

    checkpoint: Checkpoint
    note: Note
    witnesses: tuple[Signed, ...]


def keep_log(folder: Path, key_file: Path, origin: str) -> Log:
    """Open the log in `folder` with the key in `key_file`; found both where there is no key yet.

    `origin` names a new log (`audit.city.example`); the public key stands beside the private one
    in `<key_file>.pub`. A log that is gone while its key is there is never replaced.

    Raises:
        AuditError: `audit.bad_key`; as `found_log` and `open_log`.
        BrokenLogError: as `open_log`.
    """
    key_file.parent.mkdir(parents=True, exist_ok=True)
    with _founding(key_file):
        if not key_file.exists():
            return _founded(folder, key_file, origin)
    return open_log(folder, read_signer(key_file))


@contextmanager
def _founding(key_file: Path) -> Iterator[None]:
    """Be the only one who may found a log by this key: two would sign one log with two keys."""
    if key_file.exists():
        yield
        return
    descriptor = os.open(key_file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _founded(folder: Path, key_file: Path, origin: str) -> Log:
    made = key_file.with_name(f"{key_file.name}.new")
    # The key takes its name when the log is there: a founding that was cut short goes on.
    is_there = made.exists() and (folder / CHECKPOINT).exists()
    signer = read_signer(made) if is_there else _new_key(made, origin)
    log = open_log(folder, signer) if is_there else found_log(folder, signer)
    put_whole(key_file.with_name(f"{key_file.name}.pub"), f"{signer.key}\n".encode())
    made.replace(key_file)
    sync_path(key_file.parent)
    return log


def read_head(
    folder: Path,
    log_keys: Iterable[VerifierKey],
    *,
    witnesses: Iterable[VerifierKey] = (),
    witnessed: bool = False,
) -> Head:
    """Return the log's newest checkpoint, or with `witnessed` the newest that witnesses signed.

    Raises:
        AuditError: `audit.no_log`; as `open_checkpoint`.
    """
    try:
        raw = (folder / (WITNESSED if witnessed else CHECKPOINT)).read_bytes()
    except OSError:
        raise no_log(folder) from None
    checkpoint, note = open_checkpoint(raw, log_keys)
    return Head(checkpoint, note, cosigned(note, witnesses))


def prove(folder: Path, index: int, log_keys: Iterable[VerifierKey]) -> tuple[bytes, Proof]:
    """Return an entry and the proof of it, from the witnessed checkpoint where that covers it.

    Raises:
        AuditError: `audit.no_such_entry` for an index that no checkpoint covers; as `read_head`.
        BrokenLogError: `audit.altered` when a tile that is needed is missing or of another size.
    """
    keys = tuple(log_keys)
    head = read_head(folder, keys)
    if (folder / WITNESSED).exists():
        seen = read_head(folder, keys, witnessed=True)
        head = seen if index < seen.checkpoint.size <= head.checkpoint.size else head
    size = head.checkpoint.size
    if not 0 <= index < size:
        raise no_such_entry(index, size)
    reader = TileReader(folder)
    path = inclusion_path(index, size, reader.subtree(size))
    (entry,) = reader.entries(index, index + 1)
    return entry, Proof(index, path, bytes(head.note))


def read_entries(
    folder: Path, log_keys: Iterable[VerifierKey], *, start: int = 0, end: int | None = None
) -> Iterator[bytes]:
    """Yield the bytes of entries `start` to `end` (the checkpoint's size where not said).

    Raises:
        AuditError: `audit.no_such_entry` when the log has not so many; as `read_head`.
        BrokenLogError: `audit.altered` when a bundle is missing or damaged.
    """
    size = read_head(folder, log_keys).checkpoint.size
    last = size if end is None else end
    if not 0 <= start <= last <= size:
        raise no_such_entry(max(start, last), size)
    return TileReader(folder).entries(start, last)


def _new_key(path: Path, origin: str) -> Signer:
    signer = new_signer(origin)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{signer.secret()}\n")
    sync_path(path)
    sync_path(path.parent)
    return signer
