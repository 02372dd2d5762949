"""`/receipts`: proof of every delivery, for those who had a part in it and those it was about."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import to_instant
from shuzhi.share import receipts as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts import Left, Reach, Receipt, ReceiptId
from shuzhi.share.receipts.errors import unknown
from shuzhi.share.receipts.proofs import told_of
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Line, Listed, Moment, Name
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.frame.siding import SIDE_RIGHTS, sees, subject_of
from shuzhi.web.seeing import seen_proof
from shuzhi.web.sides import AT_ONCE, seen_page
from shuzhi.web.visitors import Visitor

TAG = {"name": "receipts", "description": "回执 · Receipts: proof of every delivery."}
router = APIRouter(prefix="/receipts", tags=["receipts"])


class ReceiptAnswer(Answer):
    """What left, to whom, by which agreement."""

    id: int
    """Its number."""
    at: datetime
    """When it left."""
    agreement: int
    """By which agreement."""
    assigner: str
    """Who provided the data."""
    assignee: str
    """Who was given them."""
    role: str
    """In which role they were asked for."""
    purpose: str
    """For which purpose."""
    dataset: str
    """From which data set."""
    columns: tuple[str, ...]
    """Which columns were shown."""
    left: Left
    """As what they left."""
    reach: Reach
    """Whether whoever it was about stood in what left, or among the rows that were read for it."""

    @classmethod
    def told(cls, receipt: Receipt) -> ReceiptAnswer:
        """Return a receipt as those may see it whom it was about."""
        return cls.about(receipt.what, id=receipt.id, at=receipt.at)


class ReceiptLine(ReceiptAnswer):
    """A receipt as those may see it who had a part in the delivery."""

    asker: str
    """Who asked."""
    contract_version: str
    """By which version of the contract."""
    lake_version: int | None
    """The version of the data set that was read; null where none was."""
    masks: dict[str, str]
    """The mask of each column that has one."""
    rows: int
    """How many rows left."""
    size_bytes: int
    """How many bytes left."""
    sha256: str
    """The hash of exactly these bytes, in hex."""
    media: str
    """In which form."""
    question_sha256: str | None
    """The hash of the question in SQL; null where there was none."""
    subjects: int | None
    """How many it was about; null where nobody knows."""

    @classmethod
    def told(cls, receipt: Receipt) -> ReceiptLine:
        """Return a receipt with all that its two sides know."""
        return cls.about(receipt.what, id=receipt.id, at=receipt.at, subjects=receipt.subjects)


class ReceiptProven(ReceiptLine):
    """A receipt with the proof that it is in the audit log."""

    entry: int | None
    """Its index in the audit log; null where it is not in it yet. `show_entry_of_log` has it."""
    raw: str | None
    """The bytes of that entry, as they were hashed; null where there is none yet, or where it is
    of before there were trees over a turn, and tells of others."""
    proof: str | None
    """The proof that they are in the log (C2SP tlog-proof); null where there is none yet."""


class TurnAnswer(Answer):
    """Where a receipt stands in the tree over those that were written with it."""

    index: int
    """Its place among them, from 0."""
    subjects_sha256: str
    """The hash over whom it is about, in hex: a part of its leaf."""
    path: tuple[str, ...]
    """The hashes from its leaf to the root in the entry, in Base64; they tell nothing of others."""


class ReceiptProofAnswer(Answer):
    """A receipt with all that one checks it by: `shuzhi receipt check` reads it as it is."""

    receipt: Facts
    """The receipt, as it is hashed."""
    entry: str | None
    """The entry, or that of all that were written with it; null as `raw` of the receipt."""
    leaf_sha256: str | None
    """The hash of the entry as a leaf of the log (RFC 6962), in hex; null where there is none."""
    proof: str | None
    """The proof that the entry is in the log (C2SP tlog-proof); null where there is none yet."""
    turn: TurnAnswer | None
    """Where the receipt stands in that entry; null for an entry of its own."""


class Receipts(Listed):
    """A page of receipts, the newest first."""

    items: tuple[ReceiptLine, ...]
    """The receipts."""


class Uses(Listed):
    """A page of uses of one's own data, the newest first."""

    items: tuple[ReceiptAnswer, ...]
    """The receipts."""


