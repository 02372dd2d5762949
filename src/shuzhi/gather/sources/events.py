"""What sources tell the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import DatasetName


@dataclass(frozen=True)
class RowsStored(Event):
    """A run left `dataset` at `version` of the lake, with rows that were not there before."""

    dataset: DatasetName
    version: int
