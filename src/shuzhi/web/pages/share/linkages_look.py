"""What one's own agreements show of the two records of a pair, part by part, beside each other.

It is read from the files of the subjects (`City.subject_file`), so nothing more is shown here than
there, and each look has the same receipts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from shuzhi.app import City
from shuzhi.share.linkage import (
    Asker,
    Linkage,
    LinkageError,
    Record,
    Sheet,
    SubjectFile,
    subject_of,
)
from shuzhi.web.pages.frame.sending import Typed
from shuzhi.web.pages.share.subjects import asker_of


@dataclass(frozen=True)
class Seen:
    """What is shown of a record: its values by part, and which of those are masked.

    With no `file` nothing is, and whether there is such a record is not told.
    """

    record: Record
    file: SubjectFile | None
    values: Mapping[str, tuple[Any, ...]]
    masked: frozenset[str] = frozenset()


def look(
    request: Request, city: City, linkage: str, ends: tuple[Record, Record], typed: Typed
) -> tuple[Seen, ...]:
    """Return what the visitor may see of both records, for the purpose that was typed.

    Raises:
        WebError: `web.not_allowed`.
        RefusedError: as `City.subject_file`, but for a record that may not be seen.
    """
    asker, declared = asker_of(request, typed), city.linkage_office.linkage(linkage)
    files: dict[str, SubjectFile] = {}
    return tuple(_seen(declared, each, _file(city, declared, each, asker, files)) for each in ends)


def _file(
    city: City, declared: Linkage, record: Record, asker: Asker, files: dict[str, SubjectFile]
) -> SubjectFile | None:
    # Of one subject there is one file: to read it twice would leave two receipts.
    subject = subject_of(city.linkage_office, declared.id, record) or ""
    if subject in files:
        return files[subject]
    try:
        found = city.subject_file(declared.id, record, asker=asker)
    except LinkageError as error:
        if error.code != "share.linkage_subject_unknown":
            raise
        return None
    if subject:
        files[subject] = found
    return found


def _seen(declared: Linkage, record: Record, file: SubjectFile | None) -> Seen:
    member = declared.member(record.dataset)
    sheets = () if file is None else file.sheets
    sheet = next((each for each in sheets if each.dataset == record.dataset), None)
    if member is None or sheet is None:
        return Seen(record, file, {})
    rows = _rows(sheet, member.key, record.key)
    values = {
        part: tuple(dict.fromkeys(row[sheet.columns.index(column)] for row in rows))
        for part, column in member.parts.items()
        if column in sheet.columns
    }
    masked = frozenset(part for part, column in member.parts.items() if column in sheet.masked)
    return Seen(record, file, values, masked)


def _rows(sheet: Sheet, key: str, value: str) -> list[tuple[Any, ...]]:
    """Return the record's own row, where its key may be seen, else those of its subject."""
    if key not in sheet.columns or key in sheet.masked:
        return list(sheet.rows)
    place = sheet.columns.index(key)
    return [row for row in sheet.rows if str(row[place]) == value]
