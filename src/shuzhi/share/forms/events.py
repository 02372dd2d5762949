"""What the forms room tells the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import PartyId
from shuzhi.share.forms.model import FillingId, FormId


@dataclass(frozen=True)
class FormJudged(Event):
    """The fields of a form were held against what the platform holds.

    `refused` are those that are not asked, because they may be had from there.
    """

    form: FormId
    version: int
    owner: PartyId
    asked: tuple[str, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True)
class FormFilled(Event):
    """Somebody handed in a form; `party` is None for a citizen or a company."""

    filling: FillingId
    form: FormId
    party: PartyId | None
