"""Which decisions rest on a wrong value: indicators, warnings and cases, by what they kept.

An indicator keeps the versions of the data sets that it was computed from; a warning keeps its
rule, its data set and its times; a case keeps the warning that opened it. Lineage says which data
sets and indicators a column reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from shuzhi.act.cases import Office, case
from shuzhi.act.cases.store import known_origins
from shuzhi.decide.indicators import Goal, Indicator
from shuzhi.decide.indicators import Run as IndicatorRun
from shuzhi.decide.indicators.columns import NAMESPACE
from shuzhi.decide.indicators.store import runs_since
from shuzhi.decide.rules import RowRule, Rule, Severity, Warning, WarningId, Watch, warnings
from shuzhi.gather.lake import Lake
from shuzhi.gather.lineage import Trace, trace
from shuzhi.gather.lineage.model import LAKE
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.correction import Decision, DecisionKind, Nearness, Used, find_value

_NOTHING = timedelta(0)


@dataclass(frozen=True)
class Recall:
    """One wrong value, and the stores in which decisions that used it are looked for."""

    used: Used
    control: Control
    lake: Lake
    goals: Mapping[str, Goal]
    rules: Mapping[str, Rule]
    watch: Watch
    office: Office
    case_origin: Callable[[WarningId, Severity], str]

    def decisions(self) -> Iterator[Decision]:
        """Yield every decision that rests on the value."""
        if self.used.since is None:
            return
        yield from self._indicators(self.used.since)
        found = tuple(self._warnings(self.used.since))
        yield from (decision for _, decision in found)
        yield from self._cases(dict(found))

    @cached_property
    def _trace(self) -> Trace | None:
        """Where the column goes; None where no run has told of it."""
        try:
            return trace(self.control, f"{self.used.dataset}.{self.used.column}")
        except RefusedError:
            return None

    @cached_property
    def _derived(self) -> frozenset[str]:
        """The data sets of the lake that the column reaches, without its own."""
        steps = () if self._trace is None else self._trace.downstream
        reached = {step.target.node for step in steps}
        return frozenset(node.name for node in reached if node.namespace == LAKE) - {
            self.used.dataset
        }

    @cached_property
    def _named(self) -> dict[str, Indicator]:
        return {each.id: each for goal in self.goals.values() for each in goal.indicators}

    def _indicators(self, since: Instant) -> Iterator[Decision]:
        with self.control.transaction() as connection:
            runs = runs_since(connection, since)
        reached = self._reached_indicators()
        for run in runs:
            version = self._version(run)
            if version is not None and (reached is None or run.indicator in reached):
                yield self._indicator(run, *version)

    def _reached_indicators(self) -> frozenset[str] | None:
        """Return the indicators that rest on the column; None where lineage cannot tell."""
        if self._trace is None:
            return None
        nodes = {step.target.node for step in self._trace.downstream}
        return frozenset(node.name for node in nodes if node.namespace == NAMESPACE)

    def _version(self, run: IndicatorRun) -> tuple[str, int] | None:
        """Return the data set, and its version with the wrong value, that a run read."""
        own = run.versions.get(self.used.dataset)
        if own is not None and self._held(own):
            return self.used.dataset, own
        for name in sorted(self._derived & run.versions.keys()):
            if self._was_made_of_it(name, run.versions[name]):
                return name, run.versions[name]
        return None

    def _held(self, version: int) -> bool:
        first, last = self.used.first_version, self.used.last_version
        return first is not None and last is not None and first <= version <= last

    def _was_made_of_it(self, name: str, version: int) -> bool:
        """Whether a data set was made while the wrong value stood in what it is made of."""
        if not self.lake.exists(name) or self.used.since is None:
            return False
        try:
            made_at = self.lake.committed_at(name, version)
        except RefusedError:
            # Nobody can tell any more: better one decision too many on the list.
            return True
        return self.used.since <= made_at <= self.used.until

    def _indicator(self, run: IndicatorRun, dataset: str, version: int) -> Decision:
        known = self._named.get(run.indicator)
        whole = run.whole
        value = "" if whole is None or whole.value is None else f" = {whole.value}"
        title = run.indicator if known is None else f"{run.indicator} {known.title_zh}"
        return Decision(
            DecisionKind.INDICATOR,
            str(run.id),
            run.computed_at,
            None if known is None else known.owner,
            f"{title}{value}",
            dataset,
            version,
            Nearness.DATASET,
        )

    def _warnings(self, since: Instant) -> Iterator[tuple[WarningId, Decision]]:
        for dataset in sorted({self.used.dataset, *self._derived}):
            for found in warnings(self.watch, dataset=dataset, limit=None):
                nearness = self._nearness(found, since)
                if nearness is not None:
                    yield found.id, self._warning(found, nearness)

    def _nearness(self, found: Warning, since: Instant) -> Nearness | None:
        """Return how near a warning is to the row; None for one that cannot rest on it."""
        if found.raised_at > self.used.until:
            return None
        rule = self.rules.get(found.rule_id)
        if found.dataset != self.used.dataset or not isinstance(rule, RowRule):
            return Nearness.DATASET if found.raised_at >= since else None
        same = _same_key(found, rule, dict(self.used.key))
        moment = self._moment(rule)
        if same is False or (moment is not None and not _reaches(found, rule, moment)):
            return None
        if moment is None and found.raised_at < since:
            return None
        return Nearness.ROW if same and moment is not None else Nearness.DATASET

    def _moment(self, rule: Rule) -> Instant | None:
        """Return when the row happened, by the column that the rule goes by."""
        used = self.used
        value = dict(used.key).get(rule.event_time)
        if value is None:
            version = used.last_version
            value = find_value(self.lake, used.dataset, used.key, rule.event_time, version).value
        try:
            return None if value is None else parse_instant(value, zone="UTC")
        except RefusedError:
            return None

    def _warning(self, found: Warning, nearness: Nearness) -> Decision:
        rule = self.rules.get(found.rule_id)
        title = found.rule_id if rule is None else f"{found.rule_id} {rule.title_zh}"
        who = found.party or (None if rule is None else rule.owner)
        where = (found.dataset, None)
        return Decision(
            DecisionKind.WARNING, str(found.id), found.raised_at, who, title, *where, nearness
        )

    def _cases(self, found: Mapping[WarningId, Decision]) -> Iterator[Decision]:
        """Yield the cases that these warnings opened or joined, once each."""
        origins = {self.case_origin(w, s): w for w in found for s in Severity}
        with self.control.transaction() as connection:
            known = known_origins(connection, origins)
        opened = {case_id: found[origins[origin]] for origin, case_id in known.items()}
        for case_id, warning in sorted(opened.items()):
            held = case(self.office, case_id).case
            yield Decision(
                DecisionKind.CASE,
                str(case_id),
                held.opened_at,
                held.responsible,
                held.title or held.kind,
                warning.dataset,
                None,
                warning.nearness,
            )


def _same_key(found: Warning, rule: Rule, key: Mapping[str, str]) -> bool | None:
    """Whether a warning is about the row's key; None where it does not tell.

    Facts are those of the first finding, so only what all findings share can be held against it.
    """
    told = {
        name: found.facts[name]
        for name in rule.merge_by
        if name in key and isinstance(found.facts.get(name), (str, int))
    }
    return all(str(fact) == key[name] for name, fact in told.items()) if told else None


def _reaches(found: Warning, rule: RowRule, moment: Instant) -> bool:
    """Whether a row of that moment was judged by the warning, or lay in the past that it saw."""
    return found.at - (rule.look_back or _NOTHING) <= moment <= found.last_at
