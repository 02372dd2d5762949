"""Requests of the centre to a station, written as its edition has them.

What a request may carry stands in the table `commands`: `;` and `,` as they are to be written,
names in brackets may be left out, and `*-Info` stands for one or more names with that suffix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.model import Dialect, Edition
from shuzhi.gather.sensors.hj212.times import written
from shuzhi.gather.sensors.hj212.writing import Message
from shuzhi.kernel.errors import RefusedError

_WANTS_ANSWER = 1
_VERSION_BIT = 2
_PART = re.compile(r"(\[?)([^;,\[\]]+)(\]?)([;,]?)")
_ANY = "*"
_KEY_LETTERS = 16
_ENDS_ITEM = frozenset(";,=&\r\n")


def request(
    cn: str,
    parameters: Mapping[str, str],
    *,
    st: str,
    mn: str,
    pw: str,
    qn: str,
    dialect: Dialect,
) -> Message:
    """Return a request; `qn` is the time of the request with milliseconds, 17 digits.

    Raises RefusedError `hj212.request_unknown` when the station's edition has no such request, and
    `hj212.request_parameters` when a parameter is missing, or is not one of this request.
    """
    wanted = _wanted(cn, dialect.edition)
    left = dict(parameters)
    pieces = [piece for part in _PART.findall(wanted) for piece in _taken(cn, part, left)]
    if left:
        raise _wrong_parameters(cn, f"it has no {', '.join(sorted(left))}", wanted)
    area = "".join(pieces).rstrip(";,")
    flag = (dialect.edition << _VERSION_BIT) | _WANTS_ANSWER
    return Message(st=st, cn=cn, area=area, qn=qn, pw=pw, mn=mn, flag=flag)


def interval(begin: datetime, end: datetime) -> dict[str, str]:
    """Return the parameters of a history query from two aware times."""
    return {"BeginTime": written(begin), "EndTime": written(end)}


def new_key(key: bytes, created: str) -> dict[str, str]:
    """Return the parameters of 1014 for a new key of 16 ASCII characters; `created` is as a QN.

    Raises RefusedError `hj212.key` for a key that cannot be written so.
    """
    text = key.decode("ascii", errors="replace")
    if len(key) != _KEY_LETTERS or not text.isalnum() or not text.isascii():
        raise RefusedError(
            "hj212.key",
            "A key that is sent by 1014 is 16 letters or digits.",
            next_step="Make another key.",
        )
    return {"SKCreateTime": created, "NewSK": text}


def _wanted(cn: str, edition: Edition) -> str:
    for command in tables.commands().get(cn, ()):
        is_ours = command.direction != "to_centre" and command.kind != "answer"
        if is_ours and edition in command.requests:
            return command.requests[edition]
    raise RefusedError(
        "hj212.request_unknown",
        f"The edition {edition.name} has no request {cn}.",
        next_step="Choose another command, or correct the edition of the station.",
    )


def _taken(cn: str, part: tuple[str, str, str, str], left: dict[str, str]) -> Iterator[str]:
    """Yield one parameter as it is written, and take it from what is left."""
    opening, name, _, separator = part
    given = sorted(each for each in left if _is_meant(each, name))
    if not given and not opening:
        raise _wrong_parameters(cn, f"{name} is missing", name)
    for each in given:
        value = left.pop(each)
        if not _ENDS_ITEM.isdisjoint(value):
            raise _wrong_parameters(cn, f"the value of {each} would end its item", name)
        # Editions spell a name in different letters; the table has the right ones.
        yield f"{each if _ANY in name else name}={value}{separator or ';'}"


def _is_meant(given: str, name: str) -> bool:
    return given.endswith(name[1:]) if name[0] == _ANY else given.lower() == name.lower()


def _wrong_parameters(cn: str, why: str, wanted: str) -> RefusedError:
    return RefusedError(
        "hj212.request_parameters",
        f"The request {cn} cannot be written: {why}.",
        next_step=f"It takes: {wanted or 'nothing'}.",
    )
