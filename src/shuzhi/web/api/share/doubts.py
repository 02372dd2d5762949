"""`/doubts`: a value that may be wrong, until it is right and all that rested on it was reviewed.

A doubt names a row, and so it is shown to those alone who have a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share import correction as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import (
    DecisionKind,
    Doubt,
    Doubted,
    Doubter,
    DoubtFile,
    DoubtId,
    Review,
)
from shuzhi.share.correction.errors import unknown
from shuzhi.web.api.frame.acting import Acting, Origin, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Line, Name, Number, Sha256, Words
from shuzhi.web.api.frame.asking import CityHere, Seen, changes, etag, reads, refusal, require_seen
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.share.doubt_answers import DoubtAnswer, DoubtFileAnswer, Doubts
from shuzhi.web.problems import WebError
from shuzhi.web.sides import AT_ONCE, seen_page
from shuzhi.web.visitors import Visitor

TAG = {"name": "doubts", "description": "数据疑义 · Doubts: a wrong value, corrected and recalled."}
router = APIRouter(prefix="/doubts", tags=["doubts"])
Numbered = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the doubt.")]
_RIGHTS = (Right.DOUBT, Right.CORRECT, Right.OVERSEE)


class DoubtVerb(StrEnum):
    """What people can do about a doubt."""

    ACCEPT = "accept"
    KEEP = "keep"
    REFER = "refer"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"
    REVIEW = "review"


# Which right each verb asks for, for the party that does it.
_RIGHT_OF: Mapping[DoubtVerb, tuple[Right, ...]] = {
    DoubtVerb.ACCEPT: (Right.CORRECT,),
    DoubtVerb.KEEP: (Right.CORRECT,),
    DoubtVerb.REFER: (Right.CORRECT,),
    DoubtVerb.WITHDRAW: (Right.DOUBT,),
    DoubtVerb.ACKNOWLEDGE: (Right.DOUBT, Right.CORRECT, Right.OVERSEE),
    DoubtVerb.REVIEW: (Right.CORRECT, Right.OVERSEE),
}


class NewDoubt(Acting):
    """Which value somebody doubts, and why."""

    dataset: Name
    """In which data set."""
    key: Annotated[dict[Name, Words], Field(min_length=1, max_length=20)]
    """In which row: every column of the contract's key, written as a text."""
    column: Name
    """In which column."""
    seen: Words | None = None
    """What one saw, written as a text; null for no value."""
    right: Words | None = None
    """What one holds to be right; null for no value."""
    evidence: Words = ""
    """What speaks for that."""
    documents: Annotated[tuple[Sha256, ...], Field(max_length=20)] = ()
    """The hashes of papers that prove it."""
    receipt: Number | None = None
    """The receipt of the delivery in which one saw it."""
    doubter: Doubter = Doubter.PARTY
    """For whom it is filed."""

    def doubted(self) -> Doubted:
        """Return it as the room of correction takes it."""
        return Doubted(
            self.dataset,
            tuple(sorted(self.key.items())),
            self.column,
            self.seen,
            self.right,
            self.evidence,
            self.documents,
            self.receipt,
        )


class DoubtAct(Acting):
    """What somebody does about a doubt; which of the fields count depends on the verb."""

    verb: DoubtVerb
    """What is done."""
    text: Words = ""
    """Why."""
    value: Words | None = None
    """accept: what the value is to be, written as a text; null for no value."""
    to: Name | None = None
    """refer: to which registered source; acknowledge, by the authority: for which receiver."""
    kind: DecisionKind | None = None
    """review: the kind of the decision."""
    decision: Line = ""
    """review: what the decision is known by."""
    found: Review | None = None
    """review: whether it is kept or was changed."""


@router.get("", **reads(*_RIGHTS))
def list_doubts(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Of this party, on either side.")] = None,
    dataset: Annotated[Name | None, Query(description="About this data set.")] = None,
    going_on: Annotated[bool | None, Query(description="Open ones, or settled ones.")] = None,
) -> Doubts:
    """List the doubts that one has a part in, the newest first."""
    office = city.correction_office

    def found(before: int | None) -> tuple[Doubt, ...]:
        return room.doubts(
            office,
            party=None if party is None else PartyId(party),
            dataset=dataset,
            is_open=going_on,
            before=before,
            limit=AT_ONCE,
        )

    shown, last = seen_page(
        found, lambda d: d.id, lambda d: _has_part(visitor, d), page.number, page.limit
    )
    return Doubts(items=tuple(map(DoubtAnswer.told, shown)), next=page.goes_on(last))


