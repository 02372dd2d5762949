"""The tables that what was received becomes; they are the system's own and have no contract.

Every row says by which record of the spool it came (`record`) and when that was received.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Revised:
    """A table in which a key may have several values, one for each revision.

    `said` are the columns by which two values differ; where `number` has one, the text does not
    count.
    """

    name: str
    schema: pa.Schema
    key: Sequence[str]
    said: Sequence[str]


_CAME = [("qn", pa.string()), ("received_at", TIME), ("record", pa.int64())]
_KEY = [
    ("mn", pa.string()),
    ("st", pa.string()),
    ("cn", pa.string()),
    ("data_time", TIME),
    ("factor", pa.string()),
]

OBSERVATIONS = Revised(
    "observations",
    pa.schema(
        [
            *_KEY,
            ("field", pa.string()),
            ("revision", pa.int32()),
            ("number", pa.float64()),
            ("text", pa.string()),
            ("unit", pa.string()),
            ("mark", pa.string()),
            ("maker_mark", pa.string()),
            ("sample_time", TIME),
            ("sent_factor", pa.string()),
            *_CAME,
        ]
    ),
    ("mn", "st", "cn", "data_time", "factor", "field"),
    ("number", "text", "mark", "maker_mark", "sample_time"),
)
ITEMS = Revised(
    "observation_items",
    pa.schema(
        [
            *_KEY,
            ("about", pa.string()),
            ("field", pa.string()),
            ("revision", pa.int32()),
            ("text", pa.string()),
            *_CAME,
        ]
    ),
    ("mn", "st", "cn", "data_time", "factor", "about", "field"),
    ("text",),
)

FRAMES = "frames"
FRAMES_SCHEMA = pa.schema(
    [
        ("mn", pa.string()),
        ("st", pa.string()),
        ("cn", pa.string()),
        ("data_time", TIME),
        ("flag", pa.int16()),
        ("pnum", pa.int16()),
        ("pno", pa.int16()),
        ("is_resent", pa.bool_()),
        ("connection", pa.int64()),
        *_CAME,
    ]
)

FINDINGS = "frame_findings"
FINDINGS_SCHEMA = pa.schema(
    [
        ("mn", pa.string()),
        ("code", pa.string()),
        ("about", pa.string()),
        ("received_at", TIME),
        ("record", pa.int64()),
    ]
)

QUARANTINE = "frames_quarantine"
QUARANTINE_SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("detail", pa.string()),
        ("mn", pa.string()),
        ("peer", pa.string()),
        ("raw", pa.binary()),
        ("received_at", TIME),
        ("record", pa.int64()),
    ]
)
