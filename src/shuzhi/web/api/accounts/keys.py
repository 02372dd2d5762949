"""`/keys`: the keys of one's own programs; made by people who signed in, and told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import Field, StrictInt

from shuzhi.kernel.ids import PartyId
from shuzhi.share import accounts as room
from shuzhi.share.accounts import NewKey, Right
from shuzhi.web.api.accounts.telling import KeyAnswer, tell, tells_secret
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Given, Line, Listed, Name
from shuzhi.web.api.frame.asking import CityHere, changes, reads, refusal, signed_in
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.managing import require_recent

TAG = {"name": "keys", "description": "密钥 · Keys: what programs show instead of a password."}
router = APIRouter(prefix="/keys", tags=["keys"])


class Keys(Listed):
    """A page of one's own keys."""

    items: tuple[KeyAnswer, ...]
    """The keys, the newest first."""


class MadeKey(Given):
    """A key that is to be made."""

    title: Annotated[Line, Field(min_length=1, max_length=120)]
    """What it is for."""
    rights: Annotated[tuple[Right, ...], Field(min_length=1, max_length=100)]
    """What it opens, of what one may do oneself."""
    days: Annotated[StrictInt, Field(ge=1, le=9_999)]
    """For how long."""
    party: Name | None = None
    """For which party; one's own where none is named."""


class Revocation(Given):
    """That a key is to open nothing any more: there is nothing more to say."""


@router.get("", **reads())
def list_own_keys(city: CityHere, visitor: VisitorHere, page: PageAsked) -> Keys:
    """List the keys of one's own programs, the newest first."""
    holder, _ = signed_in(visitor)
    before = page.number
    known = room.keys(city.accounts_office, holder.account)
    found = [each for each in known if before is None or each.id < before]
    shown, following = page.cut(found, lambda one: one.id)
    return Keys(items=tuple(map(KeyAnswer.told, shown)), next=following)


@router.post("", status_code=201, **tells_secret(changes(Right.MAKE_KEY), 201))
def make_key(city: CityHere, visitor: VisitorHere, given: MadeKey, response: Response) -> KeyAnswer:
    """Make a key; its text is told once, in the header `Shuzhi-Secret`.

    It takes somebody who signed in within the last quarter of an hour.
    """
    holder, _ = signed_in(visitor)
    require_recent(holder, city.clock())
    party = PartyId(given.party or holder.party)
    if not holder.may(Right.MAKE_KEY, party):
        raise refusal(visitor, party)
    lasts = timedelta(days=given.days)
    new = NewKey(holder.account, party, given.title, frozenset(given.rights), lasts)
    made, secret = room.make_key(city.accounts_office, new, by=holder.account)
    tell(response, secret.value)
    return KeyAnswer.told(made)


@router.post("/{prefix}/revocations", **changes())
def revoke_key(
    city: CityHere,
    visitor: VisitorHere,
    prefix: Annotated[
        str, InPath(pattern=r"^[0-9a-f]{10}$", description="The part of the key that may be seen.")
    ],
    _given: Revocation,
) -> KeyAnswer:
    """Let one of one's own keys open nothing from now on."""
    who = signed_in(visitor)[0].account
    return KeyAnswer.told(room.revoke_key(city.accounts_office, prefix, by=who, owner=who))
