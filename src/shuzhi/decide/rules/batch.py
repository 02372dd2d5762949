"""Lays out rows for rules: `new` and `past` once for all rules of a data set, `__seen` for silence.

Each is one connection that can read the data sets which its rules declared, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import duckdb
import pyarrow as pa

from shuzhi.decide.rules.errors import RuleError
from shuzhi.decide.rules.model import RowRule, Rule, SilenceRule
from shuzhi.decide.rules.row_sql import NEW, PAST, TIME, columns_used
from shuzhi.decide.rules.silence_sql import SEEN, Looks
from shuzhi.decide.sql import span_text
from shuzhi.gather.lake import Difference, Lake
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.kernel.instant import Instant

_ADDED, _REMOVED = "__added", "__removed"
_MOST_ISLANDS = 50


@contextmanager
def new_rows(
    lake: Lake, rules: Sequence[RowRule], change: Difference, *, zone: str, memory_limit: str | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the rows that `change` brought as `new`, and their `past`.

    All `rules` are over rows of one data set and have one event time.
    """
    added, removed = replace(change.added, name=_ADDED), replace(change.removed, name=_REMOVED)
    rows = f"FROM {_ADDED}" if change.is_append else f"FROM {_ADDED} EXCEPT ALL FROM {_REMOVED}"
    also = (added, removed, change.whole)
    with lake.duck(only=_reads(rules), also=also, memory_limit=memory_limit) as connection:
        layout = _Layout(rules, change.whole.schema, zone)
        layout.lay_new(connection, f"({rows})", "true")
        layout.lay_past(connection)
        yield connection


@contextmanager
def history(
    lake: Lake, rules: Sequence[RowRule], *, zone: str, memory_limit: str | None
) -> Iterator[History]:
    """Open all that a data set holds now, to be laid out window by window."""
    dataset = rules[0].dataset
    versions = {name: lake.version(name) for name in [*_reads(rules), dataset]}
    with lake.duck(only=list(versions), version=versions, memory_limit=memory_limit) as connection:
        yield History(connection, _Layout(rules, lake.schema(dataset), zone))


class History:
    """Rows of one data set: those of a window of time as `new`, and their `past`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, layout: _Layout) -> None:
        self.connection = connection
        self._layout = layout

    def windows(
        self, since: Instant, until: Instant, most_rows: int
    ) -> Sequence[tuple[Instant, Instant]]:
        """Cut the rows from `since` on and before `until` into windows of about `most_rows`."""
        time = self._layout.time
        found = self.connection.sql(
            f"SELECT count(*) AS rows, min({time}) AS first, max({time}) AS last "  # noqa: S608
            f"FROM {self._layout.dataset} WHERE {_within(time, since, until)}"
        )
        row = found.to_arrow_table().to_pylist()[0]
        if not row["rows"]:
            return ()
        count = -(-row["rows"] // most_rows)
        step = (row["last"] - row["first"]) / count
        starts = [Instant(row["first"] + step * i) for i in range(count)]
        ends = [*starts[1:], Instant(row["last"] + timedelta(microseconds=1))]
        return [(a, b) for a, b in zip(starts, ends, strict=True) if a < b]

    def lay(self, start: Instant, end: Instant) -> None:
        """Let the rows from `start` on and before `end` be what is new."""
        condition = _within(self._layout.time, start, end)
        self._layout.lay_new(self.connection, self._layout.dataset, condition)
        self._layout.lay_past(self.connection)


@contextmanager
def rows_seen(
    lake: Lake, rule: SilenceRule, at: Looks, *, zone: str, memory_limit: str | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with `__seen`: which stream had a row when, as far as the looks reach."""
    is_there = lake.exists(rule.dataset)
    names = [*_reads([rule]), *([rule.dataset] if is_there else [])]
    with lake.duck(only=names, memory_limit=memory_limit) as connection:
        if is_there:
            time = time_sql(lake.schema(rule.dataset), rule, zone)
            keys = "".join(f"{identifier(column)}, " for column in rule.per)
            since = Instant(at.first - rule.after - rule.every)
            counts = "true"
            if rule.value is not None:
                counts = f"{identifier(rule.value)} IS NOT NULL"
            until = Instant(at.last + timedelta(microseconds=1))
            connection.execute(
                f"CREATE TEMP VIEW {SEEN} AS SELECT {keys}{time} AS moment "  # noqa: S608
                f"FROM {identifier(rule.dataset)} WHERE {counts} AND {_within(time, since, until)}"
            )
        yield connection


