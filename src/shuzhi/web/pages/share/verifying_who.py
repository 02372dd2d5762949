"""Who may verify what: agreements with role and purpose, the question a form makes, its refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Form, Grant, Refusal
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.agreements import grants
from shuzhi.share.verification import (
    Asking,
    Desk,
    How,
    Permit,
    Question,
    VerificationError,
    question_of,
)
from shuzhi.share.verification.comparing import fits
from shuzhi.share.verification.words import Said
from shuzhi.web.pages.frame.sending import FieldError, Typed
from shuzhi.web.pages.share.askers import roles_of, user_of
from shuzhi.web.problems import WebError

VALUE, HOW, DAYS = "is_", "how_", "days_"


@dataclass(frozen=True)
class Choice:
    """What somebody may ask: by which agreement, for which party, in which role and purpose."""

    party: PartyId
    agreement: int
    role: str
    purpose: str
    dataset: str
    until: Instant

    def is_of(self, asking: Asking) -> bool:
        """Tell whether somebody asks just so."""
        mine = (self.party, self.agreement, self.role, self.purpose)
        return mine == (asking.user.party, asking.agreement, asking.role, asking.purpose)


class NotAnsweredError(WebError):
    """A question that the desk does not answer, with the words of its refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"share.{refusal.reason}", refusal.en)
        self.refusal = refusal


class WrongError(FieldError):
    """What was typed into a field, or sent, cannot be asked; `zh` says why in Chinese."""

    def __init__(self, code: str, name: str, said: Said) -> None:
        super().__init__(code, name, said.en)
        self.zh = said.zh


def choices(city: City, standing: Standing) -> tuple[Choice, ...]:
    """Return what somebody may ask now; what is not declared for verification is not among it."""
    office = city.verification_desk.office
    now = city.clock()
    return tuple(
        choice
        for party in sorted(standing.parties(Right.VERIFY))
        for dataset in office.declared.datasets
        for grant in grants(office.sharing, party, dataset, now)
        for choice in _ways(standing, party, grant)
    )


def _ways(standing: Standing, party: PartyId, grant: Grant) -> Iterator[Choice]:
    if grant.form is Form.AGGREGATE:
        return
    number = int(grant.id.removeprefix("agreement:"))
    for role in sorted(grant.roles & roles_of(standing, party)):
        for purpose in sorted(grant.purposes):
            yield Choice(party, number, role, purpose, grant.dataset, grant.until)


def asking_of(standing: Standing, typed: Typed) -> Asking:
    """Return who asks under what; the roles are those of the account, whatever the form says.

    Raises:
        WebError: `web.not_allowed`.
    """
    user = user_of(standing, Right.VERIFY, typed)
    return Asking(user, typed.number("agreement") or 0, typed.one("role"), typed.one("purpose"))


def ways_of(permit: Permit) -> dict[str, list[How]]:
    """Return the columns that may be asked about, each with its ways to compare."""
    return {
        column: [how for how in How if how in hows and fits(how, kind)]
        for column, (kind, hows) in permit.columns.items()
    }


def question_typed(desk: Desk, asking: Asking, typed: Typed) -> Question:
    """Return the question that a form asks; claims that were left empty are none.

    Raises:
        FieldError: for nobody named, nothing claimed, or a value that no such column could have.
        NotAnsweredError: what the desk would not let be asked.
        VerificationError: `share.bad_question`.
    """
    permit = desk.permit(asking)
    if isinstance(permit, Refusal):
        raise NotAnsweredError(permit)
    subject = typed.one("subject").strip()
    if not subject:
        raise FieldError("web.nobody_named", "subject", "Nobody is named.")
    claims = {column: _claim(column, typed) for column in ways_of(permit) if _said(column, typed)}
    if not claims:
        first = next(iter(permit.columns), "")
        raise FieldError("web.nothing_claimed", VALUE + first, "Nothing is claimed.")
    question = question_of(
        {
            "agreement": asking.agreement,
            "purpose": asking.purpose,
            "role": asking.role,
            "subject": subject,
            "claims": claims,
        }
    )
    _require_askable(permit, question)
    return question


def _said(column: str, typed: Typed) -> str:
    return typed.one(VALUE + column).strip()


def _claim(column: str, typed: Typed) -> dict[str, Any]:
    how = typed.one(HOW + column, How.EXACT.value)
    claim: dict[str, Any] = {how: _said(column, typed)}
    if how == How.DATE.value:
        claim["within_days"] = typed.number(DAYS + column) or 0
    return claim


def _require_askable(permit: Permit, question: Question) -> None:
    """Refuse each claim at its own field; the desk asks the same of all of them."""
    for claim in question.claims:
        try:
            test = permit.test(claim)
        except VerificationError as error:
            said = Said(error.zh, error.message)
            raise WrongError(error.code, VALUE + claim.column, said) from None
        if isinstance(test, Refusal):
            raise NotAnsweredError(test)
