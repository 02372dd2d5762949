"""Reads a table or query of a database: each window of its cursor is a part, stored in one commit.

A window is read to its end into a file before it is handed over, so that the database is held for
a short time, its errors come out clearly, and the part's fingerprint is that of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Select

from shuzhi.gather.lake.query import literal
from shuzhi.gather.sources.model import Cursor, DuckScan, Part, SqlSource
from shuzhi.gather.sources.references import Secret, Secrets
from shuzhi.gather.sources.sql_connect import Database, open_database
from shuzhi.gather.sources.sql_query import Relation, relation
from shuzhi.gather.sources.sql_rows import Column, Spooled, columns, reading, spool
from shuzhi.gather.sources.sql_windows import to_cursor, windows
from shuzhi.kernel.errors import BrokenError


@dataclass(frozen=True)
class _Slice:
    """What becomes one part: a SELECT, how people call it, where the next run goes on."""

    asked: Select[Any]
    origin: str
    cursor: Cursor | None


class SqlReader:
    """A reader of one table or query.

    `folder` is where a relative SQLite path starts; `spool` is a folder on a disk with room for
    one part. A part's rows can be read until the next part is asked for.
    """

    def __init__(self, source: SqlSource, secret: Secret, *, folder: Path, spool: Path) -> None:
        self._source = source
        self._secret = secret
        self._folder = folder
        self._spool = spool

    def parts(self, since: Cursor | None) -> Iterator[Part]:
        """Yield the rows after `since`, in the order of the cursor column.

        Without a cursor column all rows are one part. Rows that the database has deleted are not
        seen: use `write: replace` without a cursor where deletions matter.

        Raises:
            RefusedError: as `open_database`, `relation`, `windows` and `Database.reading`.
            BrokenError: `gather.spool_failed` when the spool's disk fails or is full.
        """
        secrets = Secrets(self._secret)
        with (
            secrets.kept(),
            open_database(self._source.url, secrets, folder=self._folder) as database,
            TemporaryDirectory(dir=self._spool, prefix="sql-") as folder,
        ):
            with database.reading() as connection:
                rows = relation(connection, self._source, database.shown)
                found = columns(connection, rows)
            first_row, file = 1, Path(folder) / "part.parquet"
            for cut in self._slices(database, rows, found, since):
                spooled = self._read(database, cut, found, file, first_row)
                first_row += spooled.rows
                if spooled.rows:
                    yield _part(cut, found, spooled, first_row - spooled.rows)

    def _slices(
        self, database: Database, rows: Relation, found: tuple[Column, ...], since: Cursor | None
    ) -> Iterator[_Slice]:
        asked = reading(rows, found)
        what = f"{database.shown} {self._source.table or 'query'}"
        if self._source.cursor_column is None:
            yield _Slice(asked, what, None)
            return
        cursor = rows.clause.c[self._source.cursor_column]
        for window in windows(database, rows, self._source, since):
            yield _Slice(
                asked.where(window.holds(cursor)).order_by(cursor), what, to_cursor(window.high)
            )

    def _read(
        self,
        database: Database,
        cut: _Slice,
        found: tuple[Column, ...],
        file: Path,
        first_row: int,
    ) -> Spooled:
        try:
            with database.reading() as connection:
                return spool(
                    connection,
                    cut.asked,
                    found,
                    file,
                    batch_rows=self._source.batch_rows,
                    origin=cut.origin,
                    first_row=first_row,
                )
        except OSError as error:
            raise BrokenError(
                "gather.spool_failed",
                f"Rows could not be kept on this machine: {error.strerror or error}.",
                next_step="Free space on the disk and run again; nothing of this part was stored.",
            ) from None


def _part(cut: _Slice, found: tuple[Column, ...], spooled: Spooled, first_row: int) -> Part:
    unreadable = spooled.unreadable
    return Part(
        origin=cut.origin,
        fingerprint=spooled.fingerprint,
        rows=DuckScan(
            sql=f"read_parquet({literal(str(spooled.file))})",
            parameters=(),
            columns=tuple(c.name for c in found),
            types=tuple(c.kind.duck for c in found),
            first_row=first_row,
        ),
        cursor=cut.cursor,
        unreadable=lambda: unreadable,
        first_row=first_row,
    )
