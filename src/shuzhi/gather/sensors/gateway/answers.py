"""What the gateway says to a frame once it is stored: nothing, 9014, or 9013 to a notice.

Devices send the same head again and again with another QN, so an answer is made once for a head
and then only filled in.
"""

from __future__ import annotations

from shuzhi.gather.sensors.gateway.express import Familiar, familiar
from shuzhi.gather.sensors.hj212 import (
    Checksum,
    Dialect,
    Edition,
    Head,
    data_answer,
    notice_answer,
)

# Of a time to be set (2017), of a key, a heartbeat (2025), of an alarm (2005).
_NOTICES = frozenset({"1013", "1014", "9015", "2072"})
# What a device says to us needs no answer, but for the 2005 way of closing an exchange.
_ANSWERS = frozenset({"9011", "9012", "9013", "9014"})
_QN_DIGITS = 17
_MARK = "0" * _QN_DIGITS


def answer_to(head: Head, dialect: Dialect) -> bytes:
    """Return the answer that a frame asks for, or nothing."""
    is_last_of_2005 = head.cn == "9012" and dialect.edition is Edition.HJT212_2005
    if is_last_of_2005:
        return data_answer(head, dialect)
    if not head.wants_answer or head.cn in _ANSWERS:
        return b""
    answer = notice_answer if head.cn in _NOTICES else data_answer
    return answer(head, dialect)


def familiar_head(head: Head, dialect: Dialect) -> Familiar | None:
    """Return what frames with this head lead to, whatever their QN; None to judge each by itself.

    Each by itself: what is encrypted, has a checksum of its own or an unusual head, and answers.
    """
    is_plain = dialect.key is None and dialect.checksum is Checksum.STANDARD
    if not is_plain or head.tolerated or not head.qn or head.cn in _ANSWERS:
        return None
    model = answer_to(head._replace(qn=_MARK), dialect)
    return familiar(model, _MARK.encode()) if model else Familiar()
