"""HJ 212, the protocol of pollution monitors in China: editions 2005, 2017 and 2025.

A `Framer` cuts a byte stream, `head` reads what stands in front of the data area, `opened` checks
the checksum and deciphers; `data_answer` and its siblings answer. `read` makes tables of many
frames at once. Nothing here raises on bytes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from shuzhi.gather.sensors.hj212.answers import (
    answered_qn,
    data_answer,
    execution_answer,
    notice_answer,
    request_answer,
)
from shuzhi.gather.sensors.hj212.area import parameters
from shuzhi.gather.sensors.hj212.cipher import Opened, must_be_encrypted, opened
from shuzhi.gather.sensors.hj212.framing import Framer, Limits
from shuzhi.gather.sensors.hj212.head import head
from shuzhi.gather.sensors.hj212.model import (
    Checksum,
    Dialect,
    Edition,
    Frame,
    Head,
    Refusal,
)
from shuzhi.gather.sensors.hj212.parts import Missing, Parts
from shuzhi.gather.sensors.hj212.reading import Finding, Item, Reading, Value, read_area
from shuzhi.gather.sensors.hj212.requests import interval, new_key, request
from shuzhi.gather.sensors.hj212.times import request_number
from shuzhi.gather.sensors.hj212.writing import Message, framed, segment, write

if TYPE_CHECKING:
    from shuzhi.gather.sensors.hj212.batch import read
    from shuzhi.gather.sensors.hj212.rows import Batch

__all__ = [
    "Batch",
    "Checksum",
    "Dialect",
    "Edition",
    "Finding",
    "Frame",
    "Framer",
    "Head",
    "Item",
    "Limits",
    "Message",
    "Missing",
    "Opened",
    "Parts",
    "Reading",
    "Refusal",
    "Value",
    "answered_qn",
    "data_answer",
    "execution_answer",
    "framed",
    "head",
    "interval",
    "must_be_encrypted",
    "new_key",
    "notice_answer",
    "opened",
    "parameters",
    "read",
    "read_area",
    "request",
    "request_answer",
    "request_number",
    "segment",
    "write",
]

_LATE = {"read": "batch", "Batch": "rows"}


def __getattr__(name: str) -> Any:
    """Import what makes tables when it is first wanted: a gateway needs no Arrow."""
    if name not in _LATE:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
