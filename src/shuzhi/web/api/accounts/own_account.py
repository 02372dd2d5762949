"""`/account`: one's own, for whoever signed in: who one is here, the password, the visits.

A key is not enough: what leaks with a program must not shut its owner out.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.app import City
from shuzhi.share import accounts as room
from shuzhi.share.accounts import Session, SessionId, Standing
from shuzhi.web.api.accounts.telling import AccountAnswer, SessionAnswer
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Given
from shuzhi.web.api.frame.asking import CityHere, asks, changes, reads, signed_in

TAG = {"name": "account", "description": "我的账号 · One's own account: password and visits."}
router = APIRouter(prefix="/account", tags=["account"])


class OwnAccount(AccountAnswer):
    """One's own account, with the visits that last."""

    session: int
    """Which of the visits this one is."""
    sessions: tuple[SessionAnswer, ...]
    """The visits, the newest first."""


class ChangedPassword(Given):
    """One's own password, the present one and another."""

    old: Annotated[str, Field(max_length=1_000)]
    """The present one."""
    new: Annotated[str, Field(max_length=1_000)]
    """The one that is to be."""


class EndedSession(Given):
    """That a visit is to be over: there is nothing more to say."""


@router.get("", **reads())
def show_own_account(city: CityHere, visitor: VisitorHere) -> OwnAccount:
    """Show one's own account with its roles and the visits that last."""
    return _told(city, *signed_in(visitor))


@router.post("/passwords", **asks())
def change_own_password(city: CityHere, visitor: VisitorHere, given: ChangedPassword) -> OwnAccount:
    """Change one's own password; all visits end but this one.

    It bears no `Idempotency-Key`: what is kept under one would tell of passwords.
    """
    standing, session = signed_in(visitor)
    office, name = city.accounts_office, standing.account
    room.change_password(office, name, given.old, given.new, keep=session.id)
    city.record()
    return _told(city, standing, session)


@router.post("/sessions/{session}/ends", **changes())
def end_own_session(
    city: CityHere,
    visitor: VisitorHere,
    session: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the visit.")],
    _given: EndedSession,
) -> OwnAccount:
    """End one of one's own visits."""
    standing, mine = signed_in(visitor)
    room.end_session(city.accounts_office, standing.account, SessionId(session))
    return _told(city, standing, mine)


def _told(city: City, standing: Standing, session: Session) -> OwnAccount:
    file = room.account_file(city.accounts_office, standing.account)
    visits = tuple(map(SessionAnswer.about, file.sessions))
    return OwnAccount.told(file.account, file.grants, session=session.id, sessions=visits)
