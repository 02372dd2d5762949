"""What is told of applications and agreements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shuzhi.share.access import Form, Operator
from shuzhi.share.agreements import (
    Agreement,
    AgreementFile,
    AgreementState,
    Application,
    ApplicationFile,
    ApplicationState,
    Clock,
    ClockRun,
    Verb,
)
from shuzhi.share.agreements.ways import WAYS
from shuzhi.share.catalogue import Sharing
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.web.api.frame.answers import Answer, Facts, Listed


class RowTermAnswer(Answer):
    """One column against values."""

    column: str
    """Which column."""
    operator: Operator
    """How it is compared."""
    values: tuple[bool | int | str, ...]
    """With what."""


class AskedAnswer(Answer):
    """What was asked for."""

    dataset: str | None
    """The data set of the catalogue; null for what is not catalogued."""
    wanted: str
    """In words, what is wanted."""
    basis: str
    """The text of law that the use stands on."""
    scenario: str
    """For what work it is needed."""
    purposes: tuple[str, ...]
    """What the data will be used for."""
    roles: tuple[str, ...]
    """Who will use them."""
    fields: tuple[str, ...]
    """Which columns."""
    rows: tuple[RowTermAnswer, ...] | None
    """Which rows; an empty list stands for all of them, null for not said."""
    method: SharingMethod | None
    """How they are to be handed over."""
    starts_on: date | None
    """The first day of the use."""
    ends_on: date | None
    """The last day of the use."""
    agreed_by: str
    """Who consented in the applicant's own sharing office."""
    form: Form
    """In what form answers leave."""
    minimum_group: int | None
    """How many subjects must stand behind each figure."""
    subject: str | None
    """The column that says whom a row is about."""
    budget: int | None
    """How many questions may be asked."""


class TermAnswer(Answer):
    """A number of days by law."""

    days: int
    """How many."""
    unit: str
    """Which days."""
    legal_basis: str
    """By which text."""
    is_verified: bool
    """Whether somebody has held it against the text."""


class TermClockAnswer(Answer):
    """A clock of an application or agreement."""

    clock: Clock
    """What is to be done before it runs out."""
    party: str
    """By whom."""
    started_at: datetime
    """Since when it runs."""
    due_at: datetime | None
    """When it runs out; null while nobody can say."""
    why_undated: str | None
    """Why nobody can say, as a code: `kernel.calendar_ends` until the holiday notice is out."""
    is_paused: bool
    """Whether it stands still now."""
    broken_at: datetime | None
    """When it ran out."""
    ended_at: datetime | None
    """When it was done with."""
    term: TermAnswer | None
    """The term that it runs by; null for a deadline that was stated."""

    @classmethod
    def told(cls, run: ClockRun) -> TermClockAnswer:
        """Return a clock."""
        return cls.about(run)


class SharingStepAnswer(Answer):
    """What somebody did, or a clock."""

    number: int
    """Which step it is, from 1."""
    verb: Verb
    """What was done."""
    at: datetime
    """When."""
    by: str
    """By whom."""
    party: str | None
    """For which party; null for clocks."""
    state: str
    """How things stood after it."""
    facts: Facts
    """What belongs to it, by verb."""


class RefusedAnswer(Answer):
    """Why data were refused."""

    basis: Mapping[str, Any]
    """The text of law that forbids it: title, rank, article."""
    reason: str
    """What that means here."""
    at: datetime
    """When."""


class ApplicationLine(Answer):
    """An application, in short."""

    id: int
    """Its number."""
    applicant: str
    """Who asks."""
    provider: str | None
    """Who is asked; null until the authority names somebody."""
    state: ApplicationState
    """Where it stands."""
    is_open: bool
    """Whether somebody has to do something about it."""
    submitted_at: datetime
    """When it was submitted."""
    changed_at: datetime
    """When its last step was done."""
    asked: AskedAnswer
    """What is asked for."""
    agreement: int | None
    """The agreement that it led to."""
    version: int
    """How many steps it has; its ETag."""


class Applications(Listed):
    """A page of applications, the newest first."""

    items: tuple[ApplicationLine, ...]
    """The applications."""


