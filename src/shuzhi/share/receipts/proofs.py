"""The proof that a receipt is in the audit log, which its receiver checks without us.

It leads from the receipt to its entry, or to the root in the entry of its turn, and from the entry
to what the log and its witnesses have signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from shuzhi.audit import Logged, Proof, Proved, VerifierKey, check_proof, parse_proof
from shuzhi.audit.base64_text import encoded
from shuzhi.audit.merkle import leaf_hash, proves_inclusion
from shuzhi.audit.proof import parse_hashes
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import parse_instant
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.receipts.errors import ReceiptError
from shuzhi.share.receipts.model import Delivered, Receipt
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.turns import OWN, Place, common_sha256, leaf, place_in_turn

_TURN = "receipt.many_recorded"
_FIELDS = tuple(field.name for field in fields(Delivered))


@dataclass(frozen=True)
class ReceiptProof:
    """A receipt as its two sides are told of it, its entry, the proof of that, its place in it.

    `entry` is None where the bytes may not be shown, and `leaf_sha256` (hex) then all of it;
    `place` is None for an entry of its own.
    """

    told: Mapping[str, Any]
    entry: bytes | None
    leaf_sha256: str
    proof: Proof
    place: Place | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it; `read_receipt_proof` reads that."""
        place = self.place
        return {
            "receipt": dict(self.told),
            "entry": None if self.entry is None else self.entry.decode(),
            "leaf_sha256": self.leaf_sha256,
            "proof": str(self.proof),
            "turn": None if place is None else {
                "index": place.index,
                "subjects_sha256": place.subjects_sha256,
                "path": [encoded(each) for each in place.path],
            },
        }  # fmt: skip


def told_of(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as a proof tells of it: its id, when, and what left."""
    return {"id": receipt.id, "at": receipt.at.isoformat(), **plain(receipt.what)}


def receipt_proof(
    office: ReceiptOffice, receipt: Receipt, logged: Logged, proof: Proof
) -> ReceiptProof:
    """Return the proof of a receipt by its entry of the log. Raises as `place_in_turn`."""
    content = logged.content or {}
    place = None
    if content.get("kind") == _TURN:
        place = place_in_turn(office, receipt, content["facts"])
    leaf_sha256 = leaf_hash(logged.raw).hex()
    return ReceiptProof(told_of(receipt), logged.raw, leaf_sha256, proof, place)


def names_others(found: ReceiptProof) -> bool:
    """Whether the entry tells of other receivers: one of a turn of before there were trees."""
    is_turn = found.entry is not None and json.loads(found.entry)["entry"]["kind"] == _TURN
    return is_turn and found.place is None


def read_receipt_proof(text: str) -> ReceiptProof:
    """Read a proof from its JSON.

    Raises:
        ReceiptError: `share.receipt_unproven` for what is none; AuditError: `audit.bad_proof`.
    """
    try:
        given = json.loads(text)
        turn = given.get("turn")
        place = None
        if turn is not None:
            path = parse_hashes(turn["path"])
            place = Place(int(turn["index"]), path, str(turn["subjects_sha256"]))
        told, entry = dict(given["receipt"]), given["entry"].encode()
        proof = parse_proof(given["proof"])
        return ReceiptProof(told, entry, leaf_hash(entry).hex(), proof, place)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _unproven("it is no proof of a receipt with its entry") from None


def check_receipt(
    found: ReceiptProof,
    log_keys: Iterable[VerifierKey],
    *,
    witnesses: Iterable[VerifierKey] = (),
    quorum: int = 0,
) -> Proved:
    """Return what is proved of a receipt; neither the log nor the city is asked.

    Raises:
        ReceiptError: `share.receipt_unproven` when the entry does not speak of this receipt.
        AuditError: as `check_proof`.
    """
    if found.entry is None:
        raise _unproven("its entry is missing")
    proved = check_proof(found.proof, found.entry, log_keys, witnesses=witnesses, quorum=quorum)
    try:
        content = json.loads(found.entry)["entry"]
        is_then = parse_instant(content["at"]) == parse_instant(found.told["at"])
        says = _says_in_turn if content["kind"] == _TURN else _says
        if is_then and says(content, found):
            return proved
    except (ValueError, TypeError, KeyError, RefusedError):
        pass
    raise _unproven("its entry does not speak of it")


def _says(content: Mapping[str, Any], found: ReceiptProof) -> bool:
    told, facts = found.told, content["facts"]
    of_it = (content["subject"], content["by"]) == (f"receipt:{told['id']}", told["asker"])
    return of_it and all(
        facts[name] in (told[name], _hash_alone(told[name])) for name in _FIELDS if name != "asker"
    )


def _says_in_turn(content: Mapping[str, Any], found: ReceiptProof) -> bool:
    told, facts, place = found.told, content["facts"], found.place
    if place is None:
        return False
    common = common_sha256({name: told[name] for name in _FIELDS if name not in OWN})
    own = (told["sha256"], told["size_bytes"], told["question_sha256"])
    mine = leaf_hash(leaf(told["id"], common, place.subjects_sha256, *own))
    root = bytes.fromhex(facts["root"])
    return proves_inclusion(mine, place.index, facts["receipts"], place.path, root)


def _hash_alone(value: Any) -> dict[str, str]:
    """Return a long list as entries have it."""
    return {"sha256": hashlib.sha256(canonical(value)).hexdigest()}


def _unproven(why: str) -> ReceiptError:
    return ReceiptError(
        "share.receipt_unproven",
        f"This does not prove the receipt: {why}.",
        next_step="Fetch receipt and proof again, byte by byte; if it stays so, ask the audit.",
    )
