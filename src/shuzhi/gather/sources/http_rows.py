"""From the body of a page to rows of text: JSON (RFC 8259) read without losing a digit.

Numbers keep the digits that the server wrote; objects and lists inside a record become JSON text.
The contract decides later what each text means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

import pyarrow as pa

from shuzhi.gather.sources import http_errors as errors
from shuzhi.gather.sources.dotted_path import find

_quoted = json.JSONEncoder(ensure_ascii=False).encode
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)
_CHARSETS = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig", "us-ascii": "utf-8-sig"} | dict.fromkeys(
    ("gb2312", "gbk", "gb18030"), "gb18030"
)


class Number(float):
    """A JSON number that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> Number:
        """Read the digits; `text` keeps them."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(frozen=True)
class NoRow:
    """A record that is no row: its place in the page (from 0), its JSON text, and why."""

    place: int
    text: str
    reason_code: str


def parse_page(body: bytes, content_type: str, *, page: str) -> Any:
    """Return the JSON value of a page's body; `page` names it in errors.

    Numbers with a fraction or exponent come as `Number`.

    Raises:
        RefusedError: `gather.html_not_table`, `gather.http_not_json`.
    """
    if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
        raise errors.html(page)
    try:
        return json.loads(
            body.decode(_encoding(content_type, page)),
            parse_float=Number,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise errors.not_json(page, f"byte {error.start + 1} is no {error.encoding}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise errors.not_json(page, f"{error.msg} at {where}") from None
    except RecursionError:
        raise errors.not_json(page, "it is nested too deeply") from None
    except ValueError as error:
        raise errors.not_json(page, str(error)) from None


def records(content: Any, path: str, *, page: str) -> list[Any]:
    """Return the list of records at `path`, or refuse (`gather.http_no_records`)."""
    try:
        found = find(content, path)
    except LookupError:
        raise errors.no_records(page, path) from None
    if not isinstance(found, list):
        raise errors.no_records(page, path)
    return found


def batch(found: Sequence[Any]) -> tuple[pa.RecordBatch, list[NoRow]]:
    """Return the records as a batch of text columns, and apart from it those that are no rows.

    Columns stand in the order in which records first name them; a record without a column has
    NULL there.
    """
    try:
        return _table([record for record in found if _is_row(record)]), [
            NoRow(place, _storable(record), "no_object")
            for place, record in enumerate(found)
            if not _is_row(record)
        ]
    except UnicodeEncodeError:
        halved = {place for place, record in enumerate(found) if _is_halved(record)}
        rows, no_rows = batch([{} if i in halved else record for i, record in enumerate(found)])
        return rows, [
            NoRow(one.place, _storable(found[one.place]), "half_character")
            if one.place in halved
            else one
            for one in no_rows
        ]


def cell_text(value: Any) -> str | None:
    """Return a member's value as the text of a cell: strings bare, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json_text(value)


def json_text(value: Any) -> str:
    """Write parsed JSON again, its numbers as they were."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        members = (f"{_quoted(name)}: {json_text(inner)}" for name, inner in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return _quoted(value)


def greatest(values: Iterable[Any], reached: str | None, *, page: str) -> str | None:
    """Return the greatest of the values and of what was reached before, as text; null is passed by.

    Numbers compare as numbers, texts as texts, so times must be ISO 8601 in one zone.

    Raises:
        RefusedError: `gather.cursor_unusable` for values that do not compare.
    """
    for value in values:
        text = cell_text(value)
        if text is None:
            continue
        if isinstance(value, bool | dict | list):
            raise errors.mixed_cursor(page)
        try:
            key = str if isinstance(value, str) else Decimal
            reached = text if reached is None else max(reached, text, key=key)
        except ArithmeticError:
            raise errors.mixed_cursor(page) from None
    return reached


def _table(rows: Sequence[dict[str, Any]]) -> pa.RecordBatch:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [pa.array([cell_text(row.get(n)) for row in rows], pa.string()) for n in names]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([(n, pa.string()) for n in names]))


def _is_row(record: Any) -> bool:
    return isinstance(record, dict) and len(record) > 0


def _is_halved(record: Any) -> bool:
    """Tell whether a text in it holds half of a surrogate pair, which no encoding can store."""
    try:
        json_text(record).encode()
    except UnicodeEncodeError:
        return True
    return False


def _storable(record: Any) -> str:
    return json_text(record).encode("utf-8", "backslashreplace").decode()


def _encoding(content_type: str, page: str) -> str:
    stated = _CHARSET.search(content_type)
    name = stated[1].lower() if stated else "utf-8"
    if name not in _CHARSETS:
        raise errors.not_json(page, f"its charset {name[:20]!r} is not one of ours")
    return _CHARSETS[name]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it writes {name}, which JSON does not know")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(members)
    # RFC 8259 §4 leaves open which of two counts; to keep either would lose the other unseen.
    if len(content) < len(members):
        raise ValueError("an object in it repeats a name")
    return content
