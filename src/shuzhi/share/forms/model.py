"""The words of forms: what is asked of whom, how often and why, and what each field meets.

A form is a demand for data by one party. Each of its fields is held against what the platform
already holds; what may be had from there is not asked again (政务数据共享条例, article 19).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level
from shuzhi.share.catalogue.model import LegalBasis, Text
from shuzhi.share.forms.schedule import Schedule

FormId = NewType("FormId", str)
FillingId = NewType("FillingId", int)


class Filler(StrEnum):
    """Who has to fill a form in."""

    PARTIES = "parties"
    CITIZENS = "citizens"
    COMPANIES = "companies"


@dataclass(frozen=True)
class FilledBy:
    """Whom a form is for: parties by name, or all of a `level` (`below` a party); or people.

    Of citizens and companies `expected` is how many fill it in each time that it is due.
    """

    kind: Filler
    parties: tuple[PartyId, ...] = ()
    level: Level | None = None
    below: PartyId | None = None
    expected: int = 0


@dataclass(frozen=True)
class Excepted:
    """Why a field may be asked although its value is held, and until which day."""

    basis: LegalBasis
    until: date
    is_verified: bool
    note: str = ""


@dataclass(frozen=True)
class FormField:
    """One field. `meaning` is its declared semantic name, `column` a `dataset.column` it repeats.

    `minutes` is how long it takes to fill in, None where the form states its time as a whole;
    `confirm_minutes` how long to look at a value that stands there already. `must_confirm` is a
    field whose value somebody has to say yes to, even if it is known.
    """

    name: str
    title: Text
    type: LogicalType
    meaning: str | None = None
    column: str | None = None
    synonyms: tuple[str, ...] = ()
    minutes: float | None = None
    must_confirm: bool = False
    confirm_minutes: float | None = None
    exception: Excepted | None = None


@dataclass(frozen=True)
class Attachment:
    """A paper that goes with the form, and how long it takes to get it ready."""

    title: Text
    minutes: float


@dataclass(frozen=True)
class Form:
    """A form as it is declared. `minutes` is for all its fields, None where each states its own.

    `subject` is the semantic name of what tells for whom a form is filled in, such as
    `person.id_number` or `town.code`; values are looked up by it, in `role` for `purpose`.
    """

    id: FormId
    title: Text
    owner: PartyId
    basis: LegalBasis
    filled_by: FilledBy
    schedule: Schedule
    fields: tuple[FormField, ...]
    attachments: tuple[Attachment, ...] = ()
    minutes: float | None = None
    subject: str | None = None
    purpose: str = ""
    role: str = ""

    def field(self, name: str) -> FormField | None:
        """Return the field of that name; None when there is none."""
        return next((field for field in self.fields if field.name == name), None)

    def minutes_of(self, field: FormField) -> float:
        """Return how long a field takes; of a form with one time for all, an equal part of it."""
        if field.minutes is not None:
            return field.minutes
        return (self.minutes or 0.0) / len(self.fields)


class Verdict(StrEnum):
    """What becomes of a field."""

    COLLECT = "collect"  # nobody holds it: it is asked, and its collector becomes its source
    TAKE = "take"  # held and to be had: it is not asked
    CONFIRM = "confirm"  # held and to be had: it stands there already, to be confirmed
    APPLY = "apply"  # held under conditions: not asked before the owner's application is answered
    WITHHELD = "withheld"  # held, and not to be had: it is asked
    EXCEPTED = "excepted"  # held, and asked all the same, by law and until a day

    @property
    def is_asked(self) -> bool:
        """Whether the field stands on the form."""
        return self not in (Verdict.TAKE, Verdict.APPLY)


class Reach(StrEnum):
    """By what the owner of a form may have a value that is held."""

    OWN = "own"
    AGREEMENT = "agreement"
    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NONE = "none"


class Way(StrEnum):
    """How it was found that a field is held."""

    MEANING = "meaning"
    COLUMN = "column"
    CONFIRMED = "confirmed"  # a person said that a candidate is the same


@dataclass(frozen=True)
class Candidate:
    """What may hold a field, for a person to look at.

    `score` is 0 to 100: how alike the nearest two of their names are (100: the same letters).
    `column` is None where the catalogue's search found the data set as a whole.
    """

    dataset: str
    column: str | None
    score: float
    field_name: str
    held_name: str


@dataclass(frozen=True)
class Judgement:
    """What a field met: the verdict, where the value is held and by what it may be had.

    Of `apply` either `application` is under way, or none is yet; `due_at` is when its answer is
    due (of none: if it were handed in now), by the law `basis`. `until` ends an exception.
    """

    field: str
    verdict: Verdict
    way: Way | None = None
    dataset: str | None = None
    column: str | None = None
    provider: PartyId | None = None
    reach: Reach | None = None
    agreement: int | None = None
    application: int | None = None
    due_at: Instant | None = None
    basis: str = ""
    is_verified: bool | None = None
    until: date | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class Registered:
    """A form as it stands: its `version` counts changes of what is asked, `step` all its steps."""

    form: Form
    version: int
    judgements: tuple[Judgement, ...]
    registered_at: Instant
    judged_at: Instant
    step: int = 1
    withdrawn_at: Instant | None = None

    def judgement(self, field: str) -> Judgement:
        """Return the judgement of a field; KeyError when there is none."""
        return {judged.field: judged for judged in self.judgements}[field]

    @property
    def asked(self) -> tuple[FormField, ...]:
        """The fields that may be asked."""
        return tuple(f for f in self.form.fields if self.judgement(f.name).verdict.is_asked)


@dataclass(frozen=True)
class Filling:
    """One time that somebody filled in a form; values are not kept here.

    `party` is None for a citizen or a company. `typed` and `confirmed` name the fields that were
    written by hand, and those that stood there already; empty before it was handed in.
    """

    id: FillingId
    form: FormId
    version: int
    party: PartyId | None
    due_on: date
    started_at: Instant
    started_by: str
    handed_in_at: Instant | None = None
    typed: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    origin: str | None = None

    @property
    def minutes(self) -> float | None:
        """How long it took; None before it was handed in."""
        if self.handed_in_at is None:
            return None
        return (self.handed_in_at - self.started_at).total_seconds() / 60
