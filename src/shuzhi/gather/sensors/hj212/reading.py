"""Reads one data area into values, items and findings; the reference for every faster way.

A value is one number of one factor in one field with its marks; everything else that a data area
says is an item: states and running times of facilities, site information, logs, parameters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from shuzhi.gather.sensors.hj212 import tables
from shuzhi.gather.sensors.hj212.area import cut
from shuzhi.gather.sensors.hj212.model import Dialect, Head
from shuzhi.gather.sensors.hj212.names import Name, meaning
from shuzhi.gather.sensors.hj212.times import stamp

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_UNUSUAL_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_NO_NUMBER = frozenset({"", "-", "--", "---", "nan", "null", "none", "/", "*"})
MOST_CHARACTERS = 18
# An alarm of 2005 has its own name for its time.
_DATA_TIMES = {"datatime": "DataTime", "alarmtime": "AlarmTime"}
_MARKS = frozenset({"mark", "maker_mark", "sample_time"})
_SECONDS_OF_INTERVAL = {"2061": 3600, "2031": 86_400, "2041": 86_400}
_MINUTE_DATA = "2051"
_MICROSECONDS = 1_000_000
_LOG = "//"


class Value(NamedTuple):
    """One value; times are in microseconds since 1970 UTC, `number` is None where it is none.

    `text` is what was sent. `number` is in `unit`, which is empty where the tables know none.
    """

    data_time: int | None
    factor: str
    sent_factor: str
    field: str
    number: float | None
    text: str
    unit: str
    mark: str | None = None
    maker_mark: str | None = None
    sample_time: int | None = None


class Item(NamedTuple):
    """One thing that is no value of a factor.

    `factor` is the one that it concerns (PolId, or its prefix). `about` is a facility (`SB1`), a
    site information (`i12001`) or a parameter (`RtdInterval`); `field` is `Info`, `SN`, `RS`, …
    """

    data_time: int | None
    factor: str
    about: str
    field: str
    text: str


class Finding(NamedTuple):
    """Something unusual: a code of the table `findings`, and the name or text that it is about."""

    code: str
    about: str = ""


@dataclass
class Reading:
    """What one frame says."""

    values: list[Value] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    data_time: int | None = None


def read_area(area: bytes, head: Head, dialect: Dialect) -> Reading:
    """Return what a plain data area says, without its `&&`; never raises."""
    return _Reader(head, dialect).read(area)


def interval_seconds(cn: str, dialect: Dialect) -> int:
    """Return the length of the interval that data of a command are about; 0 for a moment."""
    if cn == _MINUTE_DATA:
        return dialect.minute_interval * 60
    return _SECONDS_OF_INTERVAL.get(cn, 0)


class _Group:
    """The values of one group by factor, and the marks that are for them."""

    def __init__(self) -> None:
        self.places: dict[str, list[int]] = {}
        self.marks: list[tuple[Name, str]] = []
        self.marked: set[tuple[str, str]] = set()


class _Reader:
    """Reads one area; keeps the time and the PolId that hold for what follows."""

    def __init__(self, head: Head, dialect: Dialect) -> None:
        self._head, self._dialect = head, dialect
        self._shift = interval_seconds(head.cn, dialect) if dialect.stamps_end else 0
        self._reading = Reading()
        self._factor = ""

    def read(self, area: bytes) -> Reading:
        groups, tolerated = cut(area)
        self._reading.findings += [Finding(code, about) for code, about in tolerated]
        self._reading.data_time = time = self._first_time(groups)
        whole = _Group()
        for items in groups:
            group = _Group()
            for name, text in items:
                if name.lower() in _DATA_TIMES:
                    time = self._time(text)
                else:
                    self._take(self._meaning(name), text, time, group)
            whole.marks += [mark for mark in group.marks if not self._mark(*mark, group)]
            for factor, places in group.places.items():
                whole.places.setdefault(factor, []).extend(places)
        for mark in whole.marks:
            self._note("mark_apart", mark[0].sent)
            self._mark(*mark, whole)
        self._note_repeated()
        return self._reading

    def _note(self, code: str, about: str = "") -> None:
        if code:
            self._reading.findings.append(Finding(code, about))

    def _meaning(self, name: str) -> Name:
        found = meaning(name, self._head.st, self._dialect.edition)
        for code in found.tolerated:
            self._note(code, name)
        return found

    def _first_time(self, groups: list[list[tuple[str, str]]]) -> int | None:
        """Values may stand in front of their DataTime, so the first is looked for beforehand."""
        given = [item for group in groups for item in group if item[0].lower() in _DATA_TIMES]
        if not given:
            return None
        name, text = given[0]
        if name not in _DATA_TIMES.values():
            self._note("name_spelled", name)
        if len(given) > 1:
            self._note("data_time_repeated", given[1][1])
        self._note(stamp(text)[1], text)
        return self._time(text)

    def _time(self, text: str) -> int | None:
        moment, _ = stamp(text)
        return None if moment is None else moment - self._shift * _MICROSECONDS

    def _take(self, name: Name, text: str, time: int | None, group: _Group) -> None:
        if name.role == "value":
            group.places.setdefault(name.factor, []).append(len(self._reading.values))
            self._reading.values.append(self._value(name, text, time))
        elif name.role in _MARKS:
            if not name.factor and self._reading.values:
                last = self._reading.values[-1]
                name = name._replace(factor=last.factor, sent=last.sent_factor)
            group.marks.append((name, text))
        elif name.about == "PolId":
            self._factor = text
        else:
            factor = name.factor or self._factor
            self._reading.items.append(Item(time, factor, name.about, name.field, _log(text)))

    def _value(self, name: Name, text: str, time: int | None) -> Value:
        number, code = number_of(text, name.exponent)
        if code != "number_unreadable" or not name.is_text:
            self._note(code, name.sent)
        if len(text) > MOST_CHARACTERS:
            self._note("number_long", name.sent)
        unit = self._dialect.units.get(name.factor, name.unit)
        return Value(time, name.factor, name.sent, name.field, number, text, unit)

    def _mark(self, name: Name, text: str, group: _Group) -> bool:
        """Put a mark on the values of its factor; return whether the group has any."""
        places = group.places.get(name.factor)
        if places is None:
            return False
        if (name.role, name.factor) in group.marked:
            self._note("mark_repeated", name.sent)
            return True
        group.marked.add((name.role, name.factor))
        mark: str | int | None = text
        if name.role == "sample_time":
            mark, code = stamp(text)
            self._note(code, name.sent)
        elif name.role == "mark" and text not in tables.marks():
            self._note("mark_unknown", f"{name.sent} {text}")
        values = self._reading.values
        for place in places:
            if getattr(values[place], name.role) is None:
                values[place] = values[place]._replace(**{name.role: mark})  # type: ignore[arg-type]
        return True

    def _note_repeated(self) -> None:
        seen: set[tuple[object, ...]] = set()
        for value in self._reading.values:
            key = (value.data_time, value.factor, value.field)
            if key in seen:
                self._note("value_repeated", f"{value.sent_factor}-{value.field}")
            seen.add(key)
        if seen and self._reading.data_time is None:
            self._note("no_data_time")


def number_of(text: str, exponent: int = 0) -> tuple[float | None, str]:
    """Return the number that `text` writes, times ten to `exponent`, and the code of a finding."""
    if _NUMBER.fullmatch(text):
        code = ""
    elif text.lower() in _NO_NUMBER:
        return None, "number_missing"
    elif _UNUSUAL_NUMBER.fullmatch(text):
        code = "number_unusual"
    else:
        return None, "number_unreadable"
    # By way of decimals: 0.0123 mg/L is 12.3 ug/L, and not 12.299999999999999.
    number = float(Decimal(text).scaleb(exponent)) if exponent else float(text)
    return (number, code) if math.isfinite(number) else (None, "number_unreadable")


def refused_by(findings: Iterable[Finding], accepted: frozenset[str]) -> tuple[str, ...]:
    """Return the codes that a mode (`tables.strict()`, `tables.tolerant()`) does not take."""
    return tuple(dict.fromkeys(f.code for f in findings if f.code not in accepted))


def _log(text: str) -> str:
    """Return a log without the strokes around it."""
    is_log = text.startswith(_LOG) and text.endswith(_LOG) and len(text) >= 2 * len(_LOG)
    return text[len(_LOG) : -len(_LOG)] if is_log else text
