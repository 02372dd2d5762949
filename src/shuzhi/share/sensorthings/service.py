"""The read service of OGC SensorThings 1.1: from a path and a query string to JSON.

It knows no HTTP but the status of its refusals; whoever serves it hands in path and query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from shuzhi.share.sensorthings.asking import Engine, Found, Page, Row, Step
from shuzhi.share.sensorthings.entities import SETS, EntitySet, Form, Property
from shuzhi.share.sensorthings.errors import bad_query, not_found
from shuzhi.share.sensorthings.options import Options, parse_options, skip_token

CONFORMANCE = (
    "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data",
)
_SEGMENT = re.compile(r"(?P<name>@?[A-Za-z][A-Za-z0-9.]*)(?:\((?P<key>.*)\))?")
_MOST_SEGMENTS = 12
_VALUE, _REF = "$value", "$ref"


@dataclass(frozen=True)
class Answer:
    """What a request is answered with: a JSON document, or the plain text of a `$value`."""

    document: Any = None
    text: str | None = None


@dataclass(frozen=True)
class Service:
    """The service over an engine; `root` is its URL, without a slash at the end."""

    engine: Engine
    root: str

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the answer to a GET of `path` below the root.

        Raises:
            QueryError: with the status 400, 404 or 501.
        """
        segments = [s for s in path.strip("/").split("/") if s]
        if not segments:
            return Answer(self._root())
        if len(segments) > _MOST_SEGMENTS:
            raise bad_query(f"A path has at most {_MOST_SEGMENTS} segments.")
        steps, rest = _steps(segments)
        is_one = steps[-1].key is not None or not _is_many(steps[-1])
        if rest == [_REF] and not is_one:
            return Answer(self._refs(steps, query))
        options = parse_options(dict(query), steps[-1].entity)
        if not is_one and not rest:
            return Answer(self._collection(steps, options, path, query))
        found = self._one(steps, replace(options, after=None, skip=0), path)
        return self._entity(found, rest, options)

    def _root(self) -> dict[str, Any]:
        sets = [{"name": name, "url": f"{self.root}/{name}"} for name in SETS]
        return {"value": sets, "serverSettings": {"conformance": list(CONFORMANCE)}}

    def _collection(
        self, steps: list[Step], options: Options, path: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        page = self.engine.page(steps, options)
        return self._listed(page, options, f"{self.root}/{path.strip('/')}", query)

    def _listed(
        self, page: Page, options: Options, url: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if page.count is not None:
            document["@iot.count"] = page.count
        if page.has_more and page.entities:
            more = {k: v for k, v in query.items() if k not in ("$skip", "$skiptoken")}
            more["$skiptoken"] = skip_token(page.entities[-1].keys)
            document["@iot.nextLink"] = f"{url}?{urlencode(more, quote_via=quote, safe='$')}"
        document["value"] = [self._shown(one, options) for one in page.entities]
        return document

    def _refs(self, steps: list[Step], query: Mapping[str, str]) -> dict[str, Any]:
        page = self.engine.page(steps, parse_options(dict(query), steps[-1].entity))
        return {"value": [{"@iot.selfLink": self._url(one)} for one in page.entities]}

    def _one(self, steps: list[Step], options: Options, path: str) -> Found:
        page = self.engine.page(steps, options)
        if not page.entities:
            raise not_found(f"There is nothing at {path[:80]}.")
        return page.entities[0]

    def _entity(self, found: Found, rest: list[str], options: Options) -> Answer:
        if not rest:
            return Answer(self._shown(found, options))
        held = _property(found.entity, rest[0])
        shown: Any = _value(held, found.row)
        for name in rest[1:] if rest[-1] != _VALUE else rest[1:-1]:
            if not isinstance(shown, dict) or name not in shown:
                raise not_found(f"{held.name} has nothing called {name[:40]!r}.")
            shown = shown[name]
        if rest[-1] == _VALUE:
            is_plain = isinstance(shown, (str, int, float))
            return Answer(text=str(shown) if is_plain else json.dumps(shown, ensure_ascii=False))
        return Answer({rest[-1]: shown})

    def _shown(self, found: Found, options: Options) -> dict[str, Any]:
        """Return the JSON of an entity: what was selected, its links, what is expanded."""
        wanted = {name.partition("/")[0] for name in options.select}
        everything = not wanted
        document: dict[str, Any] = {}
        if everything or wanted & {"id", "@iot.id"}:
            document["@iot.id"] = found.row["id"]
        if everything:
            document["@iot.selfLink"] = self._url(found)
        for each in found.entity.properties:
            shown = _value(each, found.row)
            if (everything and shown is not None) or each.name in wanted:
                document[each.name] = shown
        for link in found.entity.links:
            if everything or link.name in wanted:
                document[f"{link.name}@iot.navigationLink"] = f"{self._url(found)}/{link.name}"
        for expand in options.expand:
            document |= self._expanded(found, expand.link, expand.options)
        return document

    def _expanded(self, found: Found, name: str, options: Options) -> dict[str, Any]:
        link = found.entity.link(name)
        page = (found.inside or {}).get(name, Page([]))
        if link is not None and not link.is_many:
            shown = [self._shown(one, options) for one in page.entities[:1]]
            return {name: shown[0] if shown else None}
        listed = self._listed(page, options, f"{self._url(found)}/{name}", _asked(options))
        renamed = {f"{name}{k}": v for k, v in listed.items() if k != "value"}
        return {**renamed, name: listed["value"]}

    def _url(self, found: Found) -> str:
        key = str(found.row["id"]).replace("'", "''")
        return f"{self.root}/{found.entity.name}('{quote(key, safe='')}')"


def _asked(options: Options) -> dict[str, str]:
    """Return what of an expansion can be said again in a link to its next page."""
    asked = {} if options.top is None else {"$top": str(options.top)}
    if options.orders:
        orders = (f"{o.text} {'desc' if o.is_descending else 'asc'}" for o in options.orders)
        asked["$orderby"] = ",".join(orders)
    return asked


def _is_many(step: Step) -> bool:
    return step.link is None or step.link.is_many


def _steps(segments: list[str]) -> tuple[list[Step], list[str]]:
    """Return the way that a path names, and the segments about a property that are left."""
    steps: list[Step] = []
    for place, segment in enumerate(segments):
        found = _SEGMENT.fullmatch(segment)
        name = found["name"] if found else segment
        step = _next(steps, name, None if found is None else found["key"])
        if step is None:
            return steps, _rest(steps, segments[place:])
        steps.append(step)
    return steps, []


def _next(steps: list[Step], name: str, key: str | None) -> Step | None:
    if not steps:
        entity = SETS.get(name)
        if entity is None:
            raise not_found(f"There is no entity set {name[:40]!r}.")
        return Step(entity, _key(key))
    before = steps[-1]
    link = before.entity.link(name)
    if link is None:
        return None
    if before.key is None and _is_many(before):
        raise bad_query(f"{before.entity.name} needs a key before {name}.")
    if key is not None and not link.is_many:
        raise bad_query(f"{name} is one entity and takes no key.")
    return Step(SETS[link.target], _key(key), link)


def _key(text: str | None) -> str | None:
    if text is None:
        return None
    plain = unquote(text)
    if len(plain) > 1 and plain[0] == plain[-1] == "'":
        return plain[1:-1].replace("''", "'")
    if not plain or "'" in plain:
        raise bad_query(f"{text[:40]!r} is no key; write it in single quotes.")
    return plain


def _rest(steps: list[Step], rest: list[str]) -> list[str]:
    last = steps[-1]
    is_one = last.key is not None or not _is_many(last)
    if rest == [_REF]:
        return rest
    if not is_one:
        raise not_found(f"{last.entity.name} have nothing called {rest[0][:40]!r}.")
    _property(last.entity, rest[0])
    return rest


def _property(entity: EntitySet, name: str) -> Property:
    found = entity.property(name)
    if name in ("id", "@iot.id"):
        return Property("@iot.id", Form.TEXT, ("id",))
    if found is None:
        raise not_found(f"{entity.name} have no property {name[:40]!r}.")
    return found


def _value(held: Property, row: Row) -> Any:
    """Return the JSON of a property."""
    values = [row[column] for column in held.columns]
    match held.form:
        case Form.FIXED:
            return held.value
        case Form.TIME:
            return _time(values[0])
        case Form.INTERVAL:
            return _interval(*values)
        case Form.RESULT:
            return values[1] if values[0] is None else values[0]
        case Form.JSON:
            return None if values[0] is None else json.loads(values[0])
        case Form.POINT:
            is_known = None not in values
            return {"type": "Point", "coordinates": values} if is_known else None
        case Form.UNIT:
            return dict(zip(("name", "symbol", "definition"), values, strict=True))
    return values[0]


def _interval(start: datetime | None, end: datetime | None) -> str | None:
    if start is None or end is None or start == end:
        return _time(start)
    return f"{_time(start)}/{_time(end)}"


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")