@router.post("", status_code=201, **changes(Right.DOUBT))
def submit_doubt(
    city: CityHere, visitor: VisitorHere, given: NewDoubt, origin: Origin, response: Response
) -> DoubtFileAnswer:
    """Doubt a value; its provider has to verify it in time.

    Whether the row is there is not told.
    """
    by = _actor(visitor, given, (Right.DOUBT,))
    office = city.correction_office
    made = room.submit(office, given.doubted(), by=by, doubter=given.doubter, origin=origin)
    response.headers["Location"] = f"/api/v1/doubts/{made.id}"
    return _shown(room.doubt_file(office, made.id), response)


@router.get("/{doubt}", **reads(*_RIGHTS))
def show_doubt(
    city: CityHere, visitor: VisitorHere, doubt: Numbered, response: Response
) -> DoubtFileAnswer:
    """Show a doubt with its history, who was told, and what is to be reviewed."""
    return _shown(_seen_file(visitor, city, doubt), response)


@router.post("/{doubt}/acts", **changes(*_RIGHTS, versioned=True))
def act_on_doubt(
    city: CityHere,
    visitor: VisitorHere,
    doubt: Numbered,
    seen: Seen,
    given: DoubtAct,
    response: Response,
) -> DoubtFileAnswer:
    """Do something about a doubt: accept, keep, refer, withdraw, acknowledge, review."""
    held = _seen_file(visitor, city, doubt).doubt
    require_seen(seen, held.version)
    by = _actor(visitor, given, _RIGHT_OF[given.verb])
    _do(city, held, given, by, seen)
    return _shown(room.doubt_file(city.correction_office, held.id), response)


def _do(city: City, held: Doubt, given: DoubtAct, by: Actor, seen: int) -> None:
    office, text = city.correction_office, given.text
    match given.verb:
        case DoubtVerb.ACCEPT:
            room.accept(office, held.id, given.value, by=by, text=text, seen=seen)
        case DoubtVerb.KEEP:
            room.keep(office, held.id, by=by, text=text, seen=seen)
        case DoubtVerb.REFER:
            to = PartyId(given.to or "")
            room.refer(office, held.id, to, by=by, text=text, seen=seen)
        case DoubtVerb.WITHDRAW:
            room.withdraw(office, held.id, by=by, text=text, seen=seen)
        case DoubtVerb.ACKNOWLEDGE:
            whose = None if given.to is None else PartyId(given.to)
            room.acknowledge(office, held.id, by=by, receiver=whose, why=text)
        case DoubtVerb.REVIEW:
            if given.kind is None or given.found is None:
                raise WebError(
                    "web.bad_words",
                    "A review says of which decision, and what was found.",
                    next_step="Send kind, decision and found.",
                )
            which = (given.kind, given.decision, given.found)
            room.review(office, held.id, *which, by=by, why=text)


def _actor(visitor: Visitor, given: Acting, rights: tuple[Right, ...]) -> Actor:
    party = party_of(visitor, given)
    if not any(visitor.may(right, party) for right in rights):
        raise refusal(visitor, party)
    return Actor(person_of(visitor, given), party)


def _has_part(visitor: Visitor, held: Doubt) -> bool:
    """Tell whether a visitor acts for who doubts, who verifies, or the authority."""
    return (
        visitor.may(Right.DOUBT, held.party)
        or visitor.may(Right.CORRECT, held.responsible)
        or visitor.may(Right.OVERSEE, held.authority)
    )


def _seen_file(visitor: Visitor, city: City, number: int) -> DoubtFile:
    """Return the file of a doubt to those who have a part in it, were told, or decided by it."""
    file = room.doubt_file(city.correction_office, DoubtId(number))
    told = {notice.party for notice in file.notices}
    told |= {each.decision.party for each in file.listed if each.decision.party is not None}
    if _has_part(visitor, file.doubt) or any(visitor.may(Right.DOUBT, party) for party in told):
        return file
    raise unknown(number)


def _shown(file: DoubtFile, response: Response) -> DoubtFileAnswer:
    response.headers.update(etag(file.doubt.version))
    return DoubtFileAnswer.file(file)
