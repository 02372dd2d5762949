"""What the linkage room tells the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.share.linkage.model import Figures, Record, Verdict


@dataclass(frozen=True)
class ModelAccepted(Event):
    """A trained model is used from now on."""

    linkage: str
    number: int


@dataclass(frozen=True)
class LinkageRan(Event):
    """Records were linked anew; `figures` say what came of it."""

    linkage: str
    run: int
    figures: Figures


@dataclass(frozen=True)
class PairDecided(Event):
    """Somebody looked at a pair and said what it is."""

    linkage: str
    left: Record
    right: Record
    verdict: Verdict
