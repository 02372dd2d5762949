"""From the spool into the lake, exactly once: what was read, in rounds, each under its last number.

A round writes its tables one after the other, each in a commit that remembers the number up to
which it holds everything; `frames` comes last. After a crash a round is done again, larger or
smaller, and each table takes only what it does not have.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shuzhi.gather.lake import Lake, Tx
from shuzhi.gather.sensors.hj212 import Dialect
from shuzhi.gather.sensors.landing.events import ValueRevised, ValuesRevised
from shuzhi.gather.sensors.landing.messages import Deliveries, NoDeliveries, deliver_all
from shuzhi.gather.sensors.landing.revisions import resolve
from shuzhi.gather.sensors.landing.rows import (
    Told,
    came,
    of_findings,
    of_frames,
    of_refused,
    of_table,
    series,
    told,
)
from shuzhi.gather.sensors.landing.tables import (
    FINDINGS,
    FRAMES,
    ITEMS,
    OBSERVATIONS,
    QUARANTINE,
    Revised,
)
from shuzhi.gather.sensors.landing.watermarks import (
    Truths,
    read_watermarks,
    write_watermarks,
)
from shuzhi.gather.sensors.records import Kind
from shuzhi.gather.sensors.spool import Batch, SpoolReader
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.instant import Clock, system_clock

WRITER = "sensors"
"""The name under which the lake remembers how far a table holds what was received."""

TABLES = (OBSERVATIONS.name, ITEMS.name, FINDINGS, QUARANTINE, FRAMES)
_MARKS = "landing.marks"
_MOST_TOLD = 1_000
_logger = logging.getLogger("shuzhi.landing")


@dataclass(frozen=True)
class Landed:
    """What a round did: up to which record, of how many frames how many rows, and how many new."""

    record: int
    frames: int = 0
    refused: int = 0
    observations: int = 0
    stored: int = 0
    revisions: int = 0


def landed_until(lake: Lake) -> int:
    """Return the number of the record up to which some table of the lake holds what was received.

    A spool must give its next record no lower number.
    """
    return max(lake.committed(name, WRITER) or 0 for name in TABLES)


class Landing:
    """Lands what is in the spool of a folder; one at a time for a lake.

    `dialects` returns how the stations speak, by MN; `deliveries` takes what was pushed.
    """

    def __init__(
        self,
        lake: Lake,
        folder: Path,
        dialects: Callable[[], Mapping[str, Dialect]],
        *,
        deliveries: Deliveries | None = None,
        publish: Publish = ignore,
        clock: Clock = system_clock,
    ) -> None:
        self._lake = lake
        self._folder = folder
        self._dialects = dialects
        self._deliveries = deliveries or NoDeliveries()
        self._publish = publish
        self._clock = clock
        self._marks = read_watermarks(folder / _MARKS)
        self._done = {name: lake.committed(name, WRITER) or 0 for name in TABLES}
        self._reader = SpoolReader(folder, self._marks.record)

    @property
    def record(self) -> int:
        """The record before which nothing has to be read again, not even after a crash."""
        return self._marks.record

    def land(self, most_bytes: int = 8 * 1024 * 1024) -> Landed | None:
        """Land about so much; None when there is nothing.

        Raises:
            BrokenError: as the lake and the spool; the next round begins where this one did.
        """
        batches = self._read(most_bytes)
        if not batches:
            return None
        done = self._done[FRAMES]
        before = [b for b in batches if b.end <= done]
        after = [b for b in batches if b.end > done]
        try:
            if before:
                self._pass(before)
            return self._land(after) if after else Landed(batches[-1].end)
        except ShuzhiError:
            self._reader = SpoolReader(self._folder, self._marks.record)
            raise

    def keep_marks(self) -> None:
        """Write down how far everything is landed, so that a next life need not read it again."""
        write_watermarks(self._folder / _MARKS, self._marks)

    def _read(self, most_bytes: int) -> list[Batch]:
        known = len(self._reader.lost)
        batches = self._reader.read(most_bytes)
        for each in self._reader.lost[known:]:
            _logger.error("records %s to %s of the spool are lost", each.first, each.end - 1)
        return batches

    def _pass(self, batches: list[Batch]) -> None:
        """Take note of what is in the lake already."""
        passed = told(came(batches, Kind.FRAME), self._dialects())
        self._marks.advance(series(passed), passed.came.received_us)
        self._marks.record = batches[-1].end

    def _land(self, batches: list[Batch]) -> Landed:
        end = batches[-1].end
        said = told(came(batches, Kind.FRAME), self._dialects())
        refused = came(batches, Kind.REFUSED)
        line = series(said)
        contested = self._marks.contested(line, said.came.received_us)
        observations = self._store(OBSERVATIONS, said, contested, end)
        items = self._store(ITEMS, said, contested, end)
        self._append(FINDINGS, of_findings(said), end)
        pushed = came(batches, Kind.MESSAGE)
        not_delivered = deliver_all(self._deliveries, pushed, end)
        self._append(QUARANTINE, of_refused(said, refused, pushed, not_delivered), end)
        self._append(FRAMES, of_frames(said), end, always=True)
        self._marks.advance(line, said.came.received_us)
        self._marks.record = end
        return Landed(
            end,
            len(said.came.bodies),
            len(refused.bodies),
            said.read.observations.num_rows,
            observations.rows + items.rows,
            self._tell(observations.revisions),
        )

    def _store(self, table: Revised, said: Told, contested: Truths, end: int) -> _Stored:
        rows = self._not_done(table.name, of_table(said, table))
        is_contested = pa.array(contested[rows["frame"].to_numpy()])
        rows = rows.drop_columns("frame")
        certain = rows.filter(pc.invert(is_contested))
        certain = certain.append_column("revision", pa.array(np.zeros(certain.num_rows, np.int32)))
        open_ = rows.filter(is_contested)
        parts, revisions = (
            [certain.select(table.schema.names).cast(table.schema)],
            open_.slice(0, 0),
        )
        if open_.num_rows:
            resolved = resolve(self._lake, table, open_)
            parts.append(resolved.select(table.schema.names).cast(table.schema))
            revisions = resolved.filter(pc.greater(resolved["revision"], 0))
        fresh = pa.concat_tables(parts)
        self._append(table.name, fresh, end)
        return _Stored(fresh.num_rows, revisions)

    def _append(self, name: str, rows: pa.Table, end: int, *, always: bool = False) -> None:
        rows = self._not_done(name, rows)
        if rows.num_rows or (always and end > self._done[name]):
            self._lake.append(name, rows, tx=Tx(WRITER, end))
            self._done[name] = end

    def _not_done(self, name: str, rows: pa.Table) -> pa.Table:
        done = self._done[name]
        if done <= self._marks.record:
            return rows
        return rows.filter(pc.greater_equal(rows["record"], done))

    def _tell(self, revisions: pa.Table) -> int:
        if revisions.num_rows:
            _logger.warning("%s values are revisions of others", revisions.num_rows)
            wanted = [f.name for f in fields(ValueRevised)]
            told_ = revisions.slice(0, _MOST_TOLD).select(wanted).to_pylist()
            event = ValuesRevised(self._clock(), tuple(ValueRevised(**row) for row in told_))
            self._publish(event)
        return int(revisions.num_rows)


@dataclass(frozen=True)
class _Stored:
    """How many rows a table took, and which of them are revisions."""

    rows: int
    revisions: pa.Table
