"""What others ask of the catalogue: publish, look up, withdraw, note facts, list.

Searching is in `search.py`, entries from contracts in `contract.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.errors import CatalogueError
from shuzhi.share.catalogue.guide import EntryFinding, Severity, validate
from shuzhi.share.catalogue.model import Entry
from shuzhi.share.catalogue.rows import (
    Change,
    history_row,
    provider_key,
    score_number,
    title_key,
    write_changes,
)
from shuzhi.share.catalogue.store import (
    batches,
    column_table,
    entry_table,
    find_by_ids,
    find_document,
    find_same_titles,
    history_table,
    next_number,
    next_revision,
    read_entry,
    read_findings,
    write_document,
)
from shuzhi.share.catalogue.text_index import remove_words
from shuzhi.share.parties import tree

_AnyRow = Row[*tuple[Any, ...]]
_PAGE = 1_000


class Outcome(StrEnum):
    """What publishing did to an entry."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Published:
    """What became of one entry; `version` is 0 for a refused one."""

    id: str
    outcome: Outcome
    version: int
    findings: tuple[EntryFinding, ...] = ()


@dataclass(frozen=True)
class Record:
    """An entry as the catalogue holds it (DCAT CatalogRecord), with the facts noted of its data.

    `quality_score` is 0 to 1; `data_at` is the newest time in the data. None where not known.
    """

    entry: Entry
    version: int
    changed_at: Instant
    changed_by: str
    findings: tuple[EntryFinding, ...] = ()
    is_withdrawn: bool = False
    quality_score: float | None = None
    row_count: int | None = None
    data_at: Instant | None = None


@dataclass(frozen=True)
class Version:
    """One state an entry was in; `action` is "published" or "withdrawn"."""

    version: int
    action: str
    entry: Entry
    changed_at: Instant
    changed_by: str


def publish(control: Control, entry: Entry, *, by: str, now: Instant) -> Published:
    """Put `entry` into the catalogue as a new version; the same entry again changes nothing.

    `by` is who publishes: a party's id or a harvest source's name.

    Raises:
        CatalogueError: `share.entry_secret` for secrets, `share.entry_refused` with everything
            that keeps the entry out.
    """
    published = publish_all(control, [entry], by=by, now=now)[0]
    if published.outcome is Outcome.REFUSED:
        raise _refused(published)
    return published


def publish_all(
    control: Control, entries: Sequence[Entry], *, by: str, now: Instant
) -> tuple[Published, ...]:
    """Publish many entries and return what became of each, in their order.

    A refused entry does not hold up the others; of entries with the same id the first counts.
    Each 500 are one transaction, so that nobody waits long; after a break, publishing all again
    is right, because what is there already changes nothing.
    """
    run = _Run(control, by, now)
    return tuple(done for batch in batches(entries) for done in run.publish(batch))


def withdraw(control: Control, entry_id: str, *, by: str, now: Instant) -> None:
    """Take an entry out of the catalogue; its history stays. Twice is the same as once.

    Raises:
        CatalogueError: `share.entry_unknown`.
    """
    with control.transaction() as connection:
        revision = next_revision(connection)
        _withdraw(connection, [_row(connection, entry_id)], revision, by, now)


def withdraw_all(control: Control, ids: Sequence[str], *, by: str, now: Instant) -> None:
    """Take many entries out of the catalogue; those that are not there are passed over."""
    for batch in batches(ids):
        with control.transaction() as connection:
            revision = next_revision(connection)
            rows = find_by_ids(connection, batch)
            _withdraw(connection, list(rows.values()), revision, by, now)


def _withdraw(
    connection: Connection, rows: Sequence[_AnyRow], revision: int, by: str, now: Instant
) -> None:
    standing = [row for row in rows if not row.is_withdrawn]
    if not standing:
        return
    nos = [row.no for row in standing]
    told = [
        Change(r.no, r.version + 1, read_entry(r.document), r.document, (), by, now)
        for r in standing
    ]
    connection.execute(insert(history_table), [history_row(c, "withdrawn") for c in told])
    new = {"is_withdrawn": True, "changed_at": now, "changed_by": by}
    raised = {entry_table.c.version: entry_table.c.version + 1}
    connection.execute(
        update(entry_table).where(entry_table.c.no.in_(nos)).values(new).values(raised)
    )
    marked = {"is_withdrawn": True, "revision": revision}
    connection.execute(update(column_table).where(column_table.c.no.in_(nos)).values(marked))
    remove_words(connection, nos)


def note_facts(
    control: Control,
    entry_id: str,
    *,
    rows: int | None = None,
    score: float | None = None,
    data_at: Instant | None = None,
) -> None:
    """Note what is known of an entry's data; None leaves what was known.

    `rows` counts rows, `score` is the quality score from 0 to 1, `data_at` the newest time in the
    data. These are facts, not words of the provider: they make no new version.

    Raises:
        CatalogueError: `share.entry_unknown`.
    """
    noted = {"row_count": rows, "quality_score": score, "data_at": data_at}
    known = {name: value for name, value in noted.items() if value is not None}
    with control.transaction() as connection:
        revision = next_revision(connection)
        no = _row(connection, entry_id).no
        if known:
            connection.execute(update(entry_table).where(entry_table.c.no == no).values(known))
        if score is not None:
            new = {"score": score_number(score), "revision": revision}
            connection.execute(update(column_table).where(column_table.c.no == no).values(new))


