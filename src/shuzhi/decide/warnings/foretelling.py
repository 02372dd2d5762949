"""Replays warnings of crossings: which would have been raised, and which of them came true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from shuzhi.decide.rules import Outcome, Warning, WarningId
from shuzhi.decide.rules.merging import merged
from shuzhi.decide.warnings.judging import crossing
from shuzhi.decide.warnings.model import Crossing, Forecast, Forecaster, Key, Limit, Series
from shuzhi.decide.warnings.scoring import LeadTimes, Share, lead_times
from shuzhi.decide.warnings.settling import crosses, settled
from shuzhi.decide.warnings.steps import Steps
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Foretold:
    """Warnings beside what came true.

    `precision`: of the warnings whose window passed, those in which the limit was crossed.
    `recall`: of the times that it began to be crossed, those of which a forecast had warned in the
    horizon before. `lead_times` are from the earliest such forecast to the beginning.
    """

    warnings: int
    precision: Share
    recall: Share
    lead_times: LeadTimes | None


class Foretelling:
    """The warnings that forecasts give from one cut-off to the next, merged as they are live."""

    def __init__(self, forecaster: Forecaster, warns: Crossing, limit: Limit, steps: Steps) -> None:
        self.forecaster = forecaster
        self.warns = warns
        self.limit = limit
        self.steps = steps
        self._warnings: dict[WarningId, Warning] = {}
        self._key_of: dict[str, Key] = {}
        self._warned_at: dict[Key, list[int]] = {}
        self._last_id = 0

    def add(self, said: Sequence[Forecast], cut: int) -> None:
        """Warn of what the forecasts made before step `cut` say."""
        now, findings = self._now(cut), []
        for one in said:
            found = crossing(self.forecaster, self.warns, one, self.limit, self.steps, now)
            if found is not None:
                findings.append(found)
                self._key_of[found.merge_key] = one.key
                self._warned_at.setdefault(one.key, []).append(cut)
        result = merged(self.forecaster, 1, findings, self._warnings.values(), now)
        for gone, _ in result.absorbed:
            del self._warnings[gone]
        for warning in (*result.grown, *map(self._numbered, result.raised)):
            self._warnings[warning.id] = warning

    def result(self, series: Sequence[Series], whole: range) -> Foretold:
        """Return the warnings beside what came in the steps of `whole`."""
        outcomes: list[Outcome] = []
        leads: list[timedelta | None] = []
        for one in series:
            mine = [w for w in self._warnings.values() if self._key_of[w.merge_key] == one.key]
            for warning in mine:
                said = settled(self.forecaster, self.warns, warning, one, self.limit, self.steps)
                outcomes += [] if said is None else [said.outcome]
            leads += [self._lead(begin, one.key) for begin in self._beginnings(one, whole)]
        ahead = [lead for lead in leads if lead is not None]
        true = sum(outcome is Outcome.CONFIRMED for outcome in outcomes)
        precision, recall = Share(true, len(outcomes)), Share(len(ahead), len(leads))
        return Foretold(len(self._warnings), precision, recall, lead_times(ahead))

    def _now(self, cut: int) -> Instant:
        """Return the instant of a cut-off, at which the steps before it are known and no other.

        Where a row is a step's value, that is just before the step begins.
        """
        just_before = timedelta(microseconds=0 if self.forecaster.combine else -1)
        return Instant(self.steps.begins(cut) + just_before)

    def _numbered(self, warning: Warning) -> Warning:
        self._last_id += 1
        return replace(warning, id=WarningId(self._last_id))

    def _beginnings(self, series: Series, whole: range) -> Iterator[int]:
        """Yield the steps with which crossings begin; those that would be merged are one."""
        merge = int(self.forecaster.merge_within / self.forecaster.grain.span)
        hits = np.flatnonzero(crosses(self.warns, series, self.limit, whole))
        for i, hit in enumerate(hits):
            if i == 0 or hit - hits[i - 1] > merge:
                yield whole[int(hit)]

    def _lead(self, begin: int, key: Key) -> timedelta | None:
        """Return how long before the step `begin` a forecast warned of it; None when none did."""
        earliest = begin - self.forecaster.horizon
        cuts = [cut for cut in self._warned_at.get(key, ()) if earliest < cut <= begin]
        return self.steps.begins(begin) - self.steps.begins(min(cuts)) if cuts else None
