"""Who speaks for which side of an exchange of data: the right that each side needs, by verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor, Agreement, Application, Verb
from shuzhi.share.agreements.model import Side
from shuzhi.share.agreements.ways import WAYS
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor

RIGHT_OF_SIDE: Mapping[Side, Right] = {
    Side.APPLICANT: Right.APPLY,
    Side.PROVIDER: Right.ANSWER,
    Side.AUTHORITY: Right.OVERSEE,
    Side.GOVERNMENT: Right.OVERSEE,
}

Thing = TypeVar("Thing")
AT_ONCE = 200


@dataclass(frozen=True)
class Possible:
    """A verb that a visitor may do now, and for which parties."""

    verb: Verb
    parties: tuple[PartyId, ...]


def possible(visitor: Visitor, matter: Application | Agreement) -> tuple[Possible, ...]:
    """Return what a visitor may do about an application or agreement as it stands."""
    found = (
        Possible(verb, _parties(visitor, matter, froms[matter.state]))
        for verb, froms in WAYS.items()
        if matter.state in froms
    )
    return tuple(each for each in found if each.parties)


def actor(visitor: Visitor, matter: Application | Agreement, verb: Verb, party: str) -> Actor:
    """Return who does a verb, in whatever state it is done.

    Raises:
        WebError: `web.not_allowed` for who may not speak for a side that has this verb.
    """
    sides = frozenset[Side]().union(*WAYS.get(verb, {}).values())
    if visitor.account is None or party not in _parties(visitor, matter, sides):
        raise WebError(
            "web.not_allowed",
            f"Your roles do not let you {verb.value.replace('_', ' ')} here.",
            next_step="See your roles at /account.",
        )
    return Actor(visitor.account, PartyId(party))


def sees(visitor: Visitor, assigner: PartyId, assignee: PartyId, authority: PartyId) -> bool:
    """Tell whether a visitor acts for the provider, the user or the manager of what left."""
    return (
        visitor.may(Right.QUERY, assignee)
        or visitor.may(Right.ANSWER, assigner)
        or any(visitor.may(Right.OVERSEE, party) for party in (assigner, assignee, authority))
    )


def sees_what_left(visitor: Visitor, held: Agreement) -> bool:
    """Tell whether what left by an agreement is a visitor's to see: its user, provider, manager."""
    return sees(visitor, held.terms.assigner, held.terms.assignee, held.authority)


def manages_sharing(visitor: Visitor, city: City) -> bool:
    """Tell whether a visitor is known by an account, and manages sharing for the city."""
    authority = city.sharing_office.authority
    return visitor.account is not None and visitor.may(Right.OVERSEE, authority)


def sharing_manager(visitor: Visitor, city: City) -> str:
    """Return the account of who manages sharing for the city, for whom alone some pages are.

    Raises:
        WebError: `web.not_allowed` for everybody else.
    """
    if visitor.account is None or not manages_sharing(visitor, city):
        raise WebError(
            "web.not_allowed",
            "This is for who manages sharing for the city.",
            next_step="Sign in as a manager of the party that manages sharing.",
        )
    return visitor.account


def seen_page(
    found: Callable[[int | None], tuple[Thing, ...]],
    number: Callable[[Thing], int],
    is_seen: Callable[[Thing], bool],
    before: int | None,
    limit: int,
) -> tuple[list[Thing], int | None]:
    """Return up to `limit` of what may be seen, and after which number the next page begins.

    `found` gives `AT_ONCE` of all there are before a number, the newest first. None: no more.
    """
    shown: list[Thing] = []
    for each in _each(found, number, before):
        if is_seen(each):
            if len(shown) == limit:
                return shown, number(shown[-1])
            shown.append(each)
    return shown, None


def _each(
    found: Callable[[int | None], tuple[Thing, ...]],
    number: Callable[[Thing], int],
    before: int | None,
) -> Iterator[Thing]:
    while some := found(before):
        yield from some
        if len(some) < AT_ONCE:
            return
        before = number(some[-1])


def _parties(
    visitor: Visitor, matter: Application | Agreement, sides: frozenset[Side]
) -> tuple[PartyId, ...]:
    """Return the parties that are on one of `sides` and for which the visitor may speak there."""
    if visitor.standing is None:
        return ()
    found = {
        party
        for side, right in RIGHT_OF_SIDE.items()
        if side in sides
        for party in visitor.standing.parties(right)
        if side in matter.sides(party)
    }
    return tuple(sorted(found))
