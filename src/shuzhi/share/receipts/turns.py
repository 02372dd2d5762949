"""Receipts that were written together, and what their one entry of the audit log proves of each.

The entry holds the root of a tree (RFC 6962, section 2.1) whose leaves are the receipts in order:
that one is among them is shown by hashes, which tell nothing of the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select

from shuzhi.audit.merkle import (
    HASH_BYTES,
    inclusion_path,
    leaf_hash,
    peaks,
    perfect_root,
    root_over,
)
from shuzhi.kernel.errors import BrokenError
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.receipts.model import Receipt
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.store import receipt_table, set_table, subject_table

OWN = frozenset({"sha256", "size_bytes", "question_sha256"})
_OF_NONE = {"sha256": "0" * 64, "size_bytes": 0, "question_sha256": None}


class Kept(NamedTuple):
    """A receipt of a turn as it is kept: its content as JSON holds it, and its one subject."""

    number: int
    content: Mapping[str, Any]
    subject: int
    subjects_sha256: str


@dataclass(frozen=True)
class Place:
    """Where a receipt stands in the tree of its turn; `path` goes from its leaf to the root.

    `subjects_sha256` is the hash over whom it is about, of whom the city alone has the number.
    """

    index: int
    path: tuple[bytes, ...]
    subjects_sha256: str


def common_sha256(content: Mapping[str, Any]) -> str:
    """Return the hash of what a receipt has in common with those like it, as canonical JSON."""
    common = {name: value for name, value in content.items() if name not in OWN}
    return hashlib.sha256(canonical(common)).hexdigest()


def leaf(
    number: int, common: str, subjects: str, sha256: str, size_bytes: int, question: str | None
) -> bytes:
    """Return a receipt as a leaf: its id, what it shares with others, its subject, its own."""
    return f"{number} {common} {subjects} {sha256} {size_bytes} {question}".encode()


def turn_root(leaves: Iterable[bytes]) -> str:
    """Return the root of the tree over the receipts of a turn, in hex."""
    return root_over(peaks(_row(leaves))).hex()


def place_in_turn(office: ReceiptOffice, found: Receipt, facts: Mapping[str, Any]) -> Place | None:
    """Return where a receipt stands in the turn of which the audit log says `facts`.

    None for a turn of before there were trees: its entry has one hash over all receipts, by which
    none can be shown alone.

    Raises:
        BrokenError: `share.turn_altered` when the receipts are not those that were logged.
    """
    kept = _kept(office, found, facts)
    leaves = [_leaf(each) for each in kept]
    logged = (facts.get("root"), facts.get("sha256"))
    here = next((i for i, each in enumerate(kept) if each.number == found.id), None)
    if here is None or logged not in ((turn_root(leaves), None), (None, _flat(kept))):
        raise BrokenError(
            "share.turn_altered",
            f"The receipts that were written with {found.id} are not those of the audit log.",
            next_step="Compare the control store with a copy: somebody altered a receipt.",
        )
    if facts.get("root") is None:
        return None
    row = _row(leaves)

    def subtree(height: int, index: int) -> bytes:
        width = HASH_BYTES << height
        return perfect_root(row[index * width : (index + 1) * width])

    return Place(here, inclusion_path(here, len(kept), subtree), kept[here].subjects_sha256)


def _kept(office: ReceiptOffice, found: Receipt, facts: Mapping[str, Any]) -> Sequence[Kept]:
    r, s, whom = receipt_table.c, set_table.c, subject_table.c
    together = (r.id.between(facts["first"], facts["last"]), r.at == found.at)
    query = (
        select(r.id, r.content, whom.subject, s.sha256)
        .join(set_table, s.id == r.subject_set)
        .join(subject_table, whom.subject_set == r.subject_set)
        .where(*together)
        .order_by(r.id)
    )
    with office.sharing.control.transaction() as connection:
        return [Kept(*row) for row in connection.execute(query)]


def _leaf(kept: Kept) -> bytes:
    content = kept.content
    own = (content["sha256"], content["size_bytes"], content["question_sha256"])
    return leaf(kept.number, common_sha256(content), kept.subjects_sha256, *own)


def _row(leaves: Iterable[bytes]) -> bytes:
    return b"".join([leaf_hash(each) for each in leaves])


def _flat(kept: Iterable[Kept]) -> str:
    """Return the hash over all receipts of a turn, as entries had it before there were trees."""
    lines = (
        f"{each.number} {hashlib.sha256(canonical({**each.content, **_OF_NONE})).hexdigest()} "
        f"{each.subject} {each.content['sha256']} {each.content['size_bytes']} "
        f"{each.content['question_sha256']}\n"
        for each in kept
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
