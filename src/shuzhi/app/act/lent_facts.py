"""Cases and warnings as rows that indicators can count: facts only, no titles and no texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import pyarrow as pa

from shuzhi.act.cases import Office, Round, rounds_until
from shuzhi.app.act.score_facts import case_fact
from shuzhi.decide.indicators import CASES, WARNINGS, Facts, Lent
from shuzhi.decide.rules import Changes, Warning, WarningId
from shuzhi.kernel.instant import EPOCH, Instant

_MOMENT = pa.timestamp("us", tz="UTC")
_CASE_COLUMNS = pa.schema(
    {
        "case_id": pa.int64(),
        "round": pa.int64(),
        "kind": pa.string(),
        "severity": pa.string(),
        "party": pa.string(),
        "opened_at": _MOMENT,
        "filed_at": _MOMENT,
        "due_at": _MOMENT,
        "closed_at": _MOMENT,
        "reopened_at": _MOMENT,
        "merged_into": pa.int64(),
        "is_late": pa.bool_(),
        "stars": pa.int64(),
        "reports": pa.int64(),
        "returns": pa.int64(),
        "pauses": pa.int64(),
    }.items()
)
_WARNING_COLUMNS = pa.schema(
    {
        "id": pa.int64(),
        "rule_id": pa.string(),
        "rule_version": pa.int64(),
        "dataset": pa.string(),
        "severity": pa.string(),
        "party": pa.string(),
        "case_kind": pa.string(),
        "at": _MOMENT,
        "last_at": _MOMENT,
        "count": pa.int64(),
        "raised_at": _MOMENT,
        "outcome": pa.string(),
    }.items()
)


def lent_facts(office: Office, changes: Callable[[Instant | None], Changes]) -> Lent:
    """Return what the wings above lend to indicators, each read when it is needed."""
    return {
        CASES: Facts(("case_id", "round"), partial(_case_rows, office)),
        # A warning can be absorbed by another, and then is no more.
        WARNINGS: Facts(
            ("warning_id",),
            lambda since: _warning_rows(changes(since).warnings),
            lambda since: _warning_ids(changes(since).gone),
        ),
    }


def _case_rows(office: Office, since: Instant | None) -> pa.Table:
    """Return the rounds of cases as they stand now, of those that may have changed since."""
    # What is done at this very moment counts too.
    now = Instant(office.clock() + timedelta(microseconds=1))
    found = rounds_until(office, now, since=since or EPOCH, only_moved=True)
    return pa.Table.from_pylist([_case_row(each) for each in found], _CASE_COLUMNS)


def _case_row(found: Round) -> dict[str, object]:
    fact = case_fact(found)
    clocks = [c for c in found.clocks if c.is_handlers] or found.clocks
    # While no clock runs, nothing is due; so that what is lent changes only when the case does.
    is_running = fact.is_late or any(clock.ended_at is None for clock in clocks)
    return {
        **{name: getattr(fact, name) for name in _CASE_COLUMNS.names if hasattr(fact, name)},
        "case_id": found.case_id,
        "kind": found.kind,
        "severity": found.severity,
        "merged_into": found.merged_into,
        "due_at": fact.due_at if is_running or found.closed_at else None,
    }


def _warning_rows(warnings: tuple[Warning, ...]) -> pa.Table:
    names = _WARNING_COLUMNS.names
    rows = [{name: getattr(warning, name) for name in names} for warning in warnings]
    table = pa.Table.from_pylist(rows, _WARNING_COLUMNS)
    return table.rename_columns(["warning_id", *names[1:]])


def _warning_ids(ids: Sequence[WarningId]) -> pa.Table:
    return pa.table({"warning_id": pa.array(ids, pa.int64())})
