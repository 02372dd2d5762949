"""Service levels (ODCS 3.1 `slaProperties`) that the rows themselves can prove.

Only `latency` is one: the age of the newest record of `table.column`. The others, such as support
dates and opening hours, are promises about people and systems, and are listed as not checked.
"""

from __future__ import annotations

import ibis.expr.types as ir

from shuzhi.gather.contracts.model import Dimension, LogicalType, ServiceLevel, Table
from shuzhi.gather.quality.model import Check, Kind
from shuzhi.gather.quality.probe import Probe, Sight
from shuzhi.kernel.instant import Instant

_LATENCY = ("latency", "ly", "freshness")
_HOURS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1 / 3600),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1.0),
    **dict.fromkeys(("d", "day", "days"), 24.0),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 24.0 * 7),
    **dict.fromkeys(("m", "mo", "month", "months"), 24.0 * 31),
    **dict.fromkeys(("y", "yr", "year", "years"), 24.0 * 366),
}


def service_probes(table: Table) -> tuple[Probe, ...]:
    """Return a probe for each service level of `table`."""
    return tuple(_probe(table, level) for level in table.service_levels)


def _probe(table: Table, level: ServiceLevel) -> Probe:
    if level.name not in _LATENCY:
        return _refused(table, level, "it cannot be proved from rows")
    column = (level.element or "").rpartition(".")[2]
    field = next((f for f in table.fields if f.name == column), None)
    if field is None or field.logical_type not in (LogicalType.TIMESTAMP, LogicalType.DATE):
        return _refused(table, level, "its element must name a column with dates or timestamps")
    hours = _HOURS.get((level.unit or "").strip().lower())
    if hours is None or not isinstance(level.value, int | float):
        return _refused(table, level, "it needs a number, and a unit such as h or d")
    return _latency(table, field.name, level.value * hours)


def _latency(table: Table, column: str, most_hours: float) -> Probe:
    check = Check(
        id=f"{table.name}.{column}.latency",
        dataset=table.name,
        column=column,
        code="latency",
        dimension=Dimension.TIMELINESS,
        kind=Kind.TABLE,
        title_en=f"the newest {column} is at most {most_hours:g} hours old",
        title_zh=f"最新的 {column} 距今不超过 {most_hours:g} 小时",
        source="ODCS 3.1 slaProperties latency; GB/T 36344-2018 timeliness, timely at a point",
        limits={"mustBeLessOrEqualTo": most_hours},
        unit="hours",
    )
    # An empty data set is late: nothing has arrived.
    return Probe(
        check,
        value=lambda sight: _newest(sight, column),
        reading=_age_hours,
        columns=(column,),
        met_when_empty=False,
    )


def _newest(sight: Sight, column: str) -> ir.IntegerScalar:
    return sight.rows[column].max().cast("timestamp").epoch_seconds()


def _age_hours(epoch_seconds: float, now: Instant) -> float:
    return (now.timestamp() - epoch_seconds) / 3600.0


def _refused(table: Table, level: ServiceLevel, problem: str) -> Probe:
    title = f"{level.name} {level.value} {level.unit or ''}".strip()
    check = Check(
        id=f"{table.name}.{level.name}",
        dataset=table.name,
        column=None,
        code=level.name,
        dimension=Dimension.TIMELINESS,
        kind=Kind.UNCHECKED,
        title_en=title,
        title_zh=title,
        source="ODCS 3.1 slaProperties",
    )
    return Probe(check, problem=problem)
