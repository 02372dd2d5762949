"""The expressions of `$filter` (OData 4.01 as cited by SensorThings 1.1, clause 9.3.3.5), parsed.

A parsed expression knows no entity and no SQL; depth and length are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from shuzhi.share.sensorthings.errors import QueryError, bad_query

MOST_CHARACTERS = 4_000
_MOST_DEPTH = 40

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<duration>duration'(?:[^']{1,40})')
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<text>'(?:[^']|'')*')
  | (?P<name>@?[A-Za-z_][A-Za-z0-9_.]*(?:/@?[A-Za-z_][A-Za-z0-9_.]*)*)
  | (?P<sign>[(),:])
    )""",
    re.VERBOSE,
)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII)
# The looser an operator binds, the smaller its number.
BINDING: Mapping[str, int] = MappingProxyType(
    {
        "or": 1,
        "and": 2,
        "eq": 4,
        "ne": 4,
        "gt": 5,
        "ge": 5,
        "lt": 5,
        "le": 5,
        "add": 6,
        "sub": 6,
        "mul": 7,
        "div": 7,
        "mod": 7,
    }
)
_NOT = 3


@dataclass(frozen=True)
class Literal:
    """A constant; None is `null`."""

    value: str | float | int | bool | datetime | timedelta | None


@dataclass(frozen=True)
class PathTo:
    """A property, perhaps of another entity: `Datastream/Thing/name`."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function over arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Both:
    """An operator between two expressions."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Not:
    """What is not so."""

    inner: Expression


Expression = Literal | PathTo | Call | Both | Not
_WORDS: Mapping[str, Literal] = MappingProxyType(
    {"true": Literal(value=True), "false": Literal(value=False), "null": Literal(None)}
)


def parse_expression(text: str) -> Expression:
    """Return the expression that `text` says.

    Raises:
        QueryError: `share.bad_sensorthings_query`, with the place where it ends to make sense.
    """
    if len(text) > MOST_CHARACTERS:
        raise bad_query(f"An expression has at most {MOST_CHARACTERS:,} characters.")
    parser = _Parser(text)
    found = parser.expression(0, 0)
    parser.end()
    return found


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = list(_split(text))
        self.place = 0

    def peek(self) -> tuple[str, str]:
        return self.words[self.place] if self.place < len(self.words) else ("end", "")

    def take(self) -> tuple[str, str]:
        word = self.peek()
        self.place += 1
        return word

    def expression(self, least: int, depth: int) -> Expression:
        if depth > _MOST_DEPTH:
            raise bad_query(f"The expression nests more than {_MOST_DEPTH} levels deep.")
        left = self.first(depth)
        while self.peek()[0] == "name" and BINDING.get(self.peek()[1], 0) > least:
            operator = self.take()[1]
            left = Both(operator, left, self.expression(BINDING[operator], depth + 1))
        return left

    def first(self, depth: int) -> Expression:
        kind, word = self.take()
        if kind == "sign" and word == "(":
            inner = self.expression(0, depth + 1)
            self.sign(")")
            return inner
        if kind == "name" and word == "not":
            return Not(self.expression(_NOT, depth + 1))
        if kind == "name" and self.peek() == ("sign", "("):
            return Call(word.lower(), self.arguments(depth))
        if kind == "name":
            return _WORDS.get(word, PathTo(tuple(word.split("/"))))
        if kind in ("end", "sign"):
            raise self.wrong(word)
        return _literal(kind, word)

    def arguments(self, depth: int) -> tuple[Expression, ...]:
        self.sign("(")
        found: list[Expression] = []
        while self.peek() != ("sign", ")"):
            found.append(self.expression(0, depth + 1))
            if self.peek() != ("sign", ")"):
                self.sign(",")
        self.sign(")")
        return tuple(found)

    def sign(self, sign: str) -> None:
        kind, word = self.take()
        if (kind, word) != ("sign", sign):
            raise self.wrong(word)

    def end(self) -> None:
        if self.peek()[0] != "end":
            raise self.wrong(self.peek()[1])

    def wrong(self, word: str) -> QueryError:
        where = f"at {word[:20]!r}" if word else "at its end"
        return bad_query(f"The expression {self.text[:80]!r} makes no sense {where}.")


def _split(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise bad_query(f"The expression cannot be read from {text[place : place + 20]!r} on.")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _literal(kind: str, word: str) -> Literal:
    if kind == "time":
        return Literal(parse_time(word))
    if kind == "duration":
        return Literal(_duration(word[len("duration'") : -1]))
    if kind == "text":
        return Literal(word[1:-1].replace("''", "'"))
    return Literal(float(word) if set(word) & set(".eE") else int(word))


def parse_time(word: str) -> datetime:
    """Return the instant that an ISO 8601 text names. Raises `share.bad_sensorthings_query`."""
    try:
        return datetime.fromisoformat(word).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_query(f"{word[:40]!r} is no instant.") from None


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise bad_query(f"{text[:40]!r} is no duration; write it as PT1H30M or P2D.")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise bad_query(f"The duration {text[:40]!r} is too long.") from None