def time_sql(schema: pa.Schema, rule: Rule, zone: str) -> str:
    """Return SQL for the instant of a row: its event time, or where that is a day, its beginning.

    Raises:
        RuleError: `decide.no_event_time`.
    """
    found = next((f for f in schema if f.name.lower() == rule.event_time.lower()), None)
    if found is not None and pa.types.is_timestamp(found.type):
        return identifier(found.name)
    if found is not None and pa.types.is_date(found.type):
        return f"timezone({literal(zone)}, {identifier(found.name)}::TIMESTAMP)"
    kind = "no such column" if found is None else f"it is a {found.type}"
    raise RuleError(
        "decide.no_event_time",
        f"{rule.event_time!r} of {rule.dataset} cannot be the time of a row: {kind}.",
        next_step="Name a column of the data set that is a timestamp or a date.",
    )


def missing_reads(lake: Lake, rule: Rule) -> tuple[str, ...]:
    """Return the reference data sets of a rule that have no rows yet."""
    return tuple(name for name in rule.reads if not lake.exists(name))


class _Layout:
    """The columns that rules over one data set need, and how their rows are laid out."""

    def __init__(self, rules: Sequence[RowRule], schema: pa.Schema, zone: str) -> None:
        used = frozenset[str]().union(*(columns_used(rule) for rule in rules))
        columns = [identifier(f.name) for f in schema if f.name.lower() in used]
        self.dataset = identifier(rules[0].dataset)
        self.time = time_sql(schema, rules[0], zone)
        self.columns = ", ".join([*columns, f"{self.time} AS {identifier(TIME)}"])
        spans = (r.look_back for r in rules if r.look_back is not None)
        self.look_back = max(spans, default=None)

    def lay_new(self, connection: duckdb.DuckDBPyConnection, rows: str, condition: str) -> None:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {NEW} AS SELECT {self.columns} FROM {rows} "  # noqa: S608
            f"WHERE {self.time} IS NOT NULL AND {condition}"
        )

    def lay_past(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Lay out what lies so far before a new row; a late one does not fetch all since then."""
        if self.look_back is None:
            return
        found = connection.sql(_islands(self.look_back)).to_arrow_table().to_pylist()
        back, spans = self.look_back, [(row["first"], row["last"]) for row in found]
        if len(spans) > _MOST_ISLANDS:
            spans = [(spans[0][0], spans[-1][1])]
        wanted = (f"({_within(self.time, Instant(a - back), Instant(b))})" for a, b in spans)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {PAST} AS SELECT {self.columns} "  # noqa: S608
            f"FROM {self.dataset} WHERE {' OR '.join(wanted) or 'false'}"
        )


def _islands(span: timedelta) -> str:
    """Return SQL for the stretches of time in which new rows lie no further apart than `span`."""
    return f"""
    WITH times AS (SELECT DISTINCT {TIME} AS t FROM {NEW}),
    starts AS (
      SELECT t, coalesce(t - lag(t) OVER (ORDER BY t) > INTERVAL '{span_text(span)}', true) AS new
      FROM times
    ),
    numbered AS (SELECT t, count(*) FILTER (new) OVER (ORDER BY t) AS island FROM starts)
    SELECT min(t) AS first, max(t) AS last FROM numbered GROUP BY island ORDER BY first
    """  # noqa: S608  (names of ours and a number of seconds)


def _reads(rules: Sequence[Rule]) -> list[str]:
    return sorted({str(name) for rule in rules for name in rule.reads})


def _within(time: str, start: Instant, end: Instant) -> str:
    return f"{time} >= {_moment(start)} AND {time} < {_moment(end)}"


def _moment(at: Instant) -> str:
    return f"TIMESTAMPTZ {literal(at.isoformat())}"
