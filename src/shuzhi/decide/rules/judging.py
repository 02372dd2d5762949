"""Runs one rule over rows that are laid out, and reads its answer as findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from shuzhi.decide.rules.cap import Severity, severity_of
from shuzhi.decide.rules.model import Finding, OfColumn, RowRule, Rule, SilenceRule, merge_key
from shuzhi.decide.rules.row_sql import TIME, bound
from shuzhi.decide.rules.silence_sql import Looks, silence_query
from shuzhi.decide.sql import Asker, Dated, Failure, ask, dated, fact
from shuzhi.decide.sql.facts import Fact
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

MOST_FINDINGS = 200_000
_MOST_PARTY = 120
_MOST_TEXT = 2_000
Findings = tuple[Finding, ...]
# When a row of an answer was so, until when, and how often.
_When = Callable[[Mapping[str, Any]], tuple[Instant, Instant, int]]


def judge_rows(
    asker: Asker,
    rule: RowRule,
    law: Law,
    zone: str,
    max_seconds: float | None = None,
) -> Findings | Failure:
    """Return what the rule finds in `new`, within its own limit of time unless one is given."""
    try:
        sql = bound(rule, limits_of(rule, law, zone))
    except RefusedError as error:
        return Failure("failed", error.message)
    seconds = rule.max_seconds if max_seconds is None else max_seconds
    answer = asker.ask(sql, max_seconds=seconds, max_rows=MOST_FINDINGS)
    if isinstance(answer, Failure):
        return answer
    return _read(rule, answer, lambda row: (row[TIME.lower()], row[TIME.lower()], 1))


def judge_silence(
    connection: duckdb.DuckDBPyConnection,
    rule: SilenceRule,
    at: Looks,
    max_seconds: float,
    *,
    is_there: bool,
) -> Findings | Failure:
    """Return the silences that the looks find; one that lasts is one finding of many looks."""
    sql = silence_query(rule, at, is_there=is_there)
    answer = ask(connection, sql, max_seconds=max_seconds, max_rows=MOST_FINDINGS)
    if isinstance(answer, Failure):
        return answer

    def when(row: Mapping[str, Any]) -> tuple[Instant, Instant, int]:
        first, last = row["__first"], row["__last"]
        return _look(at, first), _look(at, last), last - first + 1

    return _read(rule, answer, when)


def limits_of(rule: Rule, law: Law, zone: str) -> Dated | None:
    """Return what `:limit` is from when on; None for a rule without a legal basis.

    Raises:
        RefusedError: `kernel.law_unknown`.
    """
    if rule.legal_basis is None:
        return None
    return dated(law.parameter(rule.legal_basis).values, zone)


def _look(at: Looks, number: int) -> Instant:
    return Instant(at.first + at.every * number)


def _read(rule: Rule, answer: pa.Table, when: _When) -> Findings | Failure:
    names = [name.lower() for name in answer.column_names]
    shown = [name for name in names if not name.startswith("__")]
    findings: list[Finding] = []
    for row in answer.rename_columns(names).to_pylist():
        facts = {name: _short(fact(row[name])) for name in shown}
        severity = _severity(rule, facts)
        if isinstance(severity, Failure):
            return severity
        party = _party(rule, facts)
        key = merge_key([facts[column] for column in rule.merge_by], party)
        at, until, count = when(row)
        findings.append(Finding(at, until, severity, party, key, facts, count))
    return tuple(findings)


def _short(said: Fact) -> Fact:
    return said[:_MOST_TEXT] if isinstance(said, str) else said


def _severity(rule: Rule, facts: Mapping[str, Fact]) -> Severity | Failure:
    if isinstance(rule.severity, Severity):
        return rule.severity
    said = facts[rule.severity.name]
    severity = severity_of(said)
    if severity is None:
        return Failure("failed", f"{str(said)[:40]!r} in {rule.severity.name} is no severity")
    return severity


def _party(rule: Rule, facts: Mapping[str, Fact]) -> PartyId | None:
    if not isinstance(rule.party, OfColumn):
        return rule.party
    named = facts[rule.party.name]
    return None if named is None else PartyId(str(named)[:_MOST_PARTY])