class ProviderAnswersAnswer(Answer):
    """How a provider answered applications."""

    provider: str
    """Which provider."""
    asked: int
    """How many applications it has to do with now."""
    agreed: int
    """How many it consented to."""
    refused: int
    """How many refusals there were."""
    refusal_share: float | None
    """Which part of its answers were refusals, 0 to 1; null before the first answer."""
    waiting: int
    """How many of them are open."""
    late: int
    """How many answers did not come in time."""
    upheld: int
    """How many of its refusals a dispute left as they were."""
    overruled: int
    """How many disputes were decided for the applicant."""
    by_rank: Mapping[str, int]
    """How many refusals stand on a text of which rank."""


class ProvidersAnswers(Answer):
    """How each provider answered."""

    items: tuple[ProviderAnswersAnswer, ...]
    """The providers, those first that refused the most."""


class ApplicationAnswer(ApplicationLine):
    """Everything about an application."""

    authority: str
    """Who manages sharing."""
    government: str
    """Who decides in the end."""
    sharing: Sharing | None
    """The sharing attribute of the data."""
    missing: tuple[str, ...]
    """What the application lacks."""
    returned: str
    """Why it was sent back."""
    refused: RefusedAnswer | None
    """Why it was refused."""
    renews: int | None
    """The agreement that it shall go on with."""
    clocks: tuple[TermClockAnswer, ...]
    """Its clocks."""
    can: tuple[Verb, ...]
    """What can be done now by one side or another."""
    steps: tuple[SharingStepAnswer, ...]
    """Its history."""

    @classmethod
    def told(cls, file: ApplicationFile) -> ApplicationAnswer:
        """Return the whole file of an application."""
        held = file.application
        refused = held.refused and RefusedAnswer.about(held.refused, basis=vars(held.refused.basis))
        clocks = tuple(map(TermClockAnswer.told, held.runs))
        return cls.about(held, clocks=clocks, can=_can(held), steps=file.steps, refused=refused)


class TermsAnswer(Answer):
    """What was agreed."""

    assigner: str
    """Who provides."""
    assignee: str
    """Who receives."""
    dataset: str
    """Which data set."""
    contract_name: str
    """The data contract that it is bound to."""
    contract_version: str
    """The version of it."""
    asked: AskedAnswer
    """What may be used, and for what."""
    since: datetime
    """From when."""
    until: datetime
    """Until when."""


class AgreementLine(Answer):
    """An agreement, in short."""

    id: int
    """Its number."""
    application: int
    """The application that it was made of."""
    state: AgreementState
    """Where it stands."""
    made_at: datetime
    """When it was made."""
    changed_at: datetime
    """When its last step was done."""
    terms: TermsAnswer
    """What was agreed."""
    version: int
    """How many steps it has; its ETag."""


class Agreements(Listed):
    """A page of agreements, the newest first."""

    items: tuple[AgreementLine, ...]
    """The agreements."""


class DisposedAnswer(Answer):
    """Proof that data were disposed of."""

    at: datetime
    """When."""
    by: str
    """By whom."""
    method: str
    """How."""
    what: str
    """Of what."""
    document_sha256: str | None
    """The hash of the paper behind it."""


class AgreementAnswer(AgreementLine):
    """Everything about an agreement."""

    authority: str
    """Who manages sharing."""
    renews: int | None
    """The agreement that it goes on with."""
    renewed_by: int | None
    """The agreement that goes on with it."""
    proposal: Verb | None
    """What the provider wants and cannot do on its own."""
    provided_at: datetime | None
    """When the data were provided."""
    ended_at: datetime | None
    """When it ended."""
    receipt: DisposedAnswer | None
    """The proof that the data were disposed of."""
    clocks: tuple[TermClockAnswer, ...]
    """Its clocks."""
    can: tuple[Verb, ...]
    """What can be done now by one side or another."""
    steps: tuple[SharingStepAnswer, ...]
    """Its history."""
    policy: Facts
    """The same as an ODRL policy, as it was agreed."""

    @classmethod
    def told(cls, file: AgreementFile) -> AgreementAnswer:
        """Return the whole file of an agreement."""
        held = file.agreement
        clocks = tuple(map(TermClockAnswer.told, held.runs))
        more = {"clocks": clocks, "can": _can(held), "steps": file.steps, "policy": file.policy}
        return cls.about(held, **more)


def _can(matter: Application | Agreement) -> tuple[Verb, ...]:
    return tuple(verb for verb, starts in WAYS.items() if matter.state in starts)
