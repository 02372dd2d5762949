"""Who acts, and as what: what a request says of it, held against what the visitor may do."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from shuzhi.act.cases import Actor, CaseRole
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Given, Line, Name
from shuzhi.web.api.frame.asking import KEY_HEADER, refusal
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor, visitor_of

CASE_RIGHTS: dict[Right, CaseRole] = {
    Right.CASE_REPORT: CaseRole.REPORTER,
    Right.CASE_DESK: CaseRole.DESK,
    Right.CASE_DISPATCH: CaseRole.DISPATCHER,
    Right.CASE_HANDLE: CaseRole.HANDLER,
    Right.CASE_CHECK: CaseRole.CHECKER,
    Right.CASE_RATE: CaseRole.RATER,
}


class Acting(Given):
    """Base of what is sent by who acts."""

    party: Name | None = None
    """For which party one acts; one's own where none is named."""
    person: Annotated[Line, Field(min_length=1, max_length=120)] | None = None
    """Who acts, at a server that takes acts without accounts; an account speaks for itself."""


def person_of(visitor: Visitor, given: Acting) -> str:
    """Return the name under which somebody acts.

    Raises:
        WebError: `web.no_name`, `web.speaks_for_itself`.
    """
    if visitor.account is None:
        if given.person and given.person.strip():
            return given.person.strip()
        raise WebError("web.no_name", "Say who acts: person is empty.", next_step="Fill it in.")
    if given.person not in (None, visitor.account):
        raise WebError(
            "web.speaks_for_itself",
            f"{visitor.account} cannot act in the name of somebody else.",
            next_step="Leave person away.",
        )
    return visitor.account


def party_of(visitor: Visitor, given: Acting) -> PartyId:
    """Return the party for which somebody acts; WebError `web.no_party` when none is named."""
    party = given.party or visitor.party
    if party is None:
        raise WebError("web.no_party", "Say for which party: party is empty.")
    return PartyId(party)


def case_actor(visitor: Visitor, given: Acting) -> Actor:
    """Return who acts on a case, in every role that the visitor has for the party.

    Raises:
        WebError: `web.unauthorized`, `web.not_allowed`; as `person_of` and `party_of`.
    """
    party = party_of(visitor, given)
    roles = frozenset(role for right, role in CASE_RIGHTS.items() if visitor.may(right, party))
    if not roles:
        raise refusal(visitor, party)
    return Actor(person_of(visitor, given), party, roles)


async def _origin(request: Request) -> str:
    """Return what names this request for good, so that a store takes it once whatever happens."""
    asked = hashlib.sha256((visitor_of(request).account or "").encode())
    asked.update(b"\n" + request.scope["path"].encode(errors="replace"))
    asked.update(b"\n" + request.headers.get(KEY_HEADER, "").encode(errors="replace") + b"\n")
    asked.update(await request.body())
    return f"api:{asked.hexdigest()}"


VisitorHere = Annotated[Visitor, Depends(visitor_of)]
Origin = Annotated[str, Depends(_origin)]