@router.get("", **reads(*SIDE_RIGHTS))
def list_receipts(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Of this party, on either side.")] = None,
    dataset: Annotated[Line | None, Query(min_length=1, description="Of this data set.")] = None,
    agreement: Annotated[
        int | None, Query(ge=1, lt=2**62, description="By this agreement.")
    ] = None,
    since: Annotated[Moment | None, Query(description="Of this moment or later.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> Receipts:
    """List the receipts that one has a side of, the newest first."""

    def found(before: int | None) -> tuple[Receipt, ...]:
        return room.receipts(
            city.receipt_office,
            party=None if party is None else PartyId(party),
            dataset=dataset,
            agreement=None if agreement is None else AgreementId(agreement),
            since=None if since is None else to_instant(since),
            until=None if until is None else to_instant(until),
            before=before,
            limit=AT_ONCE,
        )

    shown, last = seen_page(
        found, lambda r: r.id, lambda r: _is_seen(visitor, city, r), page.number, page.limit
    )
    return Receipts(items=tuple(map(ReceiptLine.told, shown)), next=page.goes_on(last))


@router.get("/about-me", **reads(Right.SEE_USES))
def list_own_uses(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    dataset: Annotated[Line | None, Query(min_length=1, description="Of this data set.")] = None,
) -> Uses:
    """List who used one's own data, the newest first.

    There is nothing to show where no records of the city are bound to the account.
    """
    if visitor.standing is None or visitor.standing.subject is None:
        return Uses(items=(), next=None)
    me, limit = subject_of(visitor), page.limit + 1
    found = room.uses_of(
        city.receipt_office, me.kind, me.id, dataset=dataset, before=page.number, limit=limit
    )
    shown, following = page.cut(found, lambda one: one.id)
    return Uses(items=tuple(map(ReceiptAnswer.told, shown)), next=following)


@router.get("/{receipt}", **reads(*SIDE_RIGHTS))
def show_receipt(
    city: CityHere,
    visitor: VisitorHere,
    receipt: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the receipt.")],
) -> ReceiptProven:
    """Show a receipt with the proof that it is in the audit log."""
    found = room.receipt(city.receipt_office, ReceiptId(receipt))
    if not _is_seen(visitor, city, found):
        raise unknown("receipt", receipt)
    proven = seen_proof(visitor, city, found)
    told = ReceiptLine.told(found).model_dump()
    if proven is None:
        return ReceiptProven(**told, entry=None, raw=None, proof=None)
    raw = None if proven.entry is None else proven.entry.decode()
    return ReceiptProven(**told, entry=proven.proof.index, raw=raw, proof=f"{proven.proof}")


@router.get("/{receipt}/proof", **reads(*SIDE_RIGHTS))
def prove_receipt(
    city: CityHere,
    visitor: VisitorHere,
    receipt: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the receipt.")],
) -> ReceiptProofAnswer:
    """Show all that a receipt of one's own is checked by, without what belongs to others.

    Of receipts that were written together it leads by hashes alone to their one entry.
    """
    found = room.receipt(city.receipt_office, ReceiptId(receipt))
    if not _is_seen(visitor, city, found):
        raise unknown("receipt", receipt)
    proven = seen_proof(visitor, city, found)
    if proven is None:
        none = dict.fromkeys(("entry", "leaf_sha256", "proof", "turn"))
        return ReceiptProofAnswer.model_validate({"receipt": told_of(found), **none})
    return ReceiptProofAnswer.model_validate(proven.document())


def _is_seen(visitor: Visitor, city: City, receipt: Receipt) -> bool:
    return sees(visitor, city, receipt.what.assigner, receipt.what.assignee)
