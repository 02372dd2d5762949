"""The query options of a SensorThings URL (1.1, clause 9.3.3), parsed and bounded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from shuzhi.share.sensorthings.entities import SETS, EntitySet
from shuzhi.share.sensorthings.errors import bad_query
from shuzhi.share.sensorthings.expressions import Expression, parse_expression

MOST_TOP, USUAL_TOP = 1_000, 100
_MOST_EXPANDED, _MOST_DEPTH, _MOST_SKIP = 20, 5, 100_000
_WHOLE = re.compile(r"[0-9]{1,9}")
_KNOWN = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$skiptoken"}


@dataclass(frozen=True)
class Order:
    """One key of `$orderby`."""

    by: Expression
    is_descending: bool
    text: str


@dataclass(frozen=True)
class Expand:
    """A navigation property whose entities stand inside, with options of their own."""

    link: str
    options: Options


@dataclass(frozen=True)
class Options:
    """What is asked of one entity set; `after` are the keys of the page before."""

    where: Expression | None = None
    select: tuple[str, ...] = ()
    expand: tuple[Expand, ...] = ()
    orders: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    has_count: bool = False
    after: tuple[Any, ...] | None = None

    @property
    def size(self) -> int:
        """How many entities a page has; those of an expansion are fewer than asked for, too."""
        return min(USUAL_TOP if self.top is None else self.top, MOST_TOP)


def parse_options(given: dict[str, str], entity: EntitySet, depth: int = 0) -> Options:
    """Return the options that a query string gives for an entity set.

    Raises:
        QueryError: `share.bad_sensorthings_query` for an unknown option, property or number.
    """
    if unknown := sorted(set(given) - _KNOWN):
        known = ", ".join(sorted(_KNOWN))
        raise bad_query(f"There is no query option {unknown[0][:40]!r}.", f"Options are {known}.")
    where = given.get("$filter")
    return Options(
        None if where is None else parse_expression(where),
        _select(given.get("$select", ""), entity),
        tuple(_expands(given.get("$expand", ""), entity, depth)),
        tuple(map(_order, _cut(given.get("$orderby", ""), ","))),
        _whole("$top", given["$top"], 1_000_000) if "$top" in given else None,
        _whole("$skip", given.get("$skip", "0"), _MOST_SKIP),
        _yes(given.get("$count", "false")),
        _after(given.get("$skiptoken")),
    )


def skip_token(keys: tuple[Any, ...]) -> str:
    """Return the text that stands for the keys of a page's last entity."""
    raw = json.dumps(keys, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _after(text: str | None) -> tuple[Any, ...] | None:
    if text is None:
        return None
    try:
        keys = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, UnicodeError, RecursionError):
        raise bad_query("$skiptoken is not one that this service gave.") from None
    is_good = isinstance(keys, list) and all(
        key is None or isinstance(key, (str, int, float)) for key in keys
    )
    if not is_good:
        raise bad_query("$skiptoken is not one that this service gave.")
    return tuple(keys)


def _select(text: str, entity: EntitySet) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text else ()
    for name in names:
        head = name.partition("/")[0]
        if name not in ("id", "@iot.id") and not (entity.property(head) or entity.link(head)):
            raise bad_query(f"{entity.name} have no property {name[:40]!r}.")
    return names


def _expands(text: str, entity: EntitySet, depth: int) -> Iterator[Expand]:
    if depth > _MOST_DEPTH:
        raise bad_query(f"$expand nests more than {_MOST_DEPTH} levels deep.")
    items = _cut(text, ",")
    if len(items) > _MOST_EXPANDED:
        raise bad_query(f"$expand names more than {_MOST_EXPANDED} links.")
    for item in items:
        yield _expand(item, entity, depth)


def _expand(item: str, entity: EntitySet, depth: int) -> Expand:
    path, bracket, inner = item.partition("(")
    head, slash, rest = path.strip().partition("/")
    link = entity.link(head)
    if link is None:
        raise bad_query(f"{entity.name} have no link {head[:40]!r} to expand.")
    if bracket and not inner.endswith(")"):
        raise bad_query(f"$expand has a bracket that does not close: {item[:60]!r}.")
    target = SETS[link.target]
    if slash:
        deeper = _expand(rest + bracket + inner, target, depth + 1)
        return Expand(head, Options(expand=(deeper,)))
    given = dict(_pair(part) for part in _cut(inner[:-1], ";")) if bracket else {}
    return Expand(head, replace(parse_options(given, target, depth + 1), after=None))


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals:
        raise bad_query(f"An option in $expand has no value: {part[:40]!r}.")
    return name.strip(), value.strip()


def _order(item: str) -> Order:
    text, _, direction = item.strip().rpartition(" ")
    if direction.lower() not in ("asc", "desc"):
        text, direction = item.strip(), "asc"
    return Order(parse_expression(text), direction.lower() == "desc", text)


def _cut(text: str, sign: str) -> list[str]:
    """Cut at signs that stand in no bracket and no quoted text."""
    parts, depth, is_quoted, start = [], 0, False, 0
    for place, character in enumerate(text):
        if character == "'":
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == sign and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def _whole(name: str, text: str, most: int) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > most:
        raise bad_query(f"{name} takes a whole number from 0 to {most:,}, not {text[:20]!r}.")
    return int(text)


def _yes(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise bad_query(f"$count takes true or false, not {text[:20]!r}.")
    return text.lower() == "true"
