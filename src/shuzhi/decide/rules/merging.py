"""How findings of one matter become one warning.

What comes of a set of findings is the same in whatever order and in however many calls they come:
a warning is a chain of findings, each no further from the next than the rule merges, and a finding
that comes late and closes the gap between two warnings makes one of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from shuzhi.decide.rules.model import Finding, Rule, Warning, WarningId
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Merged:
    """What findings did to warnings: `raised` new ones, `grown` those that were stored.

    `absorbed` names stored warnings that became part of another, and which.
    """

    raised: tuple[Warning, ...]
    grown: tuple[Warning, ...]
    absorbed: tuple[tuple[WarningId, WarningId], ...]


def merged(
    rule: Rule, version: int, findings: Iterable[Finding], known: Iterable[Warning], now: Instant
) -> Merged:
    """Return what findings make of the stored warnings `known` of the same rule."""
    chains = Chains(rule, version, now, known)
    chains.add(findings)
    touched = sorted(chains.touched(), key=lambda w: (w.at, w.merge_key))
    return Merged(
        tuple(w for w in touched if not w.id),
        tuple(w for w in touched if w.id),
        tuple((gone, _whole(chains.absorbed, gone)) for gone in sorted(chains.absorbed)),
    )


def _whole(absorbed: Mapping[WarningId, WarningId], gone: WarningId) -> WarningId:
    while gone in absorbed:
        gone = absorbed[gone]
    return gone


class Chains:
    """Warnings of one rule by their matter; those of one matter do not meet each other."""

    def __init__(
        self, rule: Rule, version: int, now: Instant, known: Iterable[Warning] = ()
    ) -> None:
        self.rule, self.version, self.now = rule, version, now
        self.stored = {w.id: w for w in known}
        self.by_key: dict[str, list[Warning]] = {}
        self.absorbed: dict[WarningId, WarningId] = {}
        for warning in sorted(self.stored.values(), key=lambda w: w.at):
            self.by_key.setdefault(warning.merge_key, []).append(warning)

    def add(self, findings: Iterable[Finding]) -> None:
        """Let findings join what is there, or begin something new."""
        for finding in sorted(findings, key=lambda f: f.at):
            self._join(_raised_by(self.rule, self.version, finding, self.now))

    def touched(self) -> Iterator[Warning]:
        """Yield every warning that is not as it was stored."""
        for warning in (w for there in self.by_key.values() for w in there):
            if warning is not self.stored.get(warning.id):
                yield warning

    def _join(self, fresh: Warning) -> None:
        within = self.rule.merge_within
        there = self.by_key.setdefault(fresh.merge_key, [])
        end = len(there)
        while end and there[end - 1].at - within > fresh.last_at:
            end -= 1
        start = end
        while start and there[start - 1].last_at + within >= fresh.at:
            start -= 1
        whole = fresh
        for met in there[start:end]:
            whole = self._one(met, whole)
        there[start:end] = [whole]

    def _one(self, met: Warning, other: Warning) -> Warning:
        if met.id and other.id:
            self.absorbed[max(met.id, other.id)] = min(met.id, other.id)
        # What is stored counts over what is not, and of two that are stored the older.
        known = min((met, other), key=lambda w: (not w.id, w.id))
        first = _first(met, other)
        return replace(
            known,
            severity=max(met.severity, other.severity, key=lambda s: s.rank),
            at=first.at,
            last_at=max(met.last_at, other.last_at),
            count=met.count + other.count,
            facts=first.facts,
        )


def _first(one: Warning, other: Warning) -> Warning:
    if one.at != other.at:
        return min((one, other), key=lambda w: w.at)
    # Of the same time: in an order of their own, the same every time.
    return min((one, other), key=lambda w: json.dumps(w.facts, sort_keys=True))


def _raised_by(rule: Rule, version: int, finding: Finding, now: Instant) -> Warning:
    return Warning(
        rule_id=rule.id,
        rule_version=version,
        dataset=rule.dataset,
        severity=finding.severity,
        party=finding.party,
        case_kind=rule.case_kind,
        merge_key=finding.merge_key,
        at=finding.at,
        last_at=finding.until,
        count=finding.count,
        facts=finding.facts,
        raised_at=now,
    )
