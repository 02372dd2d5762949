"""From records of the spool to rows of the lake's tables, a batch at a time and in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shuzhi.gather.sensors.hj212 import Dialect
from shuzhi.gather.sensors.hj212.batch import read
from shuzhi.gather.sensors.hj212.rows import Batch as Read
from shuzhi.gather.sensors.hj212.times import stamp
from shuzhi.gather.sensors.landing.tables import (
    FINDINGS_SCHEMA,
    FRAMES_SCHEMA,
    ITEMS,
    OBSERVATIONS,
    QUARANTINE_SCHEMA,
    TIME,
    Revised,
)
from shuzhi.gather.sensors.landing.watermarks import NEVER, Series, Times, Truths, series_of
from shuzhi.gather.sensors.records import Kind, read_refused
from shuzhi.gather.sensors.spool import Batch

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Came:
    """Records in columns, of one kind: their numbers, times, sources and bytes."""

    records: Numbers
    received_us: Times
    sources: Numbers
    bodies: Sequence[bytes]


@dataclass(frozen=True)
class Told:
    """What a batch of frames says, with the record and the time of each frame.

    `times` has one time for each frame that was taken: its DataTime; where it has none, that of
    its QN; where that is none either, when it was received.
    """

    came: Came
    read: Read
    is_taken: Truths
    times: Times


def came(batches: Sequence[Batch], kind: Kind) -> Came:
    """Return the records of one kind."""
    kinds = np.concatenate([np.frombuffer(b.kinds, np.uint8) for b in batches])
    chosen = np.flatnonzero(kinds == kind)
    records = np.concatenate([np.arange(b.first, b.end) for b in batches])
    received = np.concatenate([np.frombuffer(b.received_us, "<i8") for b in batches])
    sources = np.concatenate([np.frombuffer(b.sources, "<u8") for b in batches]).astype(np.int64)
    bodies = [body for b in batches for body in _bodies(b)]
    if len(chosen) < len(bodies):
        bodies = [bodies[i] for i in chosen.tolist()]
    return Came(records[chosen], received[chosen], sources[chosen], bodies)


def _bodies(batch: Batch) -> list[bytes]:
    data = batch.data.tobytes()
    ends = np.cumsum(np.frombuffer(batch.lengths, "<u4")).tolist()
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def told(frames: Came, dialects: Mapping[str, Dialect]) -> Told:
    """Read frames; `dialects` is by MN."""
    said = read(frames.bodies, dialects)
    is_taken = said.frames["refusal"].is_null().combine_chunks().to_numpy(zero_copy_only=False)
    given = _microseconds(said.frames["data_time"])
    times = pc.fill_null(given, 0).to_numpy(zero_copy_only=False).copy()
    qns = said.frames["qn"].combine_chunks()
    for place in np.flatnonzero(given.is_null().to_numpy(zero_copy_only=False)).tolist():
        times[place] = _moment(qns[place].as_py() or "", int(frames.received_us[place]))
    return Told(frames, said, is_taken, times)


def series(told: Told) -> Series:
    """Return to which series frames belong, and their times; never for what was not taken."""
    earliest = np.where(told.is_taken, told.times, NEVER)
    latest = earliest.copy()
    for rows in (told.read.observations, told.read.items):
        frame, times = rows["frame"].to_numpy(), _row_times(told, rows)
        np.minimum.at(earliest, frame, times)
        np.maximum.at(latest, frame, times)
    return series_of(told.read.frames, earliest, latest)


def _row_times(told: Told, rows: pa.Table) -> Times:
    """Return the time of each row: its own, or its frame's."""
    own = _microseconds(rows["data_time"])
    frame = rows["frame"].to_numpy()
    return np.asarray(pc.coalesce(own, pa.array(told.times[frame])).to_numpy(), np.int64)


def of_table(told: Told, table: Revised) -> pa.Table:
    """Return the rows for a table with revisions: its columns but `revision`, and `frame`."""
    rows = {OBSERVATIONS.name: told.read.observations, ITEMS.name: told.read.items}[table.name]
    frame = rows["frame"].to_numpy()
    columns = {name: rows[name] for name in rows.column_names}
    columns["data_time"] = _instants(_row_times(told, rows))
    columns |= _came_by(told, frame)
    names = [f.name for f in table.schema if f.name != "revision"]
    return pa.table({name: columns[name] for name in [*names, "frame"]})


def of_frames(told: Told) -> pa.Table:
    """Return a row for each frame that was taken."""
    kept = np.flatnonzero(told.is_taken)
    frames = told.read.frames.take(pa.array(kept))
    columns = {name: frames[name] for name in frames.column_names}
    columns |= _came_by(told, kept)
    columns["connection"] = pa.array(told.came.sources[kept])
    return _table(columns, FRAMES_SCHEMA)


def of_findings(told: Told) -> pa.Table:
    """Return a row for each thing that was unusual about a frame."""
    rows = told.read.findings
    frame = rows["frame"].to_numpy()
    columns = {name: rows[name] for name in ("mn", "code", "about")}
    return _table(columns | _came_by(told, frame), FINDINGS_SCHEMA)


def of_refused(
    told: Told, refused: Came, pushed: Came, not_delivered: Sequence[tuple[int, str]]
) -> pa.Table:
    """Return what goes to quarantine: refused at the door, not readable, or not deliverable."""
    at_door = [read_refused(body) for body in refused.bodies]
    late = np.flatnonzero(~told.is_taken)
    unread = told.read.frames.take(pa.array(late)).to_pylist()
    rows = [(r.code, r.detail, r.mn, r.peer, r.raw) for r in at_door]
    rows += [
        (row["refusal"], row["detail"] or "", row["mn"], "", told.came.bodies[row["frame"]])
        for row in unread
    ]
    places = [place for place, _ in not_delivered]
    rows += [(code, "", "", "", pushed.bodies[place]) for place, code in not_delivered]
    parts = ((refused, slice(None)), (told.came, late), (pushed, np.array(places, np.intp)))
    records = np.concatenate([came.records[chosen] for came, chosen in parts])
    received = np.concatenate([came.received_us[chosen] for came, chosen in parts])
    names = QUARANTINE_SCHEMA.names[:5]
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    columns = {
        n: pa.array(v, QUARANTINE_SCHEMA.field(n).type) for n, v in zip(names, values, strict=True)
    }
    columns |= {"record": pa.array(records), "received_at": _instants(received)}
    return _table(columns, QUARANTINE_SCHEMA)


def _came_by(told: Told, frame: npt.NDArray[np.integer]) -> dict[str, pa.Array]:
    place = pa.array(frame)
    qn = told.read.frames["qn"].combine_chunks().take(place)
    return {
        "qn": pc.fill_null(qn, ""),
        "received_at": _instants(told.came.received_us[frame]),
        "record": pa.array(told.came.records[frame]),
    }


def _table(columns: Mapping[str, pa.Array], schema: pa.Schema) -> pa.Table:
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema)


def _instants(microseconds: Times) -> pa.Array:
    return pa.array(microseconds, pa.int64()).view(TIME)


def _microseconds(times: pa.ChunkedArray) -> pa.Array:
    return times.combine_chunks().view(pa.int64())


def _moment(qn: str, received_us: int) -> int:
    """Return the moment that a QN writes, or that of reception where it writes none."""
    moment, _ = stamp(qn)
    return received_us if moment is None else moment + int(qn[14:17] or 0) * 1000
