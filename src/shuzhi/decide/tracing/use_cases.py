"""The verbs of tracing: ask the lake for what a tracing names, and search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from shuzhi.decide.sql import Failure, ask
from shuzhi.decide.tracing.air import AirAssumptions, AirSource, AirTrace, Wind, attribute
from shuzhi.decide.tracing.declared import Tracing
from shuzhi.decide.tracing.model import Place
from shuzhi.decide.tracing.network import Reach, network
from shuzhi.decide.tracing.river import Assumptions, Exceedance, Outfall, RiverTrace, trace_river
from shuzhi.gather.lake import Lake
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

_MOST_SECONDS, _MOST_ROWS = 60.0, 2_000_000
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bad:
    """The hours of a station that are looked at: from `since` to before `until`, above what.

    `factor` leaves out the hours of other factors, where the hours have one.
    """

    station: str
    since: Instant
    until: Instant
    threshold: float
    factor: str | None = None


Question = Exceedance | Bad
Trace = RiverTrace | AirTrace


def search(
    lake: Lake,
    tracing: Tracing,
    question: Question,
    *,
    zone: str,
    memory_limit: str | None = None,
) -> Trace:
    """Search as the question asks. Raises as `search_river` and `search_air`."""
    if isinstance(question, Exceedance):
        return search_river(lake, tracing, question, zone=zone, memory_limit=memory_limit)
    return search_air(lake, tracing, question, memory_limit=memory_limit)


def search_river(
    lake: Lake,
    tracing: Tracing,
    exceedance: Exceedance,
    *,
    zone: str,
    memory_limit: str | None = None,
) -> RiverTrace:
    """Return the outfalls that could have caused an exceedance, the likeliest first.

    Their reasons tell times in `zone` (an IANA name).

    Raises:
        RefusedError: `decide.not_this_tracing`, `decide.tracing_failed` when a query fails or a
            data set is not there, `decide.bad_network`, `decide.no_such_reach`,
            `decide.no_excess`.
    """
    with _asking(lake, tracing, "river", memory_limit) as asked:
        river = network(_reach(row) for row in asked.rows("reaches"))
        outfalls = tuple(_outfalls(asked))
    assumptions = Assumptions(
        speed_m_s=tracing.speed_m_s,
        most_hours=tracing.most_hours,
        decay_per_hour=tracing.decay_per_hour.get(exceedance.factor, 0.0),
        zone=zone,
    )
    return trace_river(river, exceedance, outfalls, assumptions)


def search_air(
    lake: Lake, tracing: Tracing, bad: Bad, *, memory_limit: str | None = None
) -> AirTrace:
    """Return the sources that stand where the bad air of a station came from.

    Raises:
        RefusedError: as `search_river`; `decide.no_such_station`, `decide.no_wind`,
            `decide.empty_span` when the hours end before they begin.
    """
    if bad.since >= bad.until:
        raise _empty_span()
    with _asking(lake, tracing, "air", memory_limit) as asked:
        places = {str(row["id"]): _place(row) for row in asked.rows("stations")}
        place = places.get(bad.station)
        if place is None:
            raise _no_station(bad.station, tracing)
        hours = [_wind(row) for row in asked.rows("hours") if _is_of(row, bad)]
        sources = [_source(row) for row in asked.rows("sources")]
    assumptions = AirAssumptions(tracing.calm_m_s, tracing.most_km)
    return attribute(place, hours, sources, threshold=bad.threshold, assumptions=assumptions)


@dataclass(frozen=True)
class _Asked:
    connection: duckdb.DuckDBPyConnection
    tracing: Tracing

    def rows(self, name: str) -> list[Row]:
        sql = self.tracing.queries.get(name)
        if sql is None:
            return []
        said = ask(self.connection, sql, max_seconds=_MOST_SECONDS, max_rows=_MOST_ROWS)
        if isinstance(said, Failure):
            raise _failed(self.tracing, f"its query `{name}`: {said.reason}")
        table = said.rename_columns([column.lower() for column in said.column_names])
        return list(table.to_pylist())


@contextmanager
def _asking(lake: Lake, tracing: Tracing, kind: str, memory_limit: str | None) -> Iterator[_Asked]:
    if tracing.kind != kind:
        raise RefusedError(
            "decide.not_this_tracing",
            f"The tracing {tracing.id} is one of {tracing.kind}, not of {kind}.",
            next_step=f"Choose a tracing of {kind}.",
        )
    missing = [name for name in tracing.reads if not lake.exists(name)]
    if missing:
        raise _failed(tracing, f"there is no data set {', '.join(missing)} yet")
    with lake.duck(only=tracing.reads, memory_limit=memory_limit) as connection:
        yield _Asked(connection, tracing)


def _outfalls(asked: _Asked) -> Iterator[Outfall]:
    loads: dict[str, dict[str, float]] = defaultdict(dict)
    for row in asked.rows("loads"):
        loads[str(row["outfall_id"])][row["factor"]] = float(row["load_kg_d"])
    alarms: dict[str, dict[str, list[Instant]]] = defaultdict(lambda: defaultdict(list))
    for row in asked.rows("alarms"):
        alarms[str(row["outfall_id"])][row["factor"]].append(_instant(row["observed_at"]))
    for row in asked.rows("outfalls"):
        found = _outfall(row)
        yield replace(
            found,
            loads_kg_d=loads[found.id],
            alarms={factor: tuple(times) for factor, times in alarms[found.id].items()},
        )


def _outfall(row: Row) -> Outfall:
    return Outfall(
        str(row["id"]),
        row["title"] or "",
        str(row["reach_id"]),
        float(row.get("above_km") or 0.0),
        row.get("party"),
        _place(row),
        is_simulated=bool(row.get("is_simulated")),
    )


def _reach(row: Row) -> Reach:
    return Reach(
        str(row["id"]),
        str(row["from_node"]),
        str(row["to_node"]),
        float(row["length_km"]),
        _number(row.get("speed_m_s")),
        _number(row.get("flow_m3_s")),
        bool(row.get("is_minor")),
        float(row.get("inflow_km") or 0.0),
        tuple(Place(*point) for point in row.get("line") or ()),
        bool(row.get("is_simulated")),
    )


def _source(row: Row) -> AirSource:
    place = Place(float(row["longitude"]), float(row["latitude"]))
    party, load = row.get("party"), _number(row.get("load_kg_h"))
    is_simulated = bool(row.get("is_simulated"))
    return AirSource(str(row["id"]), row["title"] or "", place, party, load, is_simulated)


def _wind(row: Row) -> Wind:
    speed = _number(row["speed_m_s"])
    # A speed that nobody measured says nothing of a direction, like a calm.
    is_simulated = bool(row.get("is_simulated"))
    return Wind(float(row["value"]), speed or 0.0, _number(row["from_degrees"]), is_simulated)


def _is_of(row: Row, bad: Bad) -> bool:
    if row["value"] is None or str(row["station"]) != bad.station:
        return False
    if bad.factor is not None and row.get("factor", bad.factor) != bad.factor:
        return False
    return bad.since <= _instant(row["observed_at"]) < bad.until


def _place(row: Row) -> Place | None:
    if row.get("longitude") is None or row.get("latitude") is None:
        return None
    return Place(float(row["longitude"]), float(row["latitude"]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _instant(value: datetime) -> Instant:
    return Instant(value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


def _failed(tracing: Tracing, why: str) -> RefusedError:
    return RefusedError(
        "decide.tracing_failed",
        f"The tracing {tracing.id} has no answer: {why}.",
        next_step="Load what it reads, or correct its file.",
    )


def _no_station(station: str, tracing: Tracing) -> RefusedError:
    return RefusedError(
        "decide.no_such_station",
        f"The tracing {tracing.id} knows no place of a station {station[:60]!r}.",
        next_step="Take an id from the data set of its stations.",
    )


def _empty_span() -> RefusedError:
    return RefusedError(
        "decide.empty_span",
        "The hours end before they begin.",
        next_step="Let the end lie after the beginning.",
    )
