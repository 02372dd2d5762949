"""Who asks for data on a page: the account, for one of its parties, in the roles that it holds."""

from __future__ import annotations

from fastapi import Request

from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.accounts import Right, Standing
from shuzhi.web.pages.frame.sending import Typed
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import visitor_of


def standing_of(request: Request, right: Right, otherwise: WebError) -> Standing:
    """Return the standing of who has a right, for whom alone a page is; else raise `otherwise`."""
    visitor = visitor_of(request)
    if visitor.standing is None or not visitor.may(right):
        raise otherwise
    return visitor.standing


def user_of(standing: Standing, right: Right, typed: Typed) -> User:
    """Return who asks for the party that was typed: with the account's roles, whatever is typed.

    Raises:
        WebError: `web.not_allowed`.
    """
    party = PartyId(typed.one("party"))
    if not standing.may(right, party):
        raise WebError("web.not_allowed", "Your roles do not let you ask for this party.")
    return User(standing.account, party, roles_of(standing, party))


def roles_of(standing: Standing, party: PartyId) -> frozenset[str]:
    """Return the roles that an account holds for a party, as agreements name them."""
    return frozenset(role.value for role in standing.roles(party))
