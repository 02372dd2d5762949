"""The verbs of delivery: what leaves by an agreement, its receipts, and what is objected to."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from secrets import token_bytes
from time import sleep
from typing import Any, BinaryIO

import httpx2

from shuzhi.app.auditing import Audits
from shuzhi.app.share.accounts import Knows
from shuzhi.app.share.agreeing import Agrees
from shuzhi.audit import BrokenLogError, Logged
from shuzhi.gather.lake import open_lake
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.files import make_once
from shuzhi.share import delivery
from shuzhi.share.access import Limits, MaskTable, Refusal, User, read_masks_file
from shuzhi.share.accounts import Right
from shuzhi.share.delivery import Asker, DeliveryDesk, Wanted
from shuzhi.share.delivery.webhooks import poster
from shuzhi.share.receipts import (
    Receipt,
    ReceiptOffice,
    ReceiptProof,
    entry_subjects,
    receipt_proof,
)

_MASKS = "masks.yaml"
# How long a receiver of changes may take, and how often and long we wait for the audit log.
_WAIT_S = 10.0
_TRIES, _PAUSE_S = 40, 0.25
_KEY_BYTES = 32


class Delivers(Agrees, Knows, Audits):
    """How a city hands out what was agreed on."""

    @cached_property
    def city_key(self) -> bytes:
        """The city's secret, in `keys/city`; made at random where there is none yet.

        Pseudonyms, cursors and the subjects of receipts hang on it: keep a copy in a safe place.

        Raises:
            BrokenError: `app.bad_city_key`.
        """
        return _kept(self.settings.folder / "keys" / "city")

    @property
    def masks(self) -> MaskTable:
        """The city's masks, in `masks.yaml`; with no such file nothing may be seen.

        Raises:
            DocumentError: as `read_masks_file`.
        """
        file = self.settings.folder / _MASKS
        return read_masks_file(file) if file.is_file() else MaskTable("none", ())

    @property
    def receipt_office(self) -> ReceiptOffice:
        """Where receipts are: see the verbs of `shuzhi.share.receipts`."""
        folder = self.settings.folder / "receipts"
        return ReceiptOffice(self.sharing_office, open_lake(folder), self.city_key)

    @property
    def delivery_desk(self) -> DeliveryDesk:
        """Where data are handed out: see the verbs of `shuzhi.share.delivery`."""
        return DeliveryDesk(
            self.receipt_office,
            self.lake,
            self.masks,
            self.settings.folder / ".scratch" / "deliveries",
            self.settings.city.delivery,
            Limits(memory=self.settings.memory_limit),
        )

    def deliver_file(self, wanted: Wanted, asker: Asker, folder: Path) -> Path | Refusal:
        """Put what is wanted into a file in `folder`, its receipt with proof of the log beside it.

        Neither is there before the receipt is durable and in the audit log. Raises as
        `delivery.file`; BrokenLogError: `audit.log_busy` when another process keeps the log.
        """
        found = delivery.file(self.delivery_desk, wanted, asker)
        if isinstance(found, Refusal):
            self.record()
            return found
        what = found.receipt.what
        file = folder / f"{what.dataset}-{found.receipt.id}.{wanted.media.name.lower()}"
        proof = json.dumps(self._proven(found.receipt), ensure_ascii=False, indent=2)
        folder.mkdir(parents=True, exist_ok=True)
        _put(file.with_name(f"{file.name}.receipt.json"), BytesIO(f"{proof}\n".encode()))
        _put(file, found.content)
        return file

    def receipt_entry(self, receipt: Receipt) -> Logged | None:
        """The audit entry that proves a receipt; None while the log does not have it."""
        for subject in entry_subjects(self.receipt_office, receipt):
            for entry in self.find_entries(subject, receipt.at, receipt.at):
                facts = (entry.content or {}).get("facts", {})
                if receipt.id <= facts.get("last", receipt.id):
                    return entry
        return None

    def receipt_proof(self, receipt: Receipt) -> ReceiptProof | None:
        """The proof that a receipt is in the audit log; None while the log does not have it.

        Raises as `prove_entry`, `receipts.receipt_proof`.
        """
        logged = self.receipt_entry(receipt)
        if logged is None:
            return None
        _, proof = self.prove_entry(logged.index)
        return receipt_proof(self.receipt_office, receipt, logged, proof)

    def push_changes(self) -> int:
        """Push what changed to every subscription that is due; return how many batches."""
        with httpx2.Client(timeout=_WAIT_S, trust_env=False) as client:
            return delivery.push(self.delivery_desk, poster(client), self._as_now)

    def _as_now(self, user: User) -> User:
        """Return who subscribed with the roles that their account gives by now.

        Who subscribed at the city's folder without an account has those that were said there.
        """
        held = self.roles_now(user.id, user.party, Right.QUERY)
        return user if held is None else replace(user, roles=held)

    def _proven(self, receipt: Receipt) -> dict[str, Any]:
        """Return a receipt with its entry in the audit log and the proof of it (docs/audit.md)."""
        for _ in range(_TRIES):
            self.record()
            if found := self.receipt_proof(receipt):
                return found.document()
            sleep(_PAUSE_S)
        raise BrokenLogError(
            "audit.log_busy",
            f"Another process keeps the audit log; receipt {receipt.id} is not in it yet.",
            next_step="Take the file again in a while; nothing left by this receipt.",
        )


def _put(file: Path, content: BinaryIO) -> None:
    """Write a file that is there in whole or not at all."""
    part = file.with_name(f"{file.name}.part")
    with content, part.open("wb") as out:
        shutil.copyfileobj(content, out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def _kept(file: Path) -> bytes:
    """Return the secret in `file`, made where there is none; the first of its makers counts."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    make_once(file, token_bytes(_KEY_BYTES))
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise BrokenError(
            "app.bad_city_key",
            f"{file} holds no key of {_KEY_BYTES} bytes.",
            next_step="Put back the copy of keys/city; without it nobody can tell whom receipts "
            "are about.",
        )
    return key
