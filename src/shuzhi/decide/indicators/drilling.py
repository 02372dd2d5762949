"""From a number down to what stands behind it: rows, cases and warnings, at the versions used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
from sqlglot import exp

from shuzhi.decide.indicators import store
from shuzhi.decide.indicators.choosing import group_named, one
from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.decide.indicators.formula_yaml import CASE, WARNING
from shuzhi.decide.indicators.measuring import Measuring, failed
from shuzhi.decide.indicators.model import Composed, Indicator, Measured, Run, Value
from shuzhi.decide.indicators.moments import at_moments, moments
from shuzhi.decide.sql import Failure, ask, fact
from shuzhi.decide.sql.facts import Fact
from shuzhi.gather.lineage import parse_query


@dataclass(frozen=True)
class Drilled:
    """What stands behind a value of `run`: some rows of the data sets at `run.versions`.

    `has_more`: there are more rows than were asked for. `below` are the indicators of which a
    composed one is made; it has no rows of its own.
    """

    indicator: Indicator
    run: Run
    value: Value | None
    rows: tuple[Mapping[str, Fact], ...] = ()
    has_more: bool = False
    cases: tuple[int, ...] = ()
    warnings: tuple[int, ...] = ()
    below: tuple[str, ...] = ()


def drill(
    measuring: Measuring, name: str, group: Sequence[object] | None = None, *, limit: int = 50
) -> Drilled:
    """Return at most `limit` rows, cases and warnings behind the newest value of an indicator.

    Of a `group` (its values, in the order of `group_by`) only what belongs to it.

    Raises:
        IndicatorError: `decide.indicator_unknown`, `decide.indicator_ambiguous`,
            `decide.indicator_no_value` before it was computed, `decide.indicator_group_unknown`,
            `decide.indicator_failed`.
        RefusedError: `gather.version_gone` when files of that time were cleared.
    """
    _, indicator = one(measuring.goals, name)
    with measuring.control.transaction() as connection:
        run = store.latest_runs(connection, [indicator.id], with_values=True).get(indicator.id)
    if run is None:
        raise IndicatorError(
            "decide.indicator_no_value",
            f"{indicator.id} has no value yet.",
            next_step="Compute it: shuzhi indicator compute.",
        )
    wanted = group_named(run, group)
    value = next((value for value in run.values if value.group == wanted), None)
    if isinstance(indicator.formula, Composed):
        return Drilled(indicator, run, value, below=indicator.formula.of)
    bare = Drilled(indicator, run, value)
    return _drilled(measuring, bare, indicator.formula, limit)


def _drilled(measuring: Measuring, bare: Drilled, formula: Measured, limit: int) -> Drilled:
    at = moments(bare.run.computed_at, measuring.zone)
    group = bare.value.group if bare.value else None
    wanted = dict(zip(formula.group_by, group or (), strict=False))
    rows, cases, warnings = (
        None if query is None else at_moments(query, at)
        for query in (formula.rows, formula.cases, formula.warnings)
    )
    with measuring.lake.duck(
        only=formula.reads, version=bare.run.versions, memory_limit=measuring.memory_limit
    ) as connection:
        behind = _Behind(connection, wanted, formula.max_seconds, limit + 1)
        found = behind.rows(rows or "")
        return replace(
            bare,
            rows=found[:limit],
            has_more=len(found) > limit,
            cases=behind.ids(CASE, (rows, cases))[:limit],
            warnings=behind.ids(WARNING, (rows, warnings))[:limit],
        )


class _Behind:
    """Asks queries of a pack for what belongs to one group."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        wanted: Mapping[str, Fact],
        max_seconds: float,
        limit: int,
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._max_seconds = max_seconds
        self._limit = limit

    def rows(self, sql: str) -> tuple[Mapping[str, Fact], ...]:
        """Return the rows that `sql` answers with."""
        asked = self._narrowed(sql, exp.Star())
        return tuple({name: fact(value) for name, value in row.items()} for row in self._ask(asked))

    def ids(self, column: str, queries: Iterable[str | None]) -> tuple[int, ...]:
        """Return what stands in `column` of those queries that have it, sorted, each once."""
        found: set[int] = set()
        for sql in queries:
            if sql is not None and column in self._types(sql):
                asked = self._narrowed(sql, exp.column(column)).distinct().order_by(column)
                found |= {int(row[column]) for row in self._ask(asked) if row[column] is not None}
        return tuple(sorted(found))

    def _narrowed(self, sql: str, wanted: exp.Expression) -> exp.Select:
        types = self._types(sql)
        query = exp.select(wanted).from_(parse_query(sql).subquery("behind"))
        for column, value in self._wanted.items():
            query = query.where(_is(column, value, types[column]))
        return query

    def _types(self, sql: str) -> Mapping[str, str]:
        try:
            answer = self._connection.sql(sql)
        except duckdb.Error as error:
            raise failed(Failure("failed", str(error).partition("\n")[0])) from None
        return {n.lower(): str(t) for n, t in zip(answer.columns, answer.types, strict=True)}

    def _ask(self, query: exp.Select) -> list[dict[str, Any]]:
        sql = query.limit(self._limit).sql("duckdb")
        rows = ask(self._connection, sql, max_seconds=self._max_seconds, max_rows=self._limit)
        if isinstance(rows, Failure):
            raise failed(rows)
        return [{name.lower(): v for name, v in row.items()} for row in rows.to_pylist()]


def _is(column: str, value: Fact, kind: str) -> exp.Expression:
    named = exp.column(column, quoted=True)
    if value is None:
        return exp.Is(this=named, expression=exp.Null())
    stated = exp.cast(exp.Literal.string(str(value)), exp.DataType.build(kind, dialect="duckdb"))
    return exp.EQ(this=named, expression=stated)
