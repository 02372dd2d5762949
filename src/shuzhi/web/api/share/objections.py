"""`/objections`: to a use of one's own data, and what its provider answers.

Who objects is known by the account; no id of a person is in any address, body or answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share import receipts as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor
from shuzhi.share.receipts import Objection, ObjectionId, ObjectionState, ReceiptId
from shuzhi.share.receipts.errors import unknown
from shuzhi.web.api.frame.acting import Acting, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Answer, Given, Listed, Name, Number, Words, YesNo
from shuzhi.web.api.frame.asking import CityHere, changes, reads, refusal
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.frame.siding import subject_of
from shuzhi.web.sides import AT_ONCE, seen_page
from shuzhi.web.visitors import Visitor

TAG = {"name": "objections", "description": "异议 · Objections: to a use of one's own data."}
router = APIRouter(prefix="/objections", tags=["objections"])
Numbered = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the objection.")]
_ANSWERING = (Right.ANSWER, Right.OVERSEE)


class ObjectionAnswer(Answer):
    """An objection, and what came of it."""

    id: int
    """Its number."""
    receipt: int
    """The receipt of the use."""
    agreement: int
    """By which agreement the data were used."""
    dataset: str
    """Of which data set."""
    provider: str
    """Who answers it."""
    reason: str
    """Why it was made."""
    made_at: datetime
    """When it was made."""
    due_at: datetime | None
    """Until when it is to be answered; null while nobody can say."""
    why_undated: str | None
    """Why nobody can say, as a code: `kernel.calendar_ends` until the holiday notice is out."""
    is_overdue: bool
    """Whether it was not answered in time."""
    state: ObjectionState
    """How it stands."""
    answer: str
    """Why the use is kept, or was stopped; empty before that."""
    answered_at: datetime | None
    """When it was answered; null before that."""

    @classmethod
    def told(cls, objection: Objection) -> ObjectionAnswer:
        """Return an objection; whose it is stays with the office."""
        run = objection.run
        return cls.about(objection, due_at=run.due_at, why_undated=run.why_undated)


class Objections(Listed):
    """A page of objections, the newest first."""

    items: tuple[ObjectionAnswer, ...]
    """The objections."""


class OwnObjections(Answer):
    """One's own objections."""

    items: tuple[ObjectionAnswer, ...]
    """The objections, the oldest first."""


class NewObjection(Given):
    """To which use of one's own data somebody objects."""

    receipt: Number
    """The receipt of the use."""
    reason: Annotated[Words, Field(min_length=1)]
    """Why."""


class Withdrawal(Given):
    """That somebody takes an objection back: there is nothing more to say."""


class ObjectionReply(Acting):
    """What the provider answers, or the authority in its place."""

    is_stopped: YesNo
    """Whether the use is stopped; else it is kept."""
    text: Words
    """Why."""


@router.get("", **reads(*_ANSWERING))
def list_objections(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="To data of this party.")] = None,
    state: Annotated[ObjectionState | None, Query(description="Those that stand so.")] = None,
    late: Annotated[bool, Query(description="Only those not answered in time.")] = False,
) -> Objections:
    """List the objections that one may answer, the newest first."""

    def found(before: int | None) -> tuple[Objection, ...]:
        return room.objections(
            city.receipt_office,
            provider=None if party is None else PartyId(party),
            state=state,
            is_overdue=late,
            before=before,
            limit=AT_ONCE,
        )

    shown, last = seen_page(
        found, lambda o: o.id, lambda o: _answers(visitor, o), page.number, page.limit
    )
    return Objections(items=tuple(map(ObjectionAnswer.told, shown)), next=page.goes_on(last))


@router.get("/mine", **reads(Right.OBJECT))
def list_own_objections(city: CityHere, visitor: VisitorHere) -> OwnObjections:
    """List what one objected to, the oldest first; nothing without an id bound to the account."""
    if visitor.standing is None or visitor.standing.subject is None:
        return OwnObjections(items=())
    me = subject_of(visitor)
    found = room.objections_of(city.receipt_office, me.kind, me.id)
    return OwnObjections(items=tuple(map(ObjectionAnswer.told, found)))


@router.post("", status_code=201, **changes(Right.OBJECT))
def make_objection(
    city: CityHere, visitor: VisitorHere, given: NewObjection, response: Response
) -> ObjectionAnswer:
    """Object to a use of one's own data."""
    me = subject_of(visitor)
    made = room.object_to(
        city.receipt_office,
        ReceiptId(given.receipt),
        me.kind,
        me.id,
        reason=given.reason,
        by=me.account,
    )
    response.headers["Location"] = f"/api/v1/objections/{made.id}"
    return ObjectionAnswer.told(made)


@router.get("/{objection}", **reads(*_ANSWERING, Right.OBJECT))
def show_objection(city: CityHere, visitor: VisitorHere, objection: Numbered) -> ObjectionAnswer:
    """Show an objection, to whoever made it or may answer it."""
    return ObjectionAnswer.told(_seen(visitor, city, objection))


@router.post("/{objection}/answers", **changes(*_ANSWERING))
def answer_objection(
    city: CityHere, visitor: VisitorHere, objection: Numbered, given: ObjectionReply
) -> ObjectionAnswer:
    """Answer an objection: the use is kept, or stopped at once."""
    held = _seen(visitor, city, objection)
    party = party_of(visitor, given)
    if not any(visitor.may(right, party) for right in _ANSWERING):
        raise refusal(visitor, party)
    by = Actor(person_of(visitor, given), party)
    done = room.answer_objection(
        city.receipt_office, held.id, by=by, text=given.text, is_stopped=given.is_stopped
    )
    return ObjectionAnswer.told(done)


@router.post("/{objection}/withdrawals", **changes(Right.OBJECT))
def withdraw_objection(
    city: CityHere, visitor: VisitorHere, objection: Numbered, _given: Withdrawal
) -> ObjectionAnswer:
    """Take one's own objection back."""
    me, held = subject_of(visitor), _seen(visitor, city, objection)
    office = city.receipt_office
    done = room.withdraw_objection(office, held.id, me.kind, me.id, by=me.account)
    return ObjectionAnswer.told(done)


def _answers(visitor: Visitor, held: Objection) -> bool:
    """Tell whether a visitor acts for the provider or the authority of an objection."""
    return visitor.may(Right.ANSWER, held.provider) or visitor.may(Right.OVERSEE, held.authority)


def _seen(visitor: Visitor, city: City, number: int) -> Objection:
    held = room.objection(city.receipt_office, ObjectionId(number))
    if _answers(visitor, held):
        return held
    standing = visitor.standing
    if standing is not None and standing.subject is not None and standing.may(Right.OBJECT):
        me = subject_of(visitor)
        mine = room.objections_of(city.receipt_office, me.kind, me.id)
        if any(each.id == held.id for each in mine):
            return held
    raise unknown("objection", number)
