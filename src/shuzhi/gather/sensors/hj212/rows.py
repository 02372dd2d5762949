"""The tables that a batch of frames becomes, and filling them frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from shuzhi.gather.sensors.hj212.model import Head
from shuzhi.gather.sensors.hj212.reading import Finding, Reading

NAME = pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("us", tz="UTC")

FRAMES = pa.schema(
    [
        ("frame", pa.int32()),
        ("qn", pa.string()),
        ("st", NAME),
        ("cn", NAME),
        ("mn", NAME),
        ("flag", pa.int16()),
        ("pnum", pa.int16()),
        ("pno", pa.int16()),
        ("is_resent", pa.bool_()),
        ("data_time", TIME),
        ("refusal", NAME),
        ("detail", pa.string()),
    ]
)
OBSERVATIONS = pa.schema(
    [
        ("frame", pa.int32()),
        ("mn", NAME),
        ("st", NAME),
        ("cn", NAME),
        ("data_time", TIME),
        ("factor", NAME),
        ("sent_factor", NAME),
        ("field", NAME),
        ("number", pa.float64()),
        ("text", pa.string()),
        ("unit", NAME),
        ("mark", NAME),
        ("maker_mark", NAME),
        ("sample_time", TIME),
    ]
)
ITEMS = pa.schema(
    [
        ("frame", pa.int32()),
        ("mn", NAME),
        ("st", NAME),
        ("cn", NAME),
        ("data_time", TIME),
        ("factor", NAME),
        ("about", NAME),
        ("field", NAME),
        ("text", pa.string()),
    ]
)
FINDINGS = pa.schema([("frame", pa.int32()), ("mn", NAME), ("code", NAME), ("about", NAME)])


@dataclass(frozen=True)
class Batch:
    """What a batch of frames says; `frame` is a frame's place in the batch, from 0.

    `frames`: one row for each frame, with the reason in `refusal` where it was not taken.
    `observations`: one row for each value; the key is (mn, st, cn, data_time, factor, field).
    `number` is in `unit`, `text` is what was sent. `items`: what is no value of a factor.
    `findings`: what was unusual, by codes of the table `findings`. All times are UTC.
    """

    frames: pa.Table
    observations: pa.Table
    items: pa.Table
    findings: pa.Table


def joined(parts: Sequence[Batch]) -> Batch:
    """Return the parts of one batch as one, by the order of the frames."""
    filled = [part for part in parts if part.frames.num_rows]
    if len(filled) <= 1:
        return filled[0] if filled else parts[0]
    return Batch(
        *(
            pa.concat_tables([getattr(part, name) for part in filled])
            .unify_dictionaries()
            .sort_by("frame")
            for name in ("frames", "observations", "items", "findings")
        )
    )


@dataclass
class Rows:
    """Rows that wait to become a batch."""

    frames: list[tuple[Any, ...]] = field(default_factory=list)
    observations: list[tuple[Any, ...]] = field(default_factory=list)
    items: list[tuple[Any, ...]] = field(default_factory=list)
    findings: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, frame: int, head: Head, reading: Reading, findings: list[Finding]) -> None:
        """Take what one frame says."""
        self._add_frame(frame, head, reading.data_time)
        of_frame = (frame, head.mn, head.st, head.cn)
        self.observations += [(*of_frame, *value) for value in reading.values]
        self.items += [(*of_frame, *item) for item in reading.items]
        self.note(frame, head.mn, findings)

    def refuse(self, frame: int, head: Head | None, code: str, detail: str) -> None:
        """Take that one frame is refused."""
        if head is None:
            head = Head("", "", "", "", "", None, None, None, False, 0)
        self._add_frame(frame, head, None, code, detail)

    def note(self, frame: int, mn: str, findings: list[Finding]) -> None:
        """Take the findings of one frame, each once."""
        self.findings += [(frame, mn, *finding) for finding in dict.fromkeys(findings)]

    def batch(self) -> Batch:
        """Return all rows as tables."""
        return Batch(
            _table(self.frames, FRAMES),
            _table(self.observations, OBSERVATIONS),
            _table(self.items, ITEMS),
            _table(self.findings, FINDINGS),
        )

    def _add_frame(
        self,
        frame: int,
        head: Head,
        data_time: int | None,
        refusal: str | None = None,
        detail: str | None = None,
    ) -> None:
        of_head = (head.qn, head.st, head.cn, head.mn, head.flag, head.pnum, head.pno)
        self.frames.append((frame, *of_head, head.is_resent, data_time, refusal, detail))


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
