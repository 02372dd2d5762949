"""The log: one writer appends entries durably and signs each tree once; anybody may read.

Callers of many threads share a commit. Whatever moment a process or the power dies at, the folder
opens again with every entry that was acknowledged, and no size is ever signed with two roots.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from threading import RLock
from types import TracebackType

from shuzhi.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from shuzhi.audit.disk import UNFINISHED, Disk, Sync, lock
from shuzhi.audit.errors import (
    AuditError,
    BrokenLogError,
    altered,
    log_exists,
    no_log,
    not_stored,
)
from shuzhi.audit.keys import Signer
from shuzhi.audit.model import MOST_BYTES
from shuzhi.audit.note import sign
from shuzhi.audit.tiles import WIDTH, TileReader, last_tile, parse_path
from shuzhi.audit.tree import Tree, load_tree
from shuzhi.audit.turns import Ticket, Turns
from shuzhi.kernel.files import sync_path

CHECKPOINT = "checkpoint"
WITNESSED = "checkpoint.witnessed"
# A tree that is decided but perhaps not yet signed; it is on the disk before its signature is made.
INTENT = "intent"


class Log:
    """A log that is open for writing. `append` returns when its entries are durable and signed."""

    def __init__(self, folder: Path, signer: Signer, *, sync: Sync = sync_path) -> None:
        self.folder = folder
        self.reader = TileReader(folder)
        self._moving = RLock()
        self._signer = signer
        self._intent = folder / UNFINISHED / INTENT
        self._disk = Disk(folder, sync)
        self._turns = Turns()
        self._tree: Tree | None = None
        self._lock: int | None = lock(folder)
        try:
            self._tree = self._recovered()
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """How many entries the newest checkpoint covers."""
        return self._settled().size

    @property
    def moving(self) -> AbstractContextManager[object]:
        """What a thread holds while it moves entries here that it must not move twice."""
        return self._moving

    def checkpoint(self) -> bytes:
        """Return the newest checkpoint, signed."""
        tree = self._settled()
        return self._signed(self._head(tree))

    def append(self, entries: Sequence[bytes]) -> int:
        """Add entries, one after the other, and return the index of the first.

        Callers that come while others are being written are written together afterwards.

        Raises:
            AuditError: `audit.bad_entry` for an entry of more than 65,535 bytes.
            BrokenLogError: `audit.not_stored` when the disk refused: nothing of this is
                acknowledged; `audit.closed` when the log was closed.
        """
        _require_short(entries)
        ticket = Ticket(entries)
        self._turns.serve(ticket, self._commit)
        if ticket.first is None:
            raise _failure(ticket.error)
        return ticket.first

    def tail(self, count: int) -> list[bytes]:
        """Return the newest `count` entries, or all where there are fewer."""
        tree = self._settled()
        start = max(tree.size - count, 0)
        if tree.size - start <= len(tree.tail):
            return list(tree.tail[len(tree.tail) - (tree.size - start) :])
        return list(self.reader.entries(start, tree.size))

    def keep_witnessed(self, note: bytes) -> None:
        """Keep the newest checkpoint that witnesses signed beside the log's own."""
        with self._turns.alone():
            self._disk.put([(WITNESSED, note)])

    def close(self) -> None:
        """Let another process write. What waits in `append` is refused."""
        with self._turns.alone():
            if self._lock is not None:
                if self._tree is not None:
                    self._intent.unlink(missing_ok=True)
                os.close(self._lock)
            self._lock, self._tree = None, None

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _commit(self, batch: Sequence[Ticket]) -> None:
        try:
            first = self._stored([e for ticket in batch for e in ticket.entries or ()])
        except (OSError, BrokenLogError) as error:
            for ticket in batch:
                ticket.error = error
            return
        for ticket in batch:
            ticket.first = first
            first += len(ticket.entries or ())

    def _stored(self, entries: Sequence[bytes]) -> int:
        tree = self._opened()
        if not entries:
            return tree.size
        grown, files = tree.grown(entries)
        # Should anything fail from here on, what counts is what the folder then says.
        self._tree = None
        self._disk.put((tile.path, content) for tile, content in files)
        checkpoint = self._head(grown)
        self._disk.overwrite(f"{UNFINISHED}/{INTENT}", _intent(checkpoint))
        self._publish(checkpoint)
        self._tree = grown
        self._clear_narrow(tree, grown)
        return tree.size

    def _head(self, tree: Tree) -> Checkpoint:
        return Checkpoint(self._signer.name, tree.size, tree.edge.root)

    def _publish(self, decided: Checkpoint) -> None:
        """Sign and show a tree, now that the disk has it and that it was decided on."""
        self._disk.put([(CHECKPOINT, self._signed(decided))])

    def _signed(self, checkpoint: Checkpoint) -> bytes:
        return bytes(sign(checkpoint.text, self._signer))

    def _clear_narrow(self, before: Tree, tree: Tree) -> None:
        # Only after the new checkpoint is durable; what stays after a crash is a true prefix.
        for level in range(-1, len(tree.edge.rows)):
            old, new = last_tile(level, before.size), last_tile(level, tree.size)
            if old is None or old == new:
                continue
            with suppress(OSError):
                if new is not None and new.index == old.index:
                    (self.folder / old.path).unlink()
                else:
                    shutil.rmtree(self.folder / old.narrow_folder)

    def _settled(self) -> Tree:
        with self._turns.alone():
            return self._opened()

    def _opened(self) -> Tree:
        """Return the tree; after a failure, the one that the folder now says was decided."""
        if self._lock is None:
            raise BrokenLogError(
                "audit.closed", "The log was closed.", next_step="Open it again and append then."
            )
        if self._tree is None:
            try:
                self._tree = self._recovered()
            except OSError as error:
                raise not_stored(error.strerror or str(error)) from error
        return self._tree

    def _recovered(self) -> Tree:
        """Read the tree that was last decided, and finish publishing it."""
        checkpoint = self._published()
        # What a process that died had written may not be on the disk yet.
        self._disk.sync(self.folder / CHECKPOINT)
        self._disk.sync(self.folder)
        is_unclean = self._intent.exists()
        decided = _read_intent(self._intent) or checkpoint
        self._disk.begin(INTENT)
        tree = self._loaded(max(checkpoint, decided, key=lambda c: c.size))
        if tree.size > checkpoint.size:
            self._publish(decided)
        if is_unclean:
            self._sweep(tree)
        return tree

    def _sweep(self, tree: Tree) -> None:
        """Remove what a commit that was cut short left behind, or had not yet removed."""
        last = {last_tile(level, tree.size) for level in range(-1, len(tree.edge.rows))}
        for path in [p for p in (self.folder / "tile").rglob("*") if p.is_file()]:
            tile = parse_path(path.relative_to(self.folder).as_posix())
            is_whole = tile is not None and tile.width == WIDTH and tile.end <= tree.size
            if not is_whole and tile not in last:
                path.unlink()

    def _published(self) -> Checkpoint:
        try:
            raw = (self.folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            raise no_log(self.folder) from None
        try:
            checkpoint, _ = open_checkpoint(raw, [self._signer.key])
        except AuditError as error:
            raise altered(CHECKPOINT, f"cannot be believed ({error.code})") from error
        if checkpoint.origin != self._signer.name:
            raise altered(CHECKPOINT, "is of another log")
        return checkpoint

    def _loaded(self, checkpoint: Checkpoint) -> Tree:
        tree = load_tree(checkpoint.size, self.reader.read)
        if tree.edge.root != checkpoint.root:
            raise altered(CHECKPOINT, "does not fit the tree in the folder")
        return tree


def found_log(folder: Path, signer: Signer, *, sync: Sync = sync_path) -> Log:
    """Make a log of no entries, named after its signer, and open it.

    Raises:
        AuditError: `audit.log_exists` when there is something in the folder.
    """
    if folder.is_dir() and any(p.name != UNFINISHED for p in folder.iterdir()):
        raise log_exists(folder)
    disk = Disk(folder, sync)
    disk.begin(INTENT)
    empty = Checkpoint(signer.name, 0, Tree().edge.root)
    disk.put([(CHECKPOINT, bytes(sign(empty.text, signer)))])
    return open_log(folder, signer, sync=sync)


def open_log(folder: Path, signer: Signer, *, sync: Sync = sync_path) -> Log:
    """Open a log for writing.

    Raises:
        AuditError: `audit.no_log` when the folder has no checkpoint.
        BrokenLogError: `audit.log_busy` when another process writes to it, `audit.altered` when
            its newest files are not what this key signed.
    """
    if not folder.is_dir():
        raise no_log(folder)
    return Log(folder, signer, sync=sync)


def _intent(checkpoint: Checkpoint) -> bytes:
    text = checkpoint.text.encode()
    return sha256(text).hexdigest().encode() + b"\n" + text


def _read_intent(path: Path) -> Checkpoint | None:
    """Return the tree that was decided; None where none was, or its writing was cut short."""
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if digest != sha256(text).hexdigest().encode():
        return None
    return parse_checkpoint(text.decode())


def _require_short(entries: Sequence[bytes]) -> None:
    longest = max(map(len, entries), default=0)
    if longest > MOST_BYTES:
        raise AuditError(
            "audit.bad_entry",
            f"An entry of {longest:,} bytes does not fit the log; {MOST_BYTES:,} do.",
            next_step="Keep the content elsewhere and log its hash.",
        )


def _failure(error: BaseException | None) -> BrokenLogError:
    """Return a new error for one of those whose commit failed together."""
    if isinstance(error, BrokenLogError):
        return BrokenLogError(error.code, error.message, next_step=error.next_step)
    if isinstance(error, OSError):
        return not_stored(error.strerror or str(error))
    return not_stored("the caller that wrote for all was stopped")
