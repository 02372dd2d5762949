"""What rules tell the house, in the past tense.

A warning is told after it is stored, and told again after a crash in between: who reacts knows it
by its `warning_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shuzhi.decide.rules.cap import Severity
from shuzhi.decide.rules.model import RuleId, WarningId
from shuzhi.decide.sql.facts import Fact
from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class WarningRaised(Event):
    """A rule raised a warning about what was so `at`; no `party` means the city's desk."""

    warning_id: WarningId
    rule_id: RuleId
    severity: Severity
    at: Instant
    party: PartyId | None
    case_kind: str | None
    merge_key: str
    dataset: DatasetName
    facts: Mapping[str, Fact]


@dataclass(frozen=True)
class WarningWorsened(WarningRaised):
    """A warning that had been told became graver; it has the fields of the first telling."""


@dataclass(frozen=True)
class RuleSwitchedOff(Event):
    """A rule was switched off; `owner` has to mend it. The others run on."""

    rule_id: RuleId
    rule_version: int
    owner: PartyId
    code: str
    reason: str
