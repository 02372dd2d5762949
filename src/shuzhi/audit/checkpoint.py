"""Checkpoints (C2SP tlog-checkpoint): what a log says its tree is, at one size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shuzhi.audit.base64_text import decoded, encoded
from shuzhi.audit.errors import bad_checkpoint, bad_note
from shuzhi.audit.keys import VerifierKey
from shuzhi.audit.merkle import EMPTY_ROOT, HASH_BYTES
from shuzhi.audit.note import Note, parse_note, verified

MOST_ENTRIES = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A tree's head: whose tree, how many entries, the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note.

    Raises:
        AuditError: `audit.bad_checkpoint` when it has not origin, size and root, an empty line,
            or is of no entry and has not the empty root.
    """
    *lines, rest = text.split("\n")
    if rest or len(lines) < 3 or not all(lines):
        raise bad_checkpoint("it has not three full lines")
    origin, size, base64, *extensions = lines
    root = decoded(base64)
    if not _SIZE.fullmatch(size) or int(size) > MOST_ENTRIES:
        raise bad_checkpoint("its second line is no size")
    if root is None or len(root) != HASH_BYTES:
        raise bad_checkpoint("its third line is no hash")
    if size == "0" and root != EMPTY_ROOT:
        raise bad_checkpoint("the tree of no entry has another root")
    return Checkpoint(origin, int(size), root, tuple(extensions))


def open_checkpoint(raw: bytes, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, Note]:
    """Read a checkpoint that one of the log's keys signed; the note may hold more signatures.

    Every byte counts: of two ways to write the same signature, only the canonical one is read.

    Raises:
        AuditError: as `parse_note`, `verified` and `parse_checkpoint`.
    """
    note = parse_note(raw)
    if bytes(note) != raw:
        raise bad_note("its base64 has bits that mean nothing")
    verified(note, keys)
    return parse_checkpoint(note.text), note
