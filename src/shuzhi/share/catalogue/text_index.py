"""The full-text index: which entries hold all the words that a search asks for, and how well.

`catalogue_text` keeps each entry's words as `tokens.py` cut them, on any database. On SQLite an
FTS5 table follows it by triggers; on PostgreSQL a GIN index stands on it; on others it is scanned.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    and_,
    case,
    cast,
    delete,
    event,
    insert,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from shuzhi.kernel.control import metadata
from shuzhi.share.catalogue.store import batches
from shuzhi.share.catalogue.tokens import Term

Numbers = npt.NDArray[np.int64]
TITLE_WEIGHT = 8.0

text_table = Table(
    "catalogue_text",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
)

# The words are cut already: "ascii" splits at the blanks between them and at nothing else.
INDEX_DDL: Mapping[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE VIRTUAL TABLE catalogue_fts USING fts5(title, body, content='catalogue_text', "
        "content_rowid='no', tokenize='ascii')",
        "CREATE TRIGGER catalogue_text_added AFTER INSERT ON catalogue_text BEGIN "
        "INSERT INTO catalogue_fts(rowid, title, body) VALUES (new.no, new.title, new.body); END",
        "CREATE TRIGGER catalogue_text_removed AFTER DELETE ON catalogue_text BEGIN "
        "INSERT INTO catalogue_fts(catalogue_fts, rowid, title, body) "
        "VALUES ('delete', old.no, old.title, old.body); END",
    ),
    "postgresql": (
        "CREATE INDEX ix_catalogue_text_words ON catalogue_text "
        "USING gin (array_to_tsvector(string_to_array(title || ' ' || body, ' ')))",
    ),
}


@event.listens_for(text_table, "after_create")
def _create_index(_table: Table, connection: Connection, **_: object) -> None:
    for statement in INDEX_DDL.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)


class TextIndex(Protocol):
    """Answers searches for words; `terms` are never empty and all must be met."""

    def find(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """Return the numbers of the entries that meet all terms, and of those in the title."""
        ...

    def scores(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """Return the numbers of the entries that meet all terms, and scores; more is better."""
        ...


def text_index(connection: Connection) -> TextIndex:
    """Return the index that serves the connection's database."""
    kinds: dict[str, TextIndex] = {"sqlite": Fts5Index(), "postgresql": TsvectorIndex()}
    return kinds.get(connection.dialect.name, ScanIndex())


def write_words(
    connection: Connection, rows: Sequence[tuple[int, Sequence[str], Sequence[str]]]
) -> None:
    """Index entries by (number, words of the title, other words), in place of what they had."""
    remove_words(connection, [no for no, _, _ in rows])
    values = [{"no": no, "title": " ".join(t), "body": " ".join(b)} for no, t, b in rows]
    if values:
        connection.execute(insert(text_table), values)


def remove_words(connection: Connection, nos: Sequence[int]) -> None:
    """Take entries out of the index."""
    for batch in batches(nos):
        connection.execute(delete(text_table).where(text_table.c.no.in_(batch)))


class Fts5Index:
    """SQLite's FTS5. Matches come as one joined text: rows would cost four times as much."""

    def find(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """As `TextIndex.find`."""
        query = text(
            "SELECT (SELECT group_concat(rowid) FROM catalogue_fts WHERE catalogue_fts MATCH :q), "
            "(SELECT group_concat(rowid) FROM catalogue_fts WHERE catalogue_fts MATCH :t)"
        )
        words = _fts5(terms)
        row = connection.execute(query, {"q": words, "t": f"{{title}} : ({words})"}).one()
        return _numbers(row[0]), _numbers(row[1])

    def scores(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """As `TextIndex.scores`: Okapi BM25 in thousandths, the title's words weighing more."""
        query = text(
            "SELECT rowid, bm25(catalogue_fts, :weight, 1.0) FROM catalogue_fts "
            "WHERE catalogue_fts MATCH :q"
        )
        rows = connection.execute(query, {"q": _fts5(terms), "weight": TITLE_WEIGHT}).all()
        # bm25() of FTS5 is negative: less is better there.
        return _pairs([(no, -1000 * score) for no, score in rows])


class ScanIndex:
    """Any other database: every row's words are read. Right, but slow beyond some thousands."""

    title: ColumnElement[str] = literal(" ") + text_table.c.title + " "
    everywhere: ColumnElement[str] = title + text_table.c.body + " "

    def met(self, words: ColumnElement[Any], term: Term) -> ColumnElement[bool]:
        """Return the condition that `words` hold `term`."""
        return words.contains(f" {term.word}" + ("" if term.is_prefix else " "), autoescape=True)

    def find(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """As `TextIndex.find`."""
        in_title = and_(*(self.met(self.title, t) for t in terms))
        query = select(text_table.c.no, in_title).where(*self._all_met(terms))
        nos, titled = _pairs([(no, is_title) for no, is_title in connection.execute(query)])
        return nos, nos[titled == 1]

    def scores(self, connection: Connection, terms: Sequence[Term]) -> tuple[Numbers, Numbers]:
        """As `TextIndex.scores`: the title's weight for each term met there, 1 for others."""
        weights = (case((self.met(self.title, t), int(TITLE_WEIGHT)), else_=1) for t in terms)
        score = reduce(operator.add, weights)
        query = select(text_table.c.no, score).where(*self._all_met(terms))
        return _pairs([(no, points) for no, points in connection.execute(query)])

    def _all_met(self, terms: Sequence[Term]) -> list[ColumnElement[bool]]:
        return [self.met(self.everywhere, t) for t in terms]


class TsvectorIndex(ScanIndex):
    """PostgreSQL's tsvector, from words that we cut; its own parsers do not cut Chinese."""

    # Written as the index is, with no bound value, so that the planner knows it again.
    title = literal_column("array_to_tsvector(string_to_array(title, ' '))")
    everywhere = literal_column("array_to_tsvector(string_to_array(title || ' ' || body, ' '))")

    def met(self, words: ColumnElement[Any], term: Term) -> ColumnElement[bool]:
        """As `ScanIndex.met`."""
        query = f"'{term.word}'" + (":*" if term.is_prefix else "")
        return words.op("@@", is_comparison=True)(cast(query, TSQUERY))


def _fts5(terms: Sequence[Term]) -> str:
    # Words hold letters and digits only, so that nothing in them can leave the quotes.
    return " AND ".join(f'"{t.word}"' + ("*" if t.is_prefix else "") for t in terms)


def _numbers(joined: str | None) -> Numbers:
    return np.fromstring(joined, sep=",", dtype=np.int64) if joined else np.empty(0, np.int64)


def _pairs(rows: Sequence[tuple[int, float]]) -> tuple[Numbers, Numbers]:
    table = np.array(rows, dtype=np.float64).reshape(-1, 2).astype(np.int64)
    return table[:, 0], table[:, 1]
