"""`/subscriptions`: changes of an agreement's rows, pushed to whoever subscribed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.share import delivery
from shuzhi.share.access import Refusal
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor, AgreementId
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.delivery import Subscription, SubscriptionId, SubscriptionState
from shuzhi.share.delivery.errors import unknown
from shuzhi.share.delivery.webhooks import secret_of
from shuzhi.web.api.frame.acting import Acting, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Answer
from shuzhi.web.api.frame.asking import CityHere, changes, reads, refusal
from shuzhi.web.api.frame.siding import SIDE_RIGHTS, sees
from shuzhi.web.api.share.deliveries import NoAccessError
from shuzhi.web.api.share.delivery_given import NewSubscription
from shuzhi.web.visitors import Visitor

TAG = {"name": "subscriptions", "description": "数据订阅 · Subscriptions: changes, pushed."}
router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])
Numbered = Annotated[int, InPath(ge=1, lt=2**62, description="The number of the subscription.")]


class SubscriptionAnswer(Answer):
    """Changes that are pushed to somebody."""

    id: int
    """Its number."""
    agreement: int
    """By which agreement."""
    party: str
    """Whose it is."""
    role: str
    """In which role they are received."""
    purpose: str
    """For which purpose."""
    columns: tuple[str, ...] | None
    """Which columns; null for all that may be seen."""
    url: str
    """Where they are pushed to."""
    state: SubscriptionState
    """How it stands."""
    made_at: datetime
    """When it was made."""
    position: int | None
    """Up to which version of the data set all was acknowledged; null before the first."""
    failures: int
    """How often pushing failed since it went well."""
    next_at: datetime | None
    """When it is tried again; null where nothing keeps it."""
    last_error: str
    """Why it failed; empty where it did not."""

    @classmethod
    def told(cls, held: Subscription) -> SubscriptionAnswer:
        """Return a subscription."""
        wanted, asker = held.wanted, held.asker
        return cls.about(
            held,
            agreement=wanted.agreement,
            columns=wanted.columns,
            party=asker.user.party,
            role=asker.role,
            purpose=asker.purpose,
        )


class Subscriptions(Answer):
    """Subscriptions."""

    items: tuple[SubscriptionAnswer, ...]
    """The subscriptions, the oldest first."""


class Secret(Answer):
    """What a receiver checks signatures by."""

    secret: str
    """The secret, as Standard Webhooks writes it."""


class SubscriptionVerb(StrEnum):
    """What can be done to a subscription."""

    RESUME = "resume"
    END = "end"


class SubscriptionAct(Acting):
    """What somebody does to a subscription."""

    verb: SubscriptionVerb
    """What is done: one that died goes on from what was acknowledged last; or it ends."""


@router.get("", **reads(*SIDE_RIGHTS))
def list_subscriptions(
    city: CityHere,
    visitor: VisitorHere,
    agreement: Annotated[
        int | None, Query(ge=1, lt=2**62, description="By this agreement.")
    ] = None,
    state: Annotated[SubscriptionState | None, Query(description="Those that stand so.")] = None,
) -> Subscriptions:
    """List the subscriptions that one has a side of, the oldest first."""
    number = None if agreement is None else AgreementId(agreement)
    found = delivery.subscriptions(city.delivery_desk, agreement=number, state=state)
    mine = (each for each in found if _is_seen(visitor, city, each))
    return Subscriptions(items=tuple(map(SubscriptionAnswer.told, mine)))


@router.post("", status_code=201, **changes(Right.QUERY))
def subscribe(
    city: CityHere, visitor: VisitorHere, given: NewSubscription, response: Response
) -> SubscriptionAnswer:
    """Have the changes of rows pushed to an address."""
    desk, asker = city.delivery_desk, given.asker(visitor)
    made = delivery.subscribe(desk, given.wanted(), asker, given.url, from_start=given.from_start)
    if isinstance(made, Refusal):
        city.record()
        raise NoAccessError(made)
    response.headers["Location"] = f"/api/v1/subscriptions/{made.id}"
    return SubscriptionAnswer.told(made)


@router.get("/{subscription}", **reads(*SIDE_RIGHTS))
def show_subscription(
    city: CityHere, visitor: VisitorHere, subscription: Numbered
) -> SubscriptionAnswer:
    """Show a subscription, and how far its receiver is."""
    return SubscriptionAnswer.told(_seen(visitor, city, subscription))


@router.get("/{subscription}/secret", **reads(Right.QUERY))
def show_secret(city: CityHere, visitor: VisitorHere, subscription: Numbered) -> Secret:
    """Show what the receiver checks signatures by; to the subscriber's party alone."""
    held = _seen(visitor, city, subscription)
    if not visitor.may(Right.QUERY, held.asker.user.party):
        raise unknown("subscription", subscription)
    return Secret(secret=secret_of(city.city_key, held.id))


@router.post("/{subscription}/acts", **changes(*SIDE_RIGHTS))
def act_on_subscription(
    city: CityHere, visitor: VisitorHere, subscription: Numbered, given: SubscriptionAct
) -> SubscriptionAnswer:
    """Do something to a subscription: resume, end."""
    held = _seen(visitor, city, subscription)
    party = party_of(visitor, given)
    if not any(visitor.may(right, party) for right in SIDE_RIGHTS):
        raise refusal(visitor, party)
    by = Actor(person_of(visitor, given), party)
    do = delivery.resume if given.verb is SubscriptionVerb.RESUME else delivery.unsubscribe
    return SubscriptionAnswer.told(do(city.delivery_desk, held.id, by=by))


def _seen(visitor: Visitor, city: City, number: int) -> Subscription:
    found = delivery.subscriptions(city.delivery_desk)
    for each in found:
        if each.id == SubscriptionId(number) and _is_seen(visitor, city, each):
            return each
    raise unknown("subscription", number)


def _is_seen(visitor: Visitor, city: City, held: Subscription) -> bool:
    terms = read_agreement(city.sharing_office, held.wanted.agreement).agreement.terms
    return sees(visitor, city, terms.assigner, terms.assignee)
