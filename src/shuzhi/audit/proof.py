"""Proofs that stand alone: that an entry is in a log, as text (C2SP tlog-proof).

Whoever has the entry's bytes, the proof and the log's key needs neither the log nor us.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shuzhi.audit.base64_text import decoded, encoded
from shuzhi.audit.checkpoint import MOST_ENTRIES, Checkpoint, open_checkpoint
from shuzhi.audit.errors import bad_proof
from shuzhi.audit.keys import VerifierKey
from shuzhi.audit.merkle import HASH_BYTES, leaf_hash, proves_inclusion
from shuzhi.audit.note import Signed, cosigned

_HEAD = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
MOST_HASHES = 63


@dataclass(frozen=True)
class Proof:
    """That the entry `index` is in the tree of a checkpoint; its path goes from leaf to root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def __str__(self) -> str:
        lines = (_HEAD, f"index {self.index}", *map(encoded, self.path), "")
        return "\n".join(lines) + "\n" + self.checkpoint.decode()


@dataclass(frozen=True)
class Proved:
    """What a proof showed: in which tree, at what index, and which witnesses saw that tree."""

    index: int
    checkpoint: Checkpoint
    witnesses: tuple[Signed, ...]


def parse_proof(text: str) -> Proof:
    """Read a proof; an `extra` line is skipped, for nothing vouches for it.

    Raises:
        AuditError: `audit.bad_proof` when it is not written as one.
    """
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != _HEAD:
        raise bad_proof(f"it does not begin with {_HEAD}, or has no checkpoint")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    found = _INDEX.fullmatch(rest[0]) if rest else None
    if found is None or int(found[1]) > MOST_ENTRIES:
        raise bad_proof("it has no index")
    return Proof(int(found[1]), parse_hashes(rest[1:]), checkpoint.encode())


def parse_hashes(lines: Iterable[str]) -> tuple[bytes, ...]:
    """Read hashes in base64, one a line, 63 at most. Raises as `parse_proof`."""
    found = tuple(decoded(line) or b"" for line in lines)
    if len(found) > MOST_HASHES or any(len(h) != HASH_BYTES for h in found):
        raise bad_proof("one of its lines is no hash, or there are more than 63")
    return found


def check_proof(
    proof: Proof,
    entry: bytes,
    log_keys: Iterable[VerifierKey],
    *,
    witnesses: Iterable[VerifierKey] = (),
    quorum: int = 0,
) -> Proved:
    """Return what the proof shows of `entry`; at least `quorum` of the witnesses must have signed.

    Raises:
        AuditError: `audit.bad_proof` when it does not lead from the entry to the signed root, or
            too few witnesses signed; else as `open_checkpoint`.
    """
    checkpoint, note = open_checkpoint(proof.checkpoint, log_keys)
    seen = cosigned(note, witnesses)
    if len(seen) < quorum:
        raise bad_proof(f"{len(seen)} of the witnesses have signed, {quorum} are asked for")
    leaf, size = leaf_hash(entry), checkpoint.size
    if not proves_inclusion(leaf, proof.index, size, proof.path, checkpoint.root):
        raise bad_proof("it does not lead from this entry to the root that the log signed")
    return Proved(proof.index, checkpoint, seen)
