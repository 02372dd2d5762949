"""The answers that close an exchange: 9011, 9012, 9013 and 9014, in the style of each edition.

Since 2017 an answer repeats the QN of what it answers in its head. In 2005 the QN lies in the data
area, together with the command that is answered.
"""

from __future__ import annotations

from shuzhi.gather.sensors.hj212.model import Dialect, Edition, Head
from shuzhi.gather.sensors.hj212.writing import framed

_HEAD_ANSWER = {Edition.HJ212_2017: 4, Edition.HJ212_2025: 8}


def data_answer(head: Head, dialect: Dialect) -> bytes:
    """Return the 9014 for a data frame; send it only for what is durably stored."""
    return _answer(head, dialect, "9014", "")


def notice_answer(head: Head, dialect: Dialect) -> bytes:
    """Return the 9013 for a notice."""
    return _answer(head, dialect, "9013", "")


def request_answer(head: Head, dialect: Dialect, code: int) -> bytes:
    """Return a device's 9011 for a request; `code` is one of the table `returns` (QnRtn)."""
    return _answer(head, dialect, "9011", f"QnRtn={code}")


def execution_answer(head: Head, dialect: Dialect, code: int) -> bytes:
    """Return a device's 9012 with the result of a request; `code` as in `returns` (ExeRtn)."""
    return _answer(head, dialect, "9012", f"ExeRtn={code}")


def answered_qn(head: Head, area: dict[str, str]) -> str:
    """Return the QN of what an answer answers: in its head, or (2005) in its data area."""
    return area.get("QN") or head.qn


def _answer(head: Head, dialect: Dialect, cn: str, result: str) -> bytes:
    if dialect.edition is Edition.HJT212_2005:
        return framed(_segment_2005(head, dialect, cn, result).encode("ascii"), dialect.checksum)
    flag = dialect.answer_flag
    flag = _HEAD_ANSWER[dialect.edition] if flag is None else flag
    qn = f"QN={head.qn};" if head.qn else ""
    text = (
        f"{qn}ST={dialect.answer_st};CN={cn};PW={head.pw};MN={head.mn};Flag={flag};CP=&&{result}&&"
    )
    return framed(text.encode("ascii"), dialect.checksum)


def _segment_2005(head: Head, dialect: Dialect, cn: str, result: str) -> str:
    """HJ/T 212-2005: a device names itself in its answers, the centre does not."""
    items = [f"QN={head.qn}"] if head.qn else []
    fields = f"ST={dialect.answer_st};CN={cn};"
    if result:
        fields += f"PW={head.pw};MN={head.mn};Flag={dialect.answer_flag or 0};"
        items.append(result)
    else:
        items.append(f"CN={head.cn}")
        if head.pno is not None and head.pnum is not None:
            items += [f"PNO={head.pno}", f"PNUM={head.pnum}"]
    return f"{fields}CP=&&{';'.join(items)}&&"
