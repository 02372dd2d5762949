"""The tables of indicators: every computation with its values, and each wording of a formula."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from shuzhi.decide.indicators.model import Group, IndicatorId, Run, RunId, Value
from shuzhi.decide.indicators.thresholds import Bound, Colour
from shuzhi.kernel.control import InstantColumn, RowId, metadata
from shuzhi.kernel.instant import Instant

_MOST_KEY = 120
_WHOLE = ""

definition_table = Table(
    "indicators_definition",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("indicator", String(121), nullable=False),
    # The file in which it stood.
    Column("text", Text, nullable=False),
    Column("at", InstantColumn, nullable=False),
)

run_table = Table(
    "indicators_run",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("indicator", String(121), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("computed_at", InstantColumn, nullable=False),
    Column("confirmed_at", InstantColumn, nullable=False),
    Column("as_of", InstantColumn),
    Column("versions", JSON, nullable=False),
    Column("bounds", JSON, nullable=False),
    Column("problem", Text, nullable=False),
    Index("ix_indicators_run_indicator", "indicator", "id"),
    sqlite_autoincrement=True,
)

# Numbers are kept as they were computed, in decimals: no database rounds them.
value_table = Table(
    "indicators_value",
    metadata,
    Column("run_id", RowId, ForeignKey(run_table.c.id), primary_key=True),
    Column("group_key", String(_MOST_KEY), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("group", JSON),
    Column("value", Text),
    Column("numerator", Text),
    Column("denominator", Text),
    Column("colour", String(8), nullable=False),
)


# Up to when the facts lent to the lake were known to be whole, in which version of their table.
lent_table = Table(
    "indicators_lent",
    metadata,
    Column("dataset", String(120), primary_key=True),
    Column("until", InstantColumn, nullable=False),
    Column("version", Integer, nullable=False),
)


def lent_until(connection: Connection, dataset: str, version: int) -> Instant | None:
    """Return up to when a table of lent facts is whole; None when it was put back since."""
    query = select(lent_table.c.until).where(
        lent_table.c.dataset == dataset, lent_table.c.version <= version
    )
    return connection.execute(query).scalar_one_or_none()


def save_lent(connection: Connection, dataset: str, until: Instant, version: int) -> None:
    """Note that a table of lent facts is whole up to `until`."""
    connection.execute(delete(lent_table).where(lent_table.c.dataset == dataset))
    row = {"dataset": dataset, "until": until, "version": version}
    connection.execute(insert(lent_table).values(row))


def save_run(connection: Connection, run: Run, text: str) -> RunId:
    """Keep a computation and, once, the file that says how it was made; return its number."""
    known = select(definition_table.c.digest).where(definition_table.c.digest == run.digest)
    if connection.execute(known).first() is None:
        row = {"digest": run.digest, "indicator": run.indicator, "text": text}
        connection.execute(insert(definition_table).values(**row, at=run.computed_at))
    made = connection.execute(insert(run_table).values(_row(run)).returning(run_table.c.id))
    run_id = RunId(made.scalar_one())
    rows = [_value_row(run_id, place, value) for place, value in enumerate(run.values)]
    if rows:
        connection.execute(insert(value_table), rows)
    return run_id


def newest_run(connection: Connection) -> RunId | None:
    """Return the number of the newest computation of any indicator; None before the first."""
    newest = connection.execute(select(func.max(run_table.c.id))).scalar_one()
    return None if newest is None else RunId(newest)


def confirm_runs(connection: Connection, ids: Iterable[RunId], at: Instant) -> None:
    """Note that computations were found to hold still."""
    query = update(run_table).where(run_table.c.id.in_(sorted(ids)))
    connection.execute(query.values(confirmed_at=at))


def latest_runs(
    connection: Connection, ids: Iterable[IndicatorId], *, with_values: bool = False
) -> dict[IndicatorId, Run]:
    """Return the newest computation of each of these indicators, or the newest that succeeded."""
    newest = select(func.max(run_table.c.id)).where(run_table.c.indicator.in_(sorted(ids)))
    if with_values:
        newest = newest.where(run_table.c.problem == "")
    query = select(run_table).where(run_table.c.id.in_(newest.group_by(run_table.c.indicator)))
    return {run.indicator: run for run in _runs(connection, query)}


def find_run(connection: Connection, run_id: int) -> Run | None:
    """Return a computation with its values."""
    query = select(run_table).where(run_table.c.id == run_id)
    return next(iter(_runs(connection, query)), None)


def runs_since(connection: Connection, since: Instant) -> list[Run]:
    """Return the computations since then that succeeded, of every indicator, oldest first."""
    c = run_table.c
    query = select(run_table).where(c.computed_at >= since, c.problem == "").order_by(c.id)
    return _runs(connection, query)


def runs_of(
    connection: Connection, indicator: IndicatorId, group: Group | None, limit: int
) -> list[Run]:
    """Return the newest computations of an indicator, each with the value of one group alone."""
    query = select(run_table).where(run_table.c.indicator == indicator)
    newest = query.order_by(run_table.c.id.desc()).limit(limit)
    return _runs(connection, newest, value_table.c.group_key == group_key(group))


def definition(connection: Connection, digest: str) -> str | None:
    """Return the file that said how a value was computed."""
    query = select(definition_table.c.text).where(definition_table.c.digest == digest)
    return connection.execute(query).scalar_one_or_none()


def group_key(group: Group | None) -> str:
    """Return the text by which a group is found; empty for the whole."""
    if group is None:
        return _WHOLE
    text = json.dumps(group, ensure_ascii=False)
    return text if len(text) <= _MOST_KEY else hashlib.sha256(text.encode()).hexdigest()


def _runs(connection: Connection, query: Any, condition: Any = True) -> list[Run]:
    rows = connection.execute(query).mappings().all()
    wanted = value_table.c.run_id.in_([row["id"] for row in rows])
    values = select(value_table).where(wanted, condition).order_by(value_table.c.place)
    found: dict[int, list[Value]] = {}
    for row in connection.execute(values).mappings():
        found.setdefault(row["run_id"], []).append(_value(row))
    return [_run(row, found.get(row["id"], ())) for row in rows]


def _row(run: Run) -> dict[str, Any]:
    return {
        "indicator": run.indicator,
        "digest": run.digest,
        "computed_at": run.computed_at,
        "confirmed_at": run.confirmed_at,
        "as_of": run.as_of,
        "versions": dict(run.versions),
        "bounds": [
            [b.colour.value, _text(b.low), _text(b.high), b.is_verified] for b in run.bounds
        ],
        "problem": run.problem,
    }


def _value_row(run_id: RunId, place: int, value: Value) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "group_key": group_key(value.group),
        "place": place,
        "group": None if value.group is None else list(value.group),
        "value": _text(value.value),
        "numerator": _text(value.numerator),
        "denominator": _text(value.denominator),
        "colour": value.colour.value,
    }


def _run(row: RowMapping, values: Sequence[Value]) -> Run:
    bounds = (
        Bound(Colour(colour), _decimal(low), _decimal(high), is_verified)
        for colour, low, high, is_verified in row["bounds"]
    )
    return Run(
        indicator=IndicatorId(row["indicator"]),
        digest=row["digest"],
        computed_at=row["computed_at"],
        confirmed_at=row["confirmed_at"],
        versions=row["versions"],
        as_of=row["as_of"],
        bounds=tuple(bounds),
        values=tuple(values),
        problem=row["problem"],
        id=RunId(row["id"]),
    )


def _value(row: RowMapping) -> Value:
    return Value(
        group=None if row["group"] is None else tuple(row["group"]),
        value=_decimal(row["value"]),
        numerator=_decimal(row["numerator"]),
        denominator=_decimal(row["denominator"]),
        colour=Colour(row["colour"]),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
