"""The words of receipts: what left, to whom, by which agreement; and whom it was about.

A receipt is written once and never changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts.errors import ReceiptError

ReceiptId = NewType("ReceiptId", int)
SubjectNumber = NewType("SubjectNumber", int)
"""A subject as receipts know it: 60 bits of an HMAC by the city's key, never the id itself."""
SubjectSetId = NewType("SubjectSetId", int)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Left(StrEnum):
    """As what data left."""

    ROWS = "rows"
    FIGURES = "figures"
    YES_NO = "yes_no"
    FILE = "file"
    PUSH = "push"


class Reach(StrEnum):
    """How near the subjects of a receipt are told.

    `listed`: each of them stands in what left. `read`: each was among the rows that the question
    could read, as when figures are counted; not every one needs to show in the answer.
    """

    LISTED = "listed"
    READ = "read"


@dataclass(frozen=True)
class Delivered:
    """What left by one agreement.

    `asker` is a person of `assignee`, acting in `role` for `purpose`. `lake_version` is the version
    of the data set that was read. `masks` names the mask of each column that has one. `rows` and
    `size_bytes` count what left, `sha256` (hex) is the hash of exactly these bytes, in the
    media type `media`. `question_sha256` is the hash of a question in SQL, whose text may hold
    what is personal.

    Raises:
        ReceiptError: `share.receipt_bad` for a hash that is none, or a count below zero.
    """

    agreement: AgreementId
    assigner: PartyId
    assignee: PartyId
    asker: str
    role: str
    purpose: str
    dataset: str
    contract_version: str
    lake_version: int | None
    columns: tuple[str, ...]
    masks: Mapping[str, str]
    rows: int
    size_bytes: int
    sha256: str
    left: Left
    media: str
    reach: Reach = Reach.LISTED
    question_sha256: str | None = None

    def __post_init__(self) -> None:
        hashes = (self.sha256, self.question_sha256 or self.sha256)
        if min(self.rows, self.size_bytes) >= 0 and all(map(_SHA256.fullmatch, hashes)):
            return
        raise ReceiptError(
            "share.receipt_bad",
            "A receipt counts from zero, and has its hashes in 64 hexadecimal digits.",
            next_step="Count and hash what leaves before the receipt is written.",
        )


@dataclass(frozen=True)
class Receipt:
    """Proof of one delivery: `subjects` says how many it was about, None where no one knows."""

    id: ReceiptId
    at: Instant
    what: Delivered
    subjects: int | None = None
    subject_set: SubjectSetId | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SubjectColumn:
    """A column of a data set whose values are ids of subjects of a kind (person, company, …)."""

    name: str
    kind: str
