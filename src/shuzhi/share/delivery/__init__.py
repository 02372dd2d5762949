"""Delivery: the one path by which data leave, each time with a receipt."""

from shuzhi.share.delivery.delivering import answer, file, note_refusal, page
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError
from shuzhi.share.delivery.model import MOST_PAGE_ROWS, Answer, Asker, MediaType, Wanted
from shuzhi.share.delivery.setup import DeliverySetup

__all__ = [
    "MOST_PAGE_ROWS",
    "Answer",
    "Asker",
    "DeliveryDesk",
    "DeliveryError",
    "DeliverySetup",
    "MediaType",
    "Wanted",
    "answer",
    "file",
    "note_refusal",
    "page",
]
