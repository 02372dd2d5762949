"""What the receipts room tells the house, in the past tense; each receipt tells the same."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts.model import ReceiptId
from shuzhi.share.receipts.objections import ObjectionId


@dataclass(frozen=True)
class DataDelivered(Event):
    """Data are about to leave: their receipt is durable."""

    receipt: ReceiptId
    agreement: AgreementId
    assigner: PartyId
    assignee: PartyId
    dataset: str


@dataclass(frozen=True)
class ObjectionMoved(Event):
    """An objection was made, answered, withdrawn, or not answered in time."""

    objection: ObjectionId
    receipt: ReceiptId
    agreement: AgreementId
    provider: PartyId
    state: str
    is_overdue: bool
