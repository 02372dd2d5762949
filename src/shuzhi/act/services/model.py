"""The words of services: the matter that can be asked for, its form to one person, the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.model import LegalBasis, Text
from shuzhi.share.forms import FormField, FormId

MatterId = NewType("MatterId", str)
RequestId = NewType("RequestId", int)


class Audience(StrEnum):
    """Whom a matter is for."""

    CITIZENS = "citizens"
    COMPANIES = "companies"


@dataclass(frozen=True)
class Matter:
    """What can be asked of a party (政务服务事项): by whom, by which form, as which case."""

    id: MatterId
    title: Text
    about: Text
    result: Text
    owner: PartyId
    audience: Audience
    form: FormId
    case_kind: str
    basis: LegalBasis
    is_verified: bool


@dataclass(frozen=True)
class Applicant:
    """Who asks: the account, and what the city's records call the person or company itself.

    Without a `subject` nothing can be looked up, so that all is asked.
    """

    account: str
    party: PartyId | None
    audience: Audience
    subject: str | None = None


class Way(StrEnum):
    """How a field comes about."""

    ASK = "ask"  # the applicant writes it
    CONFIRM = "confirm"  # it stands there already; the applicant says that it is right
    HELD = "held"  # it is not asked: the office takes it from whoever holds it


@dataclass(frozen=True)
class ShownField:
    """A field as an applicant sees it; `value` and who holds it, where it stands there already.

    A value is shown as text; None of `held` is one that the office will look up itself.
    """

    field: FormField
    way: Way
    value: str | None = None
    dataset: str | None = None
    provider: PartyId | None = None
    at: Instant | None = None


@dataclass(frozen=True)
class Blank:
    """A matter's form, filled in as far as it can be for one applicant."""

    matter: Matter
    form_version: int
    fields: tuple[ShownField, ...]


@dataclass(frozen=True)
class Entered:
    """The value of one field in a request, and how it came there."""

    value: str | None
    way: Way
    dataset: str | None = None


class Progress(StrEnum):
    """How far a request is, in the applicant's words."""

    RECEIVED = "received"
    IN_HAND = "in_hand"
    CHECKED = "checked"
    DONE = "done"


@dataclass(frozen=True)
class ServiceRequest:
    """What somebody asked for, and the case that it became."""

    id: RequestId
    matter: MatterId
    account: str
    owner: PartyId
    asked_at: Instant
    case_id: int
    form_version: int
    content: Mapping[str, Entered]
