"""The table of forecasts: those in force, and those that what is seen is held to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from shuzhi.decide.warnings.model import Forecast, NoForecast, Numbers, Why
from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.instant import Instant

forecast_table = Table(
    "warnings_forecast",
    metadata,
    Column("forecaster", String(60), primary_key=True),
    # SHA-256 of the series' key, which may be long.
    Column("series", String(64), primary_key=True),
    # The step before which it was made: it knows nothing of this one.
    Column("made_before", Integer, primary_key=True, autoincrement=False),
    Column("made_at", InstantColumn, nullable=False),
    Column("key", JSON, nullable=False),
    # The first step forecast, and mean, low and high of it and those after it.
    Column("first", Integer),
    Column("numbers", JSON),
    Column("known", Integer),
    Column("filled", Integer),
    Column("why_none", String(12)),
    Column("detail", Text),
)


@dataclass(frozen=True)
class Issued:
    """A forecast as it was made, or why there was none."""

    made_before: int
    made_at: Instant
    said: Forecast | NoForecast


def save(
    connection: Connection, *, forecaster: str, issued: Sequence[Issued], keep_from: int
) -> None:
    """Write forecasts of a forecaster; those made before step `keep_from` are let go."""
    c = forecast_table.c
    same = {one.made_before for one in issued}
    gone = (c.made_before < keep_from) | c.made_before.in_(same)
    connection.execute(delete(forecast_table).where(c.forecaster == forecaster, gone))
    rows = [_row(forecaster, one) for one in issued]
    if rows:
        connection.execute(insert(forecast_table), rows)


def issued_by(connection: Connection, forecaster: str) -> tuple[Issued, ...]:
    """Return what is kept of a forecaster's forecasts, in order of the series' keys."""
    query = select(forecast_table).where(forecast_table.c.forecaster == forecaster)
    rows = connection.execute(query).mappings()
    return tuple(sorted(map(_issued, rows), key=lambda one: (str(one.said.key), one.made_before)))


def _row(forecaster: str, issued: Issued) -> dict[str, Any]:
    said = issued.said
    key = json.dumps(said.key, ensure_ascii=False)
    head = {
        "forecaster": forecaster,
        "series": hashlib.sha256(key.encode()).hexdigest(),
        "made_before": issued.made_before,
        "made_at": issued.made_at,
        "key": list(said.key),
    }
    none = dict.fromkeys(("first", "numbers", "known", "filled", "why_none", "detail"))
    if isinstance(said, NoForecast):
        return head | none | {"why_none": said.why.value, "detail": said.detail}
    numbers = [_written(n) for n in (said.mean, said.low, said.high)]
    own = {"first": said.first, "numbers": numbers, "known": said.known, "filled": said.filled}
    return head | none | own


def _written(numbers: Numbers) -> list[float]:
    return [float(f"{number:.7g}") for number in numbers]


def _issued(row: RowMapping) -> Issued:
    key = tuple(row["key"])
    if row["why_none"] is not None:
        none = NoForecast(key, Why(row["why_none"]), row["detail"])
        return Issued(row["made_before"], row["made_at"], none)
    mean, low, high = (np.array(numbers, np.float64) for numbers in row["numbers"])
    said = Forecast(key, row["first"], mean, low, high, row["known"], row["filled"])
    return Issued(row["made_before"], row["made_at"], said)
