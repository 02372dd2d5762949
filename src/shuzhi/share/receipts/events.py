"""What the receipts room tells the house, in the past tense; each receipt tells the same."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts.model import ReceiptId


@dataclass(frozen=True)
class DataDelivered(Event):
    """Data are about to leave: their receipt is durable."""

    receipt: ReceiptId
    agreement: AgreementId
    assigner: PartyId
    assignee: PartyId
    dataset: str
