"""The words of sharing: what is asked for, the application, the agreement, and their steps.

Every value is frozen; an application or agreement is what its steps say, one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NewType

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Form, Operator
from shuzhi.share.agreements.clocks import ClockRun
from shuzhi.share.agreements.errors import AgreementError, require_text
from shuzhi.share.catalogue.model import LegalBasis, Sharing, SharingMethod

ApplicationId = NewType("ApplicationId", int)
AgreementId = NewType("AgreementId", int)
Scalar = str | int | bool
_MOST_NAME = 120


class ApplicationState(StrEnum):
    """Where an application stands; the three tiers of a dispute are states of their own."""

    INCOMPLETE = "incomplete"  # 待补正
    DOCKING = "docking"  # 供需对接
    WAITING = "waiting"  # 待答复
    AGREED = "agreed"  # 同意
    REFUSED = "refused"  # 不同意
    NEGOTIATING = "negotiating"  # 双方协商
    MEDIATING = "mediating"  # 主管部门协调
    DECIDING = "deciding"  # 报请政府决定
    UPHELD = "upheld"  # 维持不予共享
    WITHDRAWN = "withdrawn"  # 撤回


class AgreementState(StrEnum):
    """Where an agreement stands; `renewed` is one that ended while its renewal goes on."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    RENEWED = "renewed"
    DISPOSED = "disposed"


# Nobody has to do anything about these; a refusal may still be disputed.
ENDED = frozenset(
    {
        ApplicationState.AGREED,
        ApplicationState.REFUSED,
        ApplicationState.UPHELD,
        ApplicationState.WITHDRAWN,
    }
)
IN_FORCE = frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED})


class Verb(StrEnum):
    """What is done to an application or an agreement; those of the last line by clocks alone."""

    SUBMIT = "submit"
    COMPLETE = "complete"
    RETURN = "return"
    ASSIGN = "assign"
    DECLINE = "decline"
    ASK_EXTENSION = "ask_extension"
    GRANT_EXTENSION = "grant_extension"
    DENY_EXTENSION = "deny_extension"
    AGREE = "agree"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    DISPUTE = "dispute"
    GO_UP = "go_up"
    DECIDE = "decide"
    MAKE = "make"
    PROVIDE = "provide"
    PROPOSE = "propose"
    SUSPEND = "suspend"
    RESUME = "resume"
    RENEW = "renew"
    END = "end"
    DISPOSE = "dispose"
    EXPIRE = "expire"
    REMIND = "remind"
    BREAK_CLOCK = "break_clock"
    DATE_CLOCK = "date_clock"


# What happens while people look, and does not make them wrong.
UNTOUCHING = frozenset({Verb.REMIND, Verb.BREAK_CLOCK, Verb.DATE_CLOCK})


class Side(StrEnum):
    """What a party is in one exchange (政务数据共享条例: user, provider, authority, government)."""

    APPLICANT = "applicant"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    GOVERNMENT = "government"


@dataclass(frozen=True)
class Actor:
    """Who acts, and for which party; the clocks act for none."""

    person: str
    party: PartyId | None

    def __post_init__(self) -> None:
        if len(require_text(self.person, "Who acts")) > _MOST_NAME:
            raise AgreementError(
                "share.bad_text",
                f"A name has at most {_MOST_NAME} characters.",
                next_step="Name the person by their account.",
            )


SYSTEM = Actor("system", None)


