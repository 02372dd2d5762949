"""Packages of a CKAN catalogue (action API 3, `package_search`) as entries.

CKAN keeps what its schema lacks in `extras`; only what the common harvesters write there is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from shuzhi.share.catalogue.imported import Flaw, Imported, Record, Refused, gather_up
from shuzhi.share.catalogue.model import (
    Contact,
    Distribution,
    Entry,
    Openness,
    Place,
    Provider,
    Text,
    entry_id,
)


def read_packages(packages: Iterable[Any], *, origin: str) -> Imported:
    """Read CKAN packages. Never raises on the content; see `Imported`."""
    flaws: list[Flaw] = []
    records = Record("packages", {"packages": list(packages)}, flaws).children("packages")
    return gather_up([_outcome(record, origin) for record in records], flaws)


def _outcome(record: Record, origin: str) -> Entry | Refused:
    identifier = record.text("id") or record.text("name")
    title = record.text("title") or record.text("name")
    for name, value in (("id", identifier), ("title", title)):
        if not value:
            record.note(name, "is missing")
    if not (identifier and title):
        own = tuple(f for f in record.flaws if f.place == record.place)
        return Refused(record.place, own, json.dumps(record.content, ensure_ascii=False)[:20_000])
    return _entry(record, origin, identifier, title)


def _entry(record: Record, origin: str, identifier: str, title: str) -> Entry:
    extras = _extras(record)
    body = record.child("organization").text("title") or extras.text("publisher_name")
    email = record.text("maintainer_email") or record.text("author_email")
    return Entry(
        id=entry_id(origin, identifier),
        origin=origin,
        identifier=identifier,
        title=Text(other=title),
        abstract=Text(other=record.text("notes")),
        provider=Provider(title=Text(other=body)),
        keywords=tuple(Text(other=t) for t in _labels(record, "tags")),
        themes=_labels(record, "groups"),
        openness=Openness.CLOSED if record.content.get("private") else Openness.UNCONDITIONAL,
        published_on=record.day("metadata_created"),
        modified_at=record.moment("metadata_modified"),
        license=record.text("license_url") or record.text("license_id") or None,
        landing_page=record.text("url") or None,
        distributions=tuple(_distribution(r) for r in record.children("resources")),
        spatial=_spatial(extras),
        contact=Contact(name=body, email=email) if email else None,
    )


def _extras(record: Record) -> Record:
    pairs = ((e.text("key"), e.content.get("value")) for e in record.children("extras"))
    return Record(f"{record.place}.extras", {k: v for k, v in pairs if k}, record.flaws)


def _labels(record: Record, name: str) -> tuple[str, ...]:
    found = (
        child.text("display_name") or child.text("title") or child.text("name")
        for child in record.children(name)
    )
    return tuple(dict.fromkeys(label for label in found if label))


def _distribution(given: Record) -> Distribution:
    size = given.content.get("size")
    return Distribution(
        title=Text(other=given.text("name")),
        description=Text(other=given.text("description")),
        access_url=given.text("url") or None,
        media_type=given.text("mimetype") or None,
        format=given.text("format") or None,
        byte_size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        modified_at=given.moment("last_modified"),
    )


def _spatial(extras: Record) -> tuple[Place, ...]:
    written = extras.content.get("spatial")
    if not written:
        return ()
    return (Place(geometry=written if isinstance(written, str) else json.dumps(written)),)
