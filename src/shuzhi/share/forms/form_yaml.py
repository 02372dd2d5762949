"""A form as its owner declares it: a strict YAML file, `forms/NAME.yaml` of a pack or a city."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    read_document,
    shape,
)
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level
from shuzhi.share.catalogue.model import LegalBasis, Rank, Text
from shuzhi.share.forms.model import (
    Attachment,
    Excepted,
    FilledBy,
    Filler,
    Form,
    FormField,
    FormId,
)
from shuzhi.share.forms.schedule import Every, Schedule

_CODE = "share.bad_form"
_Minutes = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
_Party = Annotated[str, Field(min_length=1, max_length=120)]
_Meaning = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=120)]
_Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=250)]


class _Title(StrictModel):
    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)

    def text(self) -> Text:
        return Text(self.zh, self.en)


class _Basis(StrictModel):
    title: str = Field(min_length=1)
    rank: Rank
    article: str = Field(min_length=1)

    def basis(self) -> LegalBasis:
        return LegalBasis(self.title, self.rank, self.article)


class _FilledBy(StrictModel):
    kind: Filler
    parties: tuple[_Party, ...] = ()
    level: Literal["nation", "city", "district", "town"] | None = None
    below: _Party | None = None
    expected: int | None = Field(default=None, ge=1)


class _Due(StrictModel):
    every: Every
    first_due: date
    until: date | None = None


class _Excepted(StrictModel):
    basis: _Basis
    until: date
    is_verified: StrictBool = Field(alias="verified")
    note: str = ""


class _Field(StrictModel):
    name: _Name
    title: _Title
    type: LogicalType
    meaning: _Meaning | None = None
    column: _Column | None = None
    synonyms: tuple[str, ...] = ()
    minutes: _Minutes | None = None
    confirm: StrictBool = False
    confirm_minutes: _Minutes | None = None
    exception: _Excepted | None = None

    def field(self) -> FormField:
        e = self.exception
        return FormField(
            self.name,
            self.title.text(),
            self.type,
            self.meaning,
            self.column,
            self.synonyms,
            self.minutes,
            self.confirm,
            self.confirm_minutes,
            None if e is None else Excepted(e.basis.basis(), e.until, e.is_verified, e.note),
        )


class _Attachment(StrictModel):
    title: _Title
    minutes: _Minutes


class _Form(StrictModel):
    id: _Name
    title: _Title
    owner: _Party
    basis: _Basis
    filled_by: _FilledBy
    due: _Due
    fields_: tuple[_Field, ...] = Field(alias="fields", min_length=1, max_length=1_000)
    attachments: tuple[_Attachment, ...] = ()
    minutes: _Minutes | None = None
    subject: _Meaning | None = None
    purpose: str = ""
    role: str = ""

    def form(self) -> Form:
        by = self.filled_by
        level = None if by.level is None else Level[by.level.upper()]
        below = None if by.below is None else PartyId(by.below)
        parties = tuple(map(PartyId, by.parties))
        return Form(
            FormId(self.id),
            self.title.text(),
            PartyId(self.owner),
            self.basis.basis(),
            FilledBy(by.kind, parties, level, below, by.expected or 0),
            Schedule(self.due.every, self.due.first_due, self.due.until),
            tuple(field.field() for field in self.fields_),
            tuple(Attachment(a.title.text(), a.minutes) for a in self.attachments),
            self.minutes,
            self.subject,
            self.purpose,
            self.role,
        )


def read_form(path: Path) -> Form:
    """Return the form in the file at `path`.

    Keys: `id`, `title: {zh, en}`, `owner`, `basis: {title, rank, article}`, `filled_by: {kind,
    parties | level, below | expected}`, `due: {every, first_due, until}`, `minutes` (or those of
    each field), `subject`, `purpose`, `role`, `attachments` and `fields`, each with `name`,
    `title`, `type`, and where it has them `meaning`, `column`, `synonyms`, `minutes`, `confirm`,
    `confirm_minutes`, `exception: {basis, until, verified, note}`.

    Raises:
        DocumentError: `share.bad_form` with every finding; `kernel.bad_document`.
    """
    return form_of(read_document(path))


def form_of(document: Document) -> Form:
    """Return the form that a document declares, with the keys that `read_form` names.

    Raises:
        DocumentError: `share.bad_form` with every finding.
    """
    read = shape(document, _Form, code=_CODE)
    if findings := tuple(_findings(document, read)):
        raise DocumentError(_CODE, findings)
    return read.form()


def _findings(document: Document, read: _Form) -> Iterator[Finding]:
    names = [field.name for field in read.fields_]
    for i, field in enumerate(read.fields_):
        where = ("fields", i)
        if field.name in names[:i]:
            yield document.finding((*where, "name"), f"repeats the name {field.name!r}")
        yield from _of_twins(document, i, read.fields_)
        if (field.minutes is None) == (read.minutes is None):
            problem = "time is stated once: as `minutes` of the form, or of every field"
            yield document.finding((*where, "minutes"), problem)
        if field.confirm_minutes is not None and not field.confirm:
            problem = "belongs to a field with `confirm: true`"
            yield document.finding((*where, "confirm_minutes"), problem)
        yield from _of_exception(document, i, field)
    if wrong := _problem_of_filler(read.filled_by):
        yield document.finding(("filled_by",), wrong)
    if read.due.until is not None and read.due.until < read.due.first_due:
        yield document.finding(("due", "until"), "comes before first_due")


def _of_twins(document: Document, place: int, fields: tuple[_Field, ...]) -> Iterator[Finding]:
    """Yield what a field asks that an earlier one of the same form asks too."""
    for key in ("meaning", "column"):
        said = getattr(fields[place], key)
        twin = next((f.name for f in fields[:place] if said and getattr(f, key) == said), None)
        if twin is not None:
            where = ("fields", place, key)
            yield document.finding(where, f"is that of {twin!r} too; one form asks nothing twice")


def _of_exception(document: Document, place: int, field: _Field) -> Iterator[Finding]:
    if field.exception is not None and not (field.exception.is_verified or field.exception.note):
        where = ("fields", place, "exception", "verified")
        yield document.finding(where, "is false without a note; say what nobody has checked")


def _problem_of_filler(by: _FilledBy) -> str | None:
    if by.kind is not Filler.PARTIES:
        if by.parties or by.level or by.below:
            return f"{by.kind.value} are no parties; say how many are `expected`"
        return None if by.expected else f"say how many {by.kind.value} are `expected` each time"
    if by.expected:
        return "`expected` belongs to citizens and companies; parties are counted"
    if bool(by.parties) == (by.level is not None):
        return "name the `parties`, or their `level`"
    return "`below` belongs to a `level`" if by.below and by.level is None else None
