"""`/forms`: what is demanded of towns, citizens and companies, what is held, and what it costs."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.kernel.documents import parse_document
from shuzhi.kernel.ids import PartyId
from shuzhi.share import forms as room
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor
from shuzhi.share.forms import (
    Axis,
    Every,
    Filler,
    Filling,
    FormField,
    FormFile,
    FormId,
    Judgement,
    Reach,
    Registered,
    Repeat,
    Verdict,
    Way,
    declared_minutes,
    form_of,
    saved_minutes,
)
from shuzhi.web.api.frame.acting import Acting, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Answer, Listed, Name, Title
from shuzhi.web.api.frame.asking import CityHere, changes, reads, refusal
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.seeing import sharing_sight

TAG = {"name": "forms", "description": "报表 · Forms: what is held is not asked again."}
router = APIRouter(prefix="/forms", tags=["forms"])
FormHere = Annotated[Name, InPath(description="The id of the form.")]


class FormLine(Answer):
    """A form."""

    id: str
    """What it is known by."""
    title: Title
    """What it is called."""
    owner: str
    """Who demands it."""
    filled_by: Filler
    """Who fills it in."""
    every: Every
    """How often."""
    first_due: date
    """On which day first."""
    until: date | None
    """On which day at the latest; null for no end."""
    version: int
    """Its wording: how often what it asks was changed."""
    declared_minutes: float
    """How long it takes, by what it declares of the fields that it asks."""
    saved_minutes: float
    """How much longer it would take to write what is held already."""
    registered_at: datetime
    """When it was registered."""
    withdrawn_at: datetime | None
    """When it was withdrawn; null while it is in force."""

    @classmethod
    def told(cls, held: Registered) -> FormLine:
        """Return a form."""
        return cls.about(held, **_told(held))


class CandidateAnswer(Answer):
    """What may hold a field, for a person to look at."""

    dataset: str
    """Which data set."""
    column: str | None
    """Which column; null for the data set as a whole."""
    score: float
    """How alike the names are, 0 to 100."""
    field_name: str
    """What the field is called."""
    held_name: str
    """What the column is called."""


class FormFieldAnswer(Answer):
    """A field, and what it met."""

    name: str
    """Its name."""
    title: Title
    """What it is called."""
    type: str
    """Its type."""
    meaning: str | None
    """What it means, by its semantic name; null where it has none."""
    verdict: Verdict
    """What becomes of it."""
    is_asked: bool
    """Whether it stands on the form."""
    way: Way | None
    """How it was found to be held; null where it is not."""
    dataset: str | None
    """Which data set holds it."""
    column: str | None
    """In which column."""
    provider: str | None
    """Who provides it."""
    reach: Reach | None
    """By what the owner may have it."""
    agreement: int | None
    """The agreement about it."""
    application: int | None
    """The application about it."""
    due_at: datetime | None
    """When that is to be answered."""
    until: date | None
    """Until when it may be asked all the same."""
    candidates: tuple[CandidateAnswer, ...]
    """What may be the same, and nobody has said so."""

    @classmethod
    def told(cls, field: FormField, met: Judgement) -> FormFieldAnswer:
        """Return a field with its judgement."""
        return cls.about(
            met,
            name=field.name,
            title=Title.about(field.title),
            type=field.type.value,
            meaning=field.meaning,
            is_asked=met.verdict.is_asked,
            candidates=tuple(map(CandidateAnswer.about, met.candidates)),
        )


class FormAnswer(FormLine):
    """A form with its fields."""

    judged_at: datetime
    """When its fields were held against the rest last."""
    parties: tuple[str, ...]
    """The parties that have to fill it in; none of a form for people."""
    fields: tuple[FormFieldAnswer, ...]
    """Its fields."""

    @classmethod
    def file(cls, file: FormFile) -> FormAnswer:
        """Return a form with its fields."""
        held = file.held
        fields = tuple(FormFieldAnswer.told(f, held.judgement(f.name)) for f in held.form.fields)
        return cls.about(held, **_told(held), fields=fields, parties=file.parties)


class Forms(Listed):
    """A page of forms, by id."""

    items: tuple[FormLine, ...]
    """The forms."""


class FillingAnswer(Answer):
    """One time that somebody filled a form in; what was written is not kept here."""

    id: int
    """Its number."""
    version: int
    """By which wording."""
    party: str | None
    """Who filled it in; null for a citizen or a company."""
    due_on: date
    """On which day it was due."""
    started_at: datetime
    """When it was begun."""
    handed_in_at: datetime | None
    """When it was handed in; null before that."""
    minutes: float | None
    """How long it took; null before it was handed in."""
    typed: tuple[str, ...]
    """Which fields were written by hand."""
    confirmed: tuple[str, ...]
    """Which fields stood there already."""


class Fillings(Listed):
    """A page of fillings of a form, the oldest first."""

    items: tuple[FillingAnswer, ...]
    """The fillings."""


class BurdenAnswer(Answer):
    """What forms cost."""

    key: str
    """Of which form, owner, party or month; empty for citizens and companies."""
    times: int
    """How often something was due."""
    minutes: float
    """How many minutes it takes."""
    measured: float
    """How many of them were measured."""
    measured_share: float | None
    """Which part of them was measured, 0 to 1; null where there are none."""
    saved: float
    """How many minutes were saved by not asking again."""


class Burdens(Answer):
    """What forms cost that were due in a time."""

    items: tuple[BurdenAnswer, ...]
    """The most costly first."""


class PlaceAsked(Answer):
    """A field that asks something."""

    form: str
    """Of which form."""
    owner: str
    """Who demands that form."""
    field: str
    """Which field."""


class RepeatAnswer(Answer):
    """The same datum, asked by more than one form."""

    datum: str
    """What is asked: a meaning, a column, or the titles of the fields."""
    asks: tuple[PlaceAsked, ...]
    """Where it is asked."""

    @classmethod
    def told(cls, found: Repeat) -> RepeatAnswer:
        """Return what is asked again."""
        asks = tuple(PlaceAsked(form=f, owner=o, field=each) for f, o, each in found.asks)
        return cls(datum=found.datum, asks=asks)


class Repeats(Answer):
    """What forms in force ask more than once."""

    items: tuple[RepeatAnswer, ...]
    """The most often asked first."""


class NewForm(Acting):
    """A form that is to be registered, or its new wording."""

    form: Annotated[dict[str, Any], Field(max_length=40)]
    """The form as docs/forms.md declares it, in JSON."""


@router.get("", **reads(Right.READ))
def list_forms(
    city: CityHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="Those that this party demands.")] = None,
    in_force: Annotated[bool | None, Query(description="In force, or withdrawn.")] = None,
) -> Forms:
    """List forms, by id."""
    owner = None if party is None else PartyId(party)
    found = room.forms(city.forms_office, owner=owner, is_open=in_force)
    found = tuple(f for f in found if page.name is None or f.form.id > page.name)
    shown, following = page.cut(found, lambda one: one.form.id)
    return Forms(items=tuple(map(FormLine.told, shown)), next=following)


@router.post("", status_code=201, **changes(Right.DEMAND))
def register_form(
    city: CityHere, visitor: VisitorHere, given: NewForm, response: Response
) -> FormAnswer:
    """Register a form of one's own party, or its new wording.

    What may be had from the platform is not asked: see the verdict of each field.
    """
    party = party_of(visitor, given)
    if not visitor.may(Right.DEMAND, party):
        raise refusal(visitor, party)
    by = Actor(person_of(visitor, given), party)
    text = json.dumps(given.form, ensure_ascii=False).encode(errors="replace")
    form = form_of(parse_document(text, file="form"))
    room.register(city.forms_office, form, by=by)
    response.headers["Location"] = f"/api/v1/forms/{form.id}"
    return FormAnswer.file(room.form_file(city.forms_office, form.id))


@router.get("/burden", **reads(Right.READ))
def show_burden(
    city: CityHere,
    since: Annotated[date, Query(description="Due on this day or later.")],
    until: Annotated[date, Query(description="Due before this day.")],
    by: Annotated[Axis, Query(description="By what the minutes are added up.")] = Axis.FORM,
    form: Annotated[Name | None, Query(description="Of this form.")] = None,
    owner: Annotated[Name | None, Query(description="Demanded by this party.")] = None,
    party: Annotated[Name | None, Query(description="Borne by this party.")] = None,
) -> Burdens:
    """Show what forms cost in minutes, the most costly first."""
    found = city.burden(since, until, by=by, form=form, owner=owner, party=party)
    return Burdens(items=tuple(map(BurdenAnswer.about, found)))


@router.get("/asked-twice", **reads(Right.READ))
def list_repeats(city: CityHere) -> Repeats:
    """List what more than one form in force asks, the most often asked first."""
    return Repeats(items=tuple(map(RepeatAnswer.told, room.asked_twice(city.forms_office))))


@router.get("/{form}", **reads(Right.READ))
def show_form(city: CityHere, form: FormHere) -> FormAnswer:
    """Show a form, and what became of each of its fields."""
    return FormAnswer.file(room.form_file(city.forms_office, FormId(form)))


@router.get("/{form}/fillings", **reads(Right.READ))
def list_fillings(
    city: CityHere,
    visitor: VisitorHere,
    form: FormHere,
    page: PageAsked,
    party: Annotated[Name | None, Query(description="By this party.")] = None,
) -> Fillings:
    """List when a form of one's party, or by it, was filled in, the oldest first."""
    office, of = city.forms_office, None if party is None else PartyId(party)
    held = room.registered(office, FormId(form))
    whose, owner = sharing_sight(visitor, city), held.form.owner
    found = [
        f
        for f in room.fillings(office, form=held.form.id, party=of)
        if _is_after(f, page) and whose.covers(f.party, owner)
    ]
    shown, following = page.cut(found, lambda one: one.id)
    return Fillings(items=tuple(map(FillingAnswer.about, shown)), next=following)


def _is_after(filling: Filling, page: PageAsked) -> bool:
    return page.number is None or filling.id > page.number


def _told(held: Registered) -> dict[str, Any]:
    form, schedule = held.form, held.form.schedule
    return {
        "id": form.id,
        "title": Title.about(form.title),
        "owner": form.owner,
        "filled_by": form.filled_by.kind,
        "every": schedule.every,
        "first_due": schedule.first_due,
        "until": schedule.until,
        "declared_minutes": declared_minutes(held),
        "saved_minutes": saved_minutes(held),
    }
