"""Delivery: the one path by which data leave, each time with a receipt."""

from shuzhi.share.delivery.approved import (
    ApprovedQuery,
    Parameter,
    approve,
    approved_queries,
    ask_approved,
)
from shuzhi.share.delivery.delivering import answer, file, note_refusal, page
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError
from shuzhi.share.delivery.model import MOST_PAGE_ROWS, Answer, Asker, MediaType, Wanted
from shuzhi.share.delivery.pushing import push, resume, subscribe, subscriptions, unsubscribe
from shuzhi.share.delivery.setup import DeliverySetup
from shuzhi.share.delivery.subscriptions import Subscription, SubscriptionId, SubscriptionState

__all__ = [
    "MOST_PAGE_ROWS",
    "Answer",
    "ApprovedQuery",
    "Asker",
    "DeliveryDesk",
    "DeliveryError",
    "DeliverySetup",
    "MediaType",
    "Parameter",
    "Subscription",
    "SubscriptionId",
    "SubscriptionState",
    "Wanted",
    "answer",
    "approve",
    "approved_queries",
    "ask_approved",
    "file",
    "note_refusal",
    "page",
    "push",
    "resume",
    "subscribe",
    "subscriptions",
    "unsubscribe",
]
