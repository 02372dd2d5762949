"""Reading a station's own records again and holding them against what it uploaded.

What a station tells again lands like everything else, so the lake itself says what was new and
what differed. That a station no longer has what it once sent, or has something else, is a clue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.sensors.commands import Asked
from shuzhi.gather.sensors.landing.tables import FRAMES, OBSERVATIONS, TIME
from shuzhi.kernel.instant import Instant

REREADINGS = "rereadings"
"""The table of what history queries brought, one row for each; the system's own."""

NO_DATA = 100
"""ExeRtn of a station that has nothing of the span (HJ 212-2017, table of results)."""

REREADINGS_SCHEMA = pa.schema(
    [
        ("command", pa.int64()),
        ("mn", pa.string()),
        ("cn", pa.string()),
        ("begin_at", TIME),
        ("end_at", TIME),
        ("ended_at", TIME),
        ("exe_return", pa.int32()),
        ("frames", pa.int64()),
        ("values_new", pa.int64()),
        ("values_differing", pa.int64()),
        ("times_not_kept", pa.int64()),
    ]
)
# Behind every record, so that all that was uploaded counts as uploaded before.
_NOTHING_CAME = 1 << 62


@dataclass(frozen=True)
class Differing:
    """A value that a station told otherwise when it was asked again."""

    data_time: Instant
    factor: str
    field: str
    before: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """What a history query brought: frames, values that were new, and values that differed.

    `not_kept` are the times for which the station once sent data and now told none.
    """

    frames: int
    new: int
    differing: tuple[Differing, ...]
    not_kept: tuple[Instant, ...]

    @property
    def is_same(self) -> bool:
        """Whether the station told again exactly what it had uploaded."""
        return not (self.new or self.differing or self.not_kept)


def compare(lake: Lake, asked: Asked, begin: Instant, end: Instant) -> Comparison:
    """Hold what a history query brought against what was uploaded before, from `begin` to `end`.

    The query must be over, and what it brought be landed. Begin and end belong to the span. A
    station that brought nothing no longer has any of the times that it once sent.
    """
    outcome = asked.outcome
    span = {
        "mn": asked.mn,
        "cn": asked.cn,
        "first": _NOTHING_CAME if outcome.first_record is None else outcome.first_record,
        "last": _NOTHING_CAME if outcome.last_record is None else outcome.last_record,
        "begin": begin,
        "end": end,
    }
    tables = [name for name in (FRAMES, OBSERVATIONS.name) if lake.exists(name)]
    if len(tables) < 2:
        return Comparison(0, 0, (), ())
    with lake.duck(only=tables) as connection:
        frames = _ask(connection, _COUNT, span)[0]["frames"]
        told = _ask(connection, _TOLD, span)
        gone = [row["data_time"] for row in _ask(connection, _GONE, span)]
    differing = tuple(
        Differing(row["data_time"], row["factor"], row["field"], row["before"], row["text"])
        for row in told
        if row["revision"]
    )
    new = sum(not row["revision"] for row in told)
    return Comparison(frames, new, differing, tuple(gone))


def keep(lake: Lake, asked: Asked, begin: Instant, end: Instant, found: Comparison) -> None:
    """Write down in the lake what a history query brought, for rules and for whoever asks later."""
    row = {
        "command": asked.id,
        "mn": asked.mn,
        "cn": asked.cn,
        "begin_at": begin,
        "end_at": end,
        "ended_at": asked.ended_at,
        "exe_return": asked.outcome.exe_return,
        "frames": found.frames,
        "values_new": found.new,
        "values_differing": len(found.differing),
        "times_not_kept": len(found.not_kept),
    }
    lake.append(REREADINGS, pa.Table.from_pylist([row], REREADINGS_SCHEMA))


def _ask(
    connection: duckdb.DuckDBPyConnection, sql: str, span: Mapping[str, object]
) -> list[dict[str, Any]]:
    used = {name: value for name, value in span.items() if f"${name}" in sql}
    rows: list[dict[str, Any]] = connection.sql(sql, params=used).to_arrow_table().to_pylist()
    return rows


_OF_STATION = "mn = $mn AND cn = $cn AND data_time BETWEEN $begin AND $end"
_AGAIN = "record >= $first AND record < $last"
_COUNT = f"SELECT count(*) AS frames FROM frames WHERE {_OF_STATION} AND {_AGAIN}"  # noqa: S608
_TOLD = """
    SELECT new.data_time, new.factor, new.field, new.revision, old.text AS before, new.text
    FROM observations new LEFT JOIN observations old
    ON old.revision = new.revision - 1 AND (old.mn, old.st, old.cn, old.data_time, old.factor,
        old.field) = (new.mn, new.st, new.cn, new.data_time, new.factor, new.field)
    WHERE new.mn = $mn AND new.cn = $cn AND new.data_time BETWEEN $begin AND $end
        AND new.record >= $first AND new.record < $last
    ORDER BY ALL
"""
_GONE = f"""
    SELECT DISTINCT data_time FROM frames WHERE {_OF_STATION} AND record < $first
    AND data_time NOT IN (SELECT data_time FROM frames WHERE {_OF_STATION} AND {_AGAIN})
    ORDER BY data_time
"""  # noqa: S608
