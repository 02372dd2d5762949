"""What indicators tell the house, in the past tense."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.decide.indicators.model import IndicatorId, RunId
from shuzhi.decide.indicators.thresholds import Colour
from shuzhi.kernel.events import Event


@dataclass(frozen=True)
class IndicatorComputed(Event):
    """An indicator has a new value; `before` is the colour that it had, None at the first time."""

    run_id: RunId
    indicator: IndicatorId
    colour: Colour
    before: Colour | None
