"""Who stands on which side of what left, and who manages it all.

What is between others is not there for anybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right, Role
from shuzhi.share.agreements import Agreement, AgreementId
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.agreements.errors import unknown
from shuzhi.web import sides
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.asking import CityHere, refusal
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor

SIDE_RIGHTS = (Right.QUERY, Right.ANSWER, Right.OVERSEE)


def sees(visitor: Visitor, city: City, assigner: str, assignee: str) -> bool:
    """Tell whether a visitor acts for the provider, the user or the authority of a delivery."""
    authority = city.sharing_office.authority
    return sides.sees(visitor, PartyId(assigner), PartyId(assignee), authority)


def seen_agreement(visitor: Visitor, city: City, number: int) -> Agreement:
    """Return an agreement that a visitor has a side of.

    Raises:
        AgreementError: `share.agreement_unknown`, also for one that is between others.
    """
    held = read_agreement(city.sharing_office, AgreementId(number)).agreement
    if sees(visitor, city, held.terms.assigner, held.terms.assignee):
        return held
    raise unknown("agreement", number)


def _manager(city: CityHere, visitor: VisitorHere) -> str:
    """Return the account of who manages sharing for the city, for whom alone some things are.

    Raises:
        WebError: `web.unauthorized`, `web.not_allowed`.
    """
    authority = city.sharing_office.authority
    if visitor.account is None or not visitor.may(Right.OVERSEE, authority):
        raise refusal(visitor, authority)
    return visitor.account


Manager = Annotated[str, Depends(_manager)]


@dataclass(frozen=True)
class Subject:
    """Who asks about themselves: as the records call them, and by which account."""

    kind: str
    id: str
    account: str


def subject_of(visitor: Visitor) -> Subject:
    """Return whom the records of the city call by the id that is bound to the visitor's account.

    Raises:
        WebError: `web.unauthorized`; `web.no_subject` for an account that no records are bound to.
    """
    standing = visitor.standing
    if standing is None:
        raise refusal(visitor)
    if standing.subject is None:
        raise WebError(
            "web.no_subject",
            "No records of the city are bound to this account.",
            next_step="Ask an administrator to bind it: shuzhi account add NAME --subject ID.",
        )
    kind = "company" if Role.COMPANY in standing.roles() else "person"
    return Subject(kind, standing.subject, standing.account)