@dataclass(frozen=True)
class RowTerm:
    """One column against values: several for `one_of` and `none_of`, none for the last two."""

    column: str
    operator: Operator
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What an application states; None or empty is what it has not said.

    `dataset` is a data set of the catalogue, or `wanted` says in words what is not catalogued yet.
    `rows` all hold together, `()` stands for all rows. `roles` are those of the applicant's people
    who will use the data. The period is `starts_on` to `ends_on`, both in it. `agreed_by` is the
    applicant's own sharing office. The last three belong to forms other than rows.
    """

    dataset: str | None = None
    wanted: str = ""
    basis: str = ""
    scenario: str = ""
    purposes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    rows: tuple[RowTerm, ...] | None = None
    method: SharingMethod | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    agreed_by: str = ""
    form: Form = Form.ROWS
    minimum_group: int | None = None
    subject: str | None = None
    budget: int | None = None


@dataclass(frozen=True)
class Extension:
    """Days that the provider asked for on top; consented to by the authority, or not yet."""

    days: int
    reason: str
    asked_by: str
    is_granted: bool | None = None


@dataclass(frozen=True)
class Refused:
    """Why data were refused: the text that forbids it, and what it means here."""

    basis: LegalBasis
    reason: str
    at: Instant


@dataclass(frozen=True)
class Application:
    """One request for data; `version` counts its steps, `touched` is the last by a person.

    `missing` are the requirements that it does not meet yet. `is_ordered` is one whose dispute
    was decided for the applicant: it cannot be refused any more.
    """

    id: ApplicationId
    applicant: PartyId
    authority: PartyId
    government: PartyId
    asked: Asked
    state: ApplicationState
    submitted_at: Instant
    changed_at: Instant
    provider: PartyId | None = None
    sharing: Sharing | None = None
    missing: tuple[str, ...] = ()
    returned: str = ""
    extension: Extension | None = None
    refused: Refused | None = None
    is_ordered: bool = False
    renews: AgreementId | None = None
    agreement: AgreementId | None = None
    runs: tuple[ClockRun, ...] = ()
    version: int = 1
    touched: int = 1

    @property
    def is_open(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.state not in ENDED

    @property
    def is_demand(self) -> bool:
        """Whether it asks for data that the catalogue did not have."""
        return self.asked.dataset is None

    def sides(self, party: PartyId | None) -> frozenset[Side]:
        """Return what `party` is in this application."""
        held = {
            Side.APPLICANT: self.applicant,
            Side.PROVIDER: self.provider,
            Side.AUTHORITY: self.authority,
            Side.GOVERNMENT: self.government,
        }
        return frozenset(side for side, holder in held.items() if party and holder == party)


@dataclass(frozen=True)
class Terms:
    """What was agreed, bound to a version of a data contract; from `since` until before `until`."""

    assigner: PartyId
    assignee: PartyId
    dataset: str
    contract_name: str
    contract_version: str
    asked: Asked
    since: Instant
    until: Instant


@dataclass(frozen=True)
class Receipt:
    """Proof that data were disposed of: how, of how much, and the hash of the paper behind it."""

    at: Instant
    by: str
    method: str
    what: str
    document_sha256: str | None = None


@dataclass(frozen=True)
class Agreement:
    """A deal about data. `proposal` is what the provider wants and cannot do on its own."""

    id: AgreementId
    application: ApplicationId
    authority: PartyId
    terms: Terms
    state: AgreementState
    made_at: Instant
    changed_at: Instant
    renews: AgreementId | None = None
    renewed_by: AgreementId | None = None
    proposal: Verb | None = None
    suspended_by: PartyId | None = None
    provided_at: Instant | None = None
    ended_at: Instant | None = None
    receipt: Receipt | None = None
    runs: tuple[ClockRun, ...] = ()
    version: int = 1
    touched: int = 1

    def in_force(self, now: Instant) -> bool:
        """Whether data may go out by this agreement at `now`."""
        is_time = self.terms.since <= now < self.terms.until
        return self.state is AgreementState.ACTIVE and is_time

    def sides(self, party: PartyId | None) -> frozenset[Side]:
        """Return what `party` is in this agreement."""
        held = {
            Side.APPLICANT: self.terms.assignee,
            Side.PROVIDER: self.terms.assigner,
            Side.AUTHORITY: self.authority,
        }
        return frozenset(side for side, holder in held.items() if party and holder == party)


Matter = Application | Agreement


class MatterKind(StrEnum):
    """The two things that have steps here."""

    APPLICATION = "application"
    AGREEMENT = "agreement"


@dataclass(frozen=True)
class Step:
    """One line of a history: who did what when, and the state after it.

    `origin` names the request that made the step and is never taken twice.
    """

    kind: MatterKind
    matter: int
    number: int
    verb: Verb
    at: Instant
    by: str
    party: PartyId | None
    state: str
    facts: dict[str, Any] = field(default_factory=dict)
    origin: str | None = None


def kind_of(matter: Matter) -> MatterKind:
    """Return which of the two a matter is."""
    is_application = isinstance(matter, Application)
    return MatterKind.APPLICATION if is_application else MatterKind.AGREEMENT
