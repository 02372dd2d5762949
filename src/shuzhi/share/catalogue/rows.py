"""How entries become rows: the whole entry, its history, its numbers and its words.

Everything here writes in batches, so that a harvest of 100,000 data sets is some hundred
statements; the caller holds the revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.facets import SINGLE
from shuzhi.share.catalogue.guide import EntryFinding
from shuzhi.share.catalogue.model import Entry, Text
from shuzhi.share.catalogue.store import (
    column_table,
    entry_table,
    history_table,
    next_number,
    theme_table,
    value_table,
    write_findings,
)
from shuzhi.share.catalogue.text_index import write_words
from shuzhi.share.catalogue.tokens import index_words

_NO_SCORE = -1
_NO_LABEL = Text()


@dataclass(frozen=True)
class Change:
    """An entry about to be written: as what, by whom and when.

    `version` is 1 for a new one; `score` is the quality score known of it, 0 to 1.
    """

    no: int
    version: int
    entry: Entry
    document: str
    findings: tuple[EntryFinding, ...]
    by: str
    at: Instant
    score: float | None = None


class Values:
    """Facet values as small numbers; what is new gets the next one."""

    def __init__(self, connection: Connection) -> None:
        c = value_table.c
        rows = connection.execute(select(c.no, c.facet, c.value, c.label_zh, c.label_en)).all()
        self._known = {(r.facet, r.value): (r.no, Text(r.label_zh, r.label_en)) for r in rows}
        self._written = dict(self._known)
        self._next = next_number(connection, value_table)

    def number(self, facet: str, value: str | None, label: Text = _NO_LABEL) -> int:
        """Return the number of `value`; 0 for None or nothing."""
        if not value:
            return 0
        key = (facet, value[:500])
        no, _ = self._known.get(key, (self._next, None))
        self._next = max(self._next, no + 1)
        self._known[key] = (no, label)
        return no

    def write(self, connection: Connection) -> None:
        """Write what is new, and labels that changed."""
        changed = {k: v for k, v in self._known.items() if self._written.get(k) != v}
        old = [no for k, (no, _) in changed.items() if k in self._written]
        if old:
            connection.execute(delete(value_table).where(value_table.c.no.in_(old)))
        _insert(connection, value_table, [_value_row(k, *v) for k, v in changed.items()])
        self._written = dict(self._known)


def write_changes(connection: Connection, changes: Sequence[Change], *, revision: int) -> None:
    """Write `changes`: entries, history, numbers and words."""
    if not changes:
        return
    values = Values(connection)
    _insert(connection, entry_table, [_entry_row(c) for c in changes if c.version == 1])
    _update(connection, [_entry_row(c) for c in changes if c.version > 1])
    _insert(connection, history_table, [history_row(c, "published") for c in changes])
    words = [(c.no, _title_words(c.entry), _body_words(c.entry)) for c in changes]
    nos = [c.no for c in changes]
    connection.execute(delete(column_table).where(column_table.c.no.in_(nos)))
    connection.execute(delete(theme_table).where(theme_table.c.no.in_(nos)))
    columns = [_column_row(c, len(w[1]), values) for c, w in zip(changes, words, strict=True)]
    _insert(connection, column_table, [row | {"revision": revision} for row in columns])
    _insert(connection, theme_table, [row for c in changes for row in _theme_rows(c, values)])
    values.write(connection)
    write_words(connection, words)


def provider_key(entry: Entry) -> str:
    """Return what tells providers apart: the party's id, else the title it gives itself."""
    return str(entry.provider.id or entry.provider.title.best())[:500]


def title_key(entry: Entry) -> str:
    """Return what makes two names the same name, whatever their case and blanks."""
    return " ".join(entry.title.best().casefold().split())[:1000]


def score_number(score: float | None) -> int:
    """Return a quality score as the whole number that searches order by."""
    return _NO_SCORE if score is None else round(score * 10_000)


def history_row(change: Change, action: str) -> dict[str, Any]:
    """Return the row that remembers `change`."""
    return {
        "no": change.no,
        "version": change.version,
        "action": action,
        "document": change.document,
        "changed_at": change.at,
        "changed_by": change.by,
    }


def _entry_row(change: Change) -> dict[str, Any]:
    return {
        "no": change.no,
        "id": change.entry.id,
        "origin": change.entry.origin,
        "provider_key": provider_key(change.entry),
        "title_key": title_key(change.entry),
        "version": change.version,
        "is_withdrawn": False,
        "document": change.document,
        "findings": write_findings(change.findings),
        "changed_at": change.at,
        "changed_by": change.by,
    }


def _update(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    bound = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    names = [name for name in rows[0] if name != "no"]
    query = update(entry_table).where(entry_table.c.no == bindparam("new_no"))
    connection.execute(query.values({n: bindparam(f"new_{n}") for n in names}), bound)


def _column_row(change: Change, title_words: int, values: Values) -> dict[str, Any]:
    entry = change.entry
    facets = {
        "provider": (provider_key(entry), replace(entry.provider.title, other="")),
        "sharing": (entry.sharing, _NO_LABEL),
        "grade": (entry.grade, _NO_LABEL),
        "cycle": (entry.cycle, _NO_LABEL),
        "format": (entry.format, _NO_LABEL),
        "origin": (entry.origin, _NO_LABEL),
    }
    return {
        "no": change.no,
        "is_withdrawn": False,
        **{facet: values.number(facet, *facets[facet]) for facet in SINGLE},
        "title_words": min(title_words, 30_000),
        "modified": int(_modified_at(change).timestamp()),
        "score": score_number(change.score),
    }


def _modified_at(change: Change) -> datetime:
    entry = change.entry
    if entry.modified_at is None and entry.published_on is not None:
        return datetime.combine(entry.published_on, time.min, UTC)
    return entry.modified_at or change.at


def _theme_rows(change: Change, values: Values) -> list[dict[str, int]]:
    numbers = dict.fromkeys(values.number("theme", t.strip()) for t in change.entry.themes)
    return [{"no": change.no, "theme": number} for number in numbers if number]


def _title_words(entry: Entry) -> list[str]:
    return _words((*_in_all_languages(entry.title), entry.id))


def _body_words(entry: Entry) -> list[str]:
    texts = (entry.abstract, entry.provider.title, *entry.keywords, *(i.title for i in entry.items))
    plain = (*entry.themes, *(i.name for i in entry.items), entry.code or "")
    return _words((*(w for t in texts for w in _in_all_languages(t)), *plain))


def _words(texts: Iterable[str]) -> list[str]:
    return index_words("\n".join(texts))


def _in_all_languages(text: Text) -> tuple[str, ...]:
    return (text.zh, text.en, text.other)


def _value_row(key: tuple[str, str], no: int, label: Text) -> dict[str, Any]:
    facet, value = key
    return {
        "no": no,
        "facet": facet,
        "value": value,
        "label_zh": label.zh[:500],
        "label_en": label.en[:500],
    }


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
