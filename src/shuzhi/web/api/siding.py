"""Who stands on which side of what left: what is between others is not there for anybody else."""

from __future__ import annotations

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Agreement, AgreementId
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.agreements.errors import unknown
from shuzhi.web.visitors import Visitor

SIDE_RIGHTS = (Right.QUERY, Right.ANSWER, Right.OVERSEE)


def sees(visitor: Visitor, city: City, assigner: str, assignee: str) -> bool:
    """Tell whether a visitor acts for the provider, the user or the authority of a delivery."""
    authority = city.sharing_office.authority
    return (
        visitor.may(Right.QUERY, PartyId(assignee))
        or visitor.may(Right.ANSWER, PartyId(assigner))
        or any(visitor.may(Right.OVERSEE, PartyId(p)) for p in (assigner, assignee, authority))
    )


def seen_agreement(visitor: Visitor, city: City, number: int) -> Agreement:
    """Return an agreement that a visitor has a side of.

    Raises:
        AgreementError: `share.agreement_unknown`, also for one that is between others.
    """
    held = read_agreement(city.sharing_office, AgreementId(number)).agreement
    if sees(visitor, city, held.terms.assigner, held.terms.assignee):
        return held
    raise unknown("agreement", number)


def parties_of(visitor: Visitor, *rights: Right) -> frozenset[PartyId]:
    """Return the parties for which a visitor has one of some rights."""
    if visitor.standing is None:
        return frozenset()
    return frozenset().union(*(visitor.standing.parties(right) for right in rights))
