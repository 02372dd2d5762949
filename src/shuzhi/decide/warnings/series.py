"""Reads the series of a data set out of the lake, as they were known at one instant."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from shuzhi.decide.rules import RuleError, Watch
from shuzhi.decide.rules.batch import time_sql
from shuzhi.decide.sql import Failure, ask, fact, failure_of
from shuzhi.decide.warnings.model import Combine, Forecaster, Numbers, Series
from shuzhi.decide.warnings.steps import Steps
from shuzhi.gather.lake.query import literal
from shuzhi.gather.lake.schema import identifier
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant


def steps_of(watch: Watch, forecaster: Forecaster) -> Steps:
    """Return the steps in which a forecaster counts."""
    return Steps(forecaster.grain, watch.zone)


def read_series(
    watch: Watch, forecaster: Forecaster, first: int, now: Instant
) -> tuple[Series, ...] | Failure:
    """Return the series from step `first` on, with the values that were known at `now`.

    A row is known from its event time on; that it may have come later, only the history of the
    lake knows. Values that are no finite number count as missing.
    """
    steps = steps_of(watch, forecaster)
    if not watch.lake.exists(forecaster.dataset):
        return ()
    try:
        sql = _query(watch, forecaster, steps, first, now)
        limit = watch.memory_limit
        with watch.lake.duck(only=[forecaster.dataset], memory_limit=limit) as connection:
            answer = ask(
                connection,
                sql,
                max_seconds=forecaster.max_seconds,
                max_rows=forecaster.max_series,
            )
    except RefusedError as error:
        return Failure("failed", error.message)
    except duckdb.Error as error:
        return failure_of(error)
    return answer if isinstance(answer, Failure) else tuple(_series(answer, forecaster.per))


def require_columns(watch: Watch, forecaster: Forecaster) -> None:
    """Refuse a forecaster whose data set is there, but not with the columns that it names.

    Raises:
        RuleError: `decide.no_such_column`, `decide.not_a_number`.
    """
    if not watch.lake.exists(forecaster.dataset):
        return
    types = {f.name.lower(): f.type for f in watch.lake.schema(forecaster.dataset)}
    missing = [c for c in (forecaster.value, *forecaster.per) if c not in types]
    if missing:
        raise RuleError(
            "decide.no_such_column",
            f"{forecaster.dataset} has no column {', '.join(missing)}.",
            next_step=f"Its columns are: {', '.join(types)}.",
        )
    kind = types[forecaster.value]
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not is_number:
        raise RuleError(
            "decide.not_a_number",
            f"{forecaster.value} of {forecaster.dataset} is a {kind}, which cannot be forecast.",
            next_step="Name a column of numbers, or let a model count what is to be forecast.",
        )


def _query(watch: Watch, forecaster: Forecaster, steps: Steps, first: int, now: Instant) -> str:
    time = time_sql(watch.lake.schema(forecaster.dataset), forecaster, watch.zone)
    per = "".join(f"{identifier(column)}, " for column in forecaster.per)
    value = f"{identifier(forecaster.value)}::DOUBLE"
    combine = (forecaster.combine or Combine.MEAN).value
    known = f"{time} <= {_moment(now)}"
    if forecaster.combine is not None:
        known = f"{time} < {_moment(steps.begins(steps.number(now)))}"
    return f"""
    WITH __steps AS (
      SELECT {per}{steps.sql(time)} AS __step, {combine}({value}) AS __value
      FROM {identifier(forecaster.dataset)}
      WHERE {time} >= {_moment(steps.begins(first))} AND {known} AND isfinite({value})
      GROUP BY ALL
    )
    SELECT {per}list(__step ORDER BY __step) AS __steps,
      list(__value ORDER BY __step) AS __values
    FROM __steps GROUP BY ALL HAVING count(*) > 0
    """  # noqa: S608  (columns are quoted, the rest are numbers and instants)


def _moment(at: Instant) -> str:
    return f"TIMESTAMPTZ {literal(at.isoformat())}"


def _series(answer: pa.Table, per: Sequence[str]) -> list[Series]:
    rows = answer.combine_chunks()
    keys = rows.select(list(range(len(per)))).to_pylist()
    found = []
    for i, key in enumerate(keys):
        steps = rows["__steps"][i].values.to_numpy()
        values = rows["__values"][i].values.to_numpy(zero_copy_only=False)
        named = tuple(fact(value) for value in key.values())
        found.append(Series(named, int(steps[0]), _laid_out(steps, values)))
    return sorted(found, key=lambda series: str(series.key))


def _laid_out(steps: np.ndarray[tuple[int], np.dtype[np.int64]], values: Numbers) -> Numbers:
    out = np.full(int(steps[-1] - steps[0]) + 1, np.nan)
    out[steps - steps[0]] = values
    return out
