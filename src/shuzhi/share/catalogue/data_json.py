"""Catalogues in the `data.json` form of DCAT-US 1.1 and 3.0: plain JSON, read as it is.

The documents in the wild break their own schema in every way, so nothing is assumed of them but
that they are JSON; what a field lacks is noted as a flaw.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shuzhi.share.catalogue.imported import Flaw, Imported, Record, Refused, gather_up
from shuzhi.share.catalogue.model import (
    Contact,
    Cycle,
    Distribution,
    Entry,
    Openness,
    Period,
    Place,
    Provider,
    Sharing,
    Text,
    entry_id,
)

_RESERVED = {"data", "dataset", "title", "test", "none", "null", "untitled"}
_ACCESS = {
    "public": (Sharing.UNCONDITIONAL, Openness.UNCONDITIONAL),
    "restricted public": (Sharing.CONDITIONAL, Openness.CONDITIONAL),
    "non-public": (None, Openness.CLOSED),
}
_CYCLES = {
    "r/pt1s": Cycle.REAL_TIME,
    "r/pt1h": Cycle.HOURLY,
    "r/p1d": Cycle.DAILY,
    "r/p1w": Cycle.WEEKLY,
    "r/p7d": Cycle.WEEKLY,
    "r/p0.33m": Cycle.TEN_DAYS,
    "r/p1m": Cycle.MONTHLY,
    "r/p3m": Cycle.QUARTERLY,
    "r/p6m": Cycle.HALF_YEARLY,
    "r/p1y": Cycle.YEARLY,
    "irregular": Cycle.IRREGULAR,
}


def read_data_json(document: dict[str, Any], *, origin: str) -> Imported:
    """Read a `data.json` catalogue (DCAT-US 1.1 and 3.0), nested catalogues and series included.

    Never raises on the content: what cannot become an entry is in `Imported.refused`.
    """
    flaws: list[Flaw] = []
    outcomes = (_outcome(record, origin) for record in _records(document, "catalogue", flaws, 0))
    return gather_up((_collect(outcome, flaws) for outcome in outcomes), flaws)


def _collect(outcome: tuple[Entry | Refused, list[Flaw]], flaws: list[Flaw]) -> Entry | Refused:
    flaws.extend(outcome[1])
    return outcome[0]


def _records(
    content: dict[str, Any], place: str, flaws: list[Flaw], depth: int
) -> Iterator[Record]:
    top = Record(place, content)
    yield from top.children("dataset")
    for series in top.children("datasetSeries"):
        yield from series.children("seriesMember")
    for service in top.children("service"):
        yield from service.children("servesDataset")
    for nested in top.children("catalog"):
        if depth < 8:
            yield from _records(nested.content, nested.place, flaws, depth + 1)
        else:
            top.note("catalog", "is nested more than eight deep; the rest was not read")
    flaws.extend(top.flaws)


def _outcome(record: Record, origin: str) -> tuple[Entry | Refused, list[Flaw]]:
    identifier, title = _identifier(record), record.text("title")
    if not identifier:
        record.note("identifier", "is missing; without one the next harvest could not tell it")
    if not title:
        record.note("title", "is missing")
    if not (identifier and title):
        text = json.dumps(record.content, ensure_ascii=False)[:20_000]
        return Refused(record.place, tuple(record.flaws), text), record.flaws
    if title.casefold() in _RESERVED:
        record.note("title", f"{title!r} says nothing about the data set")
    return _entry(record, origin, identifier, title), record.flaws


def _identifier(record: Record) -> str:
    given = record.content.get("identifier") or record.content.get("@id")
    if isinstance(given, dict):
        return str(given.get("@id") or given.get("notation") or "").strip()
    return str(given).strip() if isinstance(given, (str, int)) else ""


def _entry(record: Record, origin: str, identifier: str, title: str) -> Entry:
    sharing, openness = _access(record)
    if not record.text("description"):
        record.note("description", "is missing")
    return Entry(
        id=entry_id(origin, identifier),
        origin=origin,
        identifier=identifier,
        title=Text(other=title),
        abstract=Text(other=record.text("description")),
        provider=Provider(title=Text(other=_publisher(record))),
        keywords=tuple(Text(other=word) for word in record.texts("keyword")),
        themes=_themes(record),
        sharing=sharing,
        openness=openness,
        cycle=_CYCLES.get(record.text("accrualPeriodicity").casefold()),
        published_on=record.day("issued"),
        modified_at=_modified(record),
        license=record.text("license") or None,
        landing_page=_landing_page(record),
        distributions=tuple(_distribution(d) for d in record.children("distribution")),
        spatial=_spatial(record),
        temporal=_temporal(record),
        contact=_contact(record),
    )


def _access(record: Record) -> tuple[Sharing | None, Openness | None]:
    level = record.text("accessLevel").casefold()
    if level and level not in _ACCESS:
        record.note("accessLevel", f"{level[:40]!r} is not public, restricted public or non-public")
    return _ACCESS.get(level, (None, None))


def _themes(record: Record) -> tuple[str, ...]:
    value = record.content.get("theme")
    items = value if isinstance(value, list) else [value]
    labels = [i.get("prefLabel") or i.get("@id") if isinstance(i, dict) else i for i in items]
    return Record(record.place, {"theme": [x for x in labels if x]}, record.flaws).texts("theme")


def _modified(record: Record) -> Any:
    # DCAT-US lets `modified` say a repeating interval instead of a date.
    return None if record.text("modified").startswith("R/") else record.moment("modified")


def _publisher(record: Record) -> str:
    name = record.child("publisher").text("name")
    if not name:
        record.note("publisher", "has no name")
    return name


def _landing_page(record: Record) -> str | None:
    value = record.content.get("landingPage")
    if isinstance(value, dict):
        return record.child("landingPage").text("@id") or None
    return record.text("landingPage") or None


def _distribution(given: Record) -> Distribution:
    return Distribution(
        title=Text(other=given.text("title")),
        description=Text(other=given.text("description")),
        access_url=_url(given, "accessURL"),
        download_url=_url(given, "downloadURL"),
        media_type=given.text("mediaType") or None,
        format=given.text("format") or None,
    )


def _url(given: Record, name: str) -> str | None:
    urls = given.texts(name)
    return urls[0] if urls else None


def _spatial(record: Record) -> tuple[Place, ...]:
    value = record.content.get("spatial")
    if isinstance(value, str) and value.strip():
        return (_place(value.strip()),)
    if isinstance(value, (dict, list)):
        return (Place(geometry=json.dumps(value, ensure_ascii=False)),)
    return ()


def _place(written: str) -> Place:
    try:
        west, south, east, north = (float(x) for x in written.split(","))
    except ValueError:
        is_geometry = written.startswith(("{", "POLYGON", "POINT", "MULTI"))
        return Place(geometry=written) if is_geometry else Place(title=Text(other=written[:400]))
    return Place(box=(west, south, east, north))


def _temporal(record: Record) -> tuple[Period, ...]:
    value = record.content.get("temporal")
    if isinstance(value, str) and "/" in value:
        start, _, end = value.partition("/")
        ends = Record(record.place, {"temporal": start, "temporal_end": end}, record.flaws)
        return (Period(ends.day("temporal"), ends.day("temporal_end")),)
    if isinstance(value, str):
        record.note("temporal", f"{value[:40]!r} is no start/end")
        return ()
    periods = record.children("temporal")
    return tuple(Period(p.day("startDate"), p.day("endDate")) for p in periods)


def _contact(record: Record) -> Contact | None:
    given = record.child("contactPoint")
    if not given.content:
        record.note("contactPoint", "is missing")
        return None
    email = given.text("hasEmail").removeprefix("mailto:")
    return Contact(name=given.text("fn"), email=email or None)
