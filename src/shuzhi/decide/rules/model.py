"""What a rule is, what it finds, and what a warning is.

A rule over rows judges each new row by itself, against what lies before it in time and against
reference data; that is why it finds the same however rows are cut into batches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NewType

from shuzhi.decide.rules.cap import Certainty, Severity, Urgency
from shuzhi.decide.sql.facts import Fact
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant

RuleId = NewType("RuleId", str)
WarningId = NewType("WarningId", int)
Value = Decimal | str | bool
_MOST_KEY = 120


@dataclass(frozen=True)
class OfColumn:
    """What each row says for itself, in this column of the rule's answer."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What rules over rows and over silence have in common, as the rule's file says it.

    `legal_basis` is a law parameter, bound as `:limit` with its value at the row's date; other
    `values` are bound by name. `party` answers for what it finds; None is the city's desk.
    `merge_by` are columns of its answer. `text` is the file.
    """

    id: RuleId
    title_zh: str
    title_en: str
    dataset: DatasetName
    event_time: str
    severity: Severity | OfColumn
    owner: PartyId
    merge_by: tuple[str, ...]
    merge_within: timedelta
    urgency: Urgency = Urgency.EXPECTED
    certainty: Certainty = Certainty.OBSERVED
    legal_basis: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    party: PartyId | OfColumn | None = None
    case_kind: str | None = None
    reads: tuple[DatasetName, ...] = ()
    max_seconds: float = 5.0
    max_warnings: int = 1000
    text: str = ""

    @cached_property
    def digest(self) -> str:
        """What tells this wording of the rule from every other."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class RowRule(Rule):
    """A rule over new rows: `sql` answers with what is wrong in `new`.

    `look_back` is how far `past` reaches before each new row; None for a rule that needs no past.
    """

    sql: str
    look_back: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class TimedRule(Rule):
    """A rule that is asked by the clock: at each whole multiple of `every`."""

    every: timedelta


@dataclass(frozen=True, kw_only=True)
class SilenceRule(TimedRule):
    """A rule over what should have come: a stream is silent with no row for `after`.

    Streams are told by the columns `per` and expected as the query `expected` lists them; without
    both, the data set is one stream. A row counts if its column `value` (if named) is not NULL.
    """

    after: timedelta
    per: tuple[str, ...] = ()
    expected: str | None = None
    value: str | None = None


class Outcome(StrEnum):
    """What a warning turned out to be."""

    ACTED = "acted"
    CONFIRMED = "confirmed"
    FALSE = "false"


@dataclass(frozen=True)
class Finding:
    """What a rule found in one row, or `count` times between `at` and `until`."""

    at: Instant
    until: Instant
    severity: Severity
    party: PartyId | None
    merge_key: str
    facts: Mapping[str, Fact]
    count: int = 1


@dataclass(frozen=True)
class Warning:
    """Findings of one rule on one matter, none further from the next than the rule merges.

    `at` to `last_at` is when they were true; `facts` are those of the first; `raised_at` is when
    we came to know. `id` is 0 until it is stored.
    """

    rule_id: RuleId
    rule_version: int
    dataset: DatasetName
    severity: Severity
    party: PartyId | None
    case_kind: str | None
    merge_key: str
    at: Instant
    last_at: Instant
    count: int
    facts: Mapping[str, Fact]
    raised_at: Instant
    id: WarningId = WarningId(0)
    outcome: Outcome | None = None


def merge_key(values: Sequence[Fact], party: PartyId | None) -> str:
    """Return the text that is the same for findings of one matter and one party."""
    text = json.dumps([party, *values], ensure_ascii=False)
    if len(text) <= _MOST_KEY:
        return text
    return hashlib.sha256(text.encode()).hexdigest()
