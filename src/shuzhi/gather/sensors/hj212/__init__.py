"""HJ 212, the protocol of pollution monitors in China: editions 2005, 2017 and 2025.

A `Framer` cuts a byte stream, `head` reads what stands in front of the data area, `opened` checks
the checksum and deciphers; `data_answer` and its siblings answer. Nothing here raises on bytes.
"""

from shuzhi.gather.sensors.hj212.answers import (
    answered_qn,
    data_answer,
    execution_answer,
    notice_answer,
    request_answer,
)
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
from shuzhi.gather.sensors.hj212.writing import Message, framed, segment, write

__all__ = [
    "Checksum",
    "Dialect",
    "Edition",
    "Frame",
    "Framer",
    "Head",
    "Limits",
    "Message",
    "Opened",
    "Refusal",
    "answered_qn",
    "data_answer",
    "execution_answer",
    "framed",
    "head",
    "must_be_encrypted",
    "notice_answer",
    "opened",
    "request_answer",
    "segment",
    "write",
]