def entry(control: Control, entry_id: str) -> Record:
    """Return what the catalogue holds under `entry_id`, withdrawn or not.

    Raises:
        CatalogueError: `share.entry_unknown`.
    """
    with control.transaction() as connection:
        return _record(_row(connection, entry_id))


def described(control: Control, entry_id: str) -> Entry:
    """Return what is said of a data set, without all that is known besides. Raises as `entry`."""
    with control.transaction() as connection:
        document = find_document(connection, entry_id)
    if document is None:
        raise _unknown(entry_id)
    return read_entry(document)


def history(control: Control, entry_id: str) -> tuple[Version, ...]:
    """Return every state the entry was in, the first one first.

    Raises:
        CatalogueError: `share.entry_unknown`.
    """
    with control.transaction() as connection:
        no = _row(connection, entry_id).no
        c = history_table.c
        rows = connection.execute(select(history_table).where(c.no == no).order_by(c.version)).all()
    return tuple(
        Version(r.version, r.action, read_entry(r.document), r.changed_at, r.changed_by)
        for r in rows
    )


def records(control: Control, *, origin: str | None = None) -> Iterator[Record]:
    """Yield all records that stand in the catalogue, of one `origin` or of all, oldest first.

    Reads 1,000 at a time, so that a catalogue of any size can be exported.
    """
    c = entry_table.c
    last = 0
    while True:
        query = select(entry_table).where(c.no > last, c.is_withdrawn.is_(False))
        if origin is not None:
            query = query.where(c.origin == origin)
        with control.transaction() as connection:
            rows = connection.execute(query.order_by(c.no).limit(_PAGE)).all()
        if not rows:
            return
        yield from (_record(row) for row in rows)
        last = rows[-1].no


class _Run:
    """One call of `publish_all`: what it knows while it goes through its batches."""

    def __init__(self, control: Control, by: str, now: Instant) -> None:
        self._control, self._by, self._now = control, by, now
        self._organisation = tree(control)
        self._seen: set[str] = set()
        self._next_no = 0

    def publish(self, batch: Sequence[Entry]) -> list[Published]:
        with self._control.transaction() as connection:
            revision = next_revision(connection)
            self._next_no = next_number(connection, entry_table)
            rows = find_by_ids(connection, [e.id for e in batch])
            same = find_same_titles(connection, [title_key(e) for e in batch])
            changes: list[Change] = []
            done = [self._one(e, rows.get(e.id), same, changes) for e in batch]
            write_changes(connection, changes, revision=revision)
        return done

    def _one(
        self,
        entry: Entry,
        row: _AnyRow | None,
        same: dict[tuple[str, str], list[str]],
        changes: list[Change],
    ) -> Published:
        if entry.id in self._seen:
            return Published(entry.id, Outcome.REFUSED, 0, (_REPEATED,))
        self._seen.add(entry.id)
        document = write_document(entry)
        if row is not None and row.document == document and not row.is_withdrawn:
            return Published(entry.id, Outcome.UNCHANGED, row.version, read_findings(row.findings))
        titled = same.setdefault((provider_key(entry), title_key(entry)), [])
        others = tuple(other for other in titled if other != entry.id)
        findings = validate(entry, self._organisation, same_title_ids=others)
        if any(f.severity is Severity.REFUSAL for f in findings):
            return Published(entry.id, Outcome.REFUSED, 0, findings)
        titled.append(entry.id)
        changes.append(change := self._change(entry, row, document, findings))
        outcome = Outcome.CREATED if row is None else Outcome.CHANGED
        return Published(entry.id, outcome, change.version, findings)

    def _change(
        self,
        entry: Entry,
        row: _AnyRow | None,
        document: str,
        findings: tuple[EntryFinding, ...],
    ) -> Change:
        if row is None:
            self._next_no += 1
        no, version = (self._next_no - 1, 1) if row is None else (row.no, row.version + 1)
        score = None if row is None else row.quality_score
        return Change(no, version, entry, document, findings, self._by, self._now, score)


_REPEATED = EntryFinding(
    "repeated", "identifier", "was given to an earlier entry of the same delivery"
)


def _refused(published: Published) -> CatalogueError:
    findings = [f for f in published.findings if f.severity is Severity.REFUSAL]
    is_secret = any(f.code == "secret" for f in findings)
    return CatalogueError(
        "share.entry_secret" if is_secret else "share.entry_refused",
        f"The entry {published.id[:80]!r} cannot be catalogued: {'; '.join(map(str, findings))}.",
        next_step="Mend what is named and publish it again.",
    )


def _row(connection: Connection, entry_id: str) -> _AnyRow:
    row = find_by_ids(connection, [entry_id]).get(entry_id)
    if row is None:
        raise _unknown(entry_id)
    return row


def _unknown(entry_id: str) -> CatalogueError:
    return CatalogueError(
        "share.entry_unknown",
        f"The catalogue has no entry {entry_id[:80]!r}.",
        next_step="Search for it, or correct the id.",
    )


def _record(row: _AnyRow) -> Record:
    return Record(
        entry=read_entry(row.document),
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        findings=read_findings(row.findings),
        is_withdrawn=row.is_withdrawn,
        quality_score=row.quality_score,
        row_count=row.row_count,
        data_at=row.data_at,
    )
