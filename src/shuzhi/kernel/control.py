"""The control store: one relational database for catalogue, runs, measurements and cases.

SQLite (WAL) in the city's folder by default, PostgreSQL by setting. Each room declares its own
tables on `metadata` in its `store.py`; the schema is migrated by Alembic from the top of the
house.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from time import monotonic, sleep
from typing import Any

from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import DateTime, TypeDecorator

from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.prepared import drive

# What SQLite says when a file cannot grow: the disk, a quota or a limit of the process.
_FULL = ("database or disk is full", "disk I/O error")
_READS_ONLY = "shuzhi_reads_only"
# How long a writer waits for another, and how often it asks where SQLite does not wait.
_WAIT_S, _PAUSE_S = 30, 0.005

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


RowId = BigInteger().with_variant(Integer, "sqlite")
"""The type of a number that the store gives out: SQLite does that for INTEGER keys alone."""


class InstantColumn(TypeDecorator[datetime]):
    """An Instant in a column: aware UTC in Python, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware value; SQLite keeps none of its own."""
        del dialect
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Control:
    """A control store that is open. Every read and write happens in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_file(self) -> bool:
        """Whether the store is a file of this machine, written to without a server."""
        return self.engine.dialect.name == "sqlite"

    @cached_property
    def unwaiting(self) -> Control:
        """The same file for who would rather be refused than wait for another writer.

        It has connections of its own, so that nobody waits for one of those either.
        """
        return _file_control(self.engine.url, wait_s=0) if self.is_file else self

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Yield a connection; commit at the end, roll back on any error.

        Raises:
            BrokenError: `kernel.disk_full`, `kernel.control_busy`; nothing was written.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise _told(error) from error

    def checkpoint(self) -> None:
        """Bring what SQLite's log holds into the store, as far as that holds up nobody.

        Writers go on beside it; when nothing is left of the log, the next of them begins it anew.
        Raises as `transaction`.
        """
        if not self.is_file:
            return
        try:
            with self.engine.connect() as connection:
                drive(connection, "PRAGMA wal_checkpoint(PASSIVE)", ()).fetchall()
        except OperationalError as error:
            raise _told(error) from error

    @contextmanager
    def moment(self) -> Iterator[Control]:
        """Yield the store as it stands now: all that is read of it is read in one transaction.

        It waits for no writer, and cannot write. Raises as `transaction`.
        """
        try:
            with self.engine.connect() as connection, _reading(connection), connection.begin():
                yield _Moment(connection)
        except OperationalError as error:
            raise _told(error) from error


class _Moment(Control):
    """A control store as one transaction sees it, which is open already."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.engine)
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def moment(self) -> Iterator[Control]:
        yield self


def hold_table(connection: Connection, table: Table) -> None:
    """Let nobody else write to a table until the transaction ends; has to be its first step.

    Numbers are given before the commit: this waits for who took a lower one and is not done. In a
    file only one transaction writes anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))


@contextmanager
def _reading(connection: Connection) -> Iterator[None]:
    """Let the transactions of a connection read only, all of each at one moment."""
    if connection.dialect.name != "sqlite":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield
        return
    connection.execution_options(**{_READS_ONLY: True})
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  (tells mypy; it was just opened)
    raw.execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        # The next who takes it from the pool may write.
        raw.execute("PRAGMA query_only=OFF")


def _told(error: OperationalError) -> Exception:
    said = str(error.orig)
    if any(word in said for word in _FULL):
        return BrokenError(
            "kernel.disk_full",
            f"The control store has no room to write ({said}).",
            next_step="Make room on its disk and do it again; nothing of it was stored.",
        )
    if "database is locked" in said:
        return BrokenError(
            "kernel.control_busy",
            "The control store was held by another writer for too long.",
            next_step="Do it again; nothing of it was stored.",
        )
    return error


def open_control(url: str) -> Control:
    """Open the store at a SQLAlchemy `url`; on SQLite with WAL, full sync and foreign keys."""
    known = make_url(url)
    if known.get_backend_name() == "sqlite":
        return _file_control(known, wait_s=_WAIT_S)
    return Control(create_engine(known))


def _file_control(url: URL, *, wait_s: int) -> Control:
    engine = create_engine(url)
    event.listen(engine, "connect", lambda raw, _record: _prepare_sqlite(raw, wait_s))
    event.listen(engine, "begin", _begin)
    return Control(engine)


def _prepare_sqlite(connection: Any, wait_s: int) -> None:
    # We open transactions ourselves: the driver's own start too late to hold off other writers.
    connection.isolation_level = None
    cursor = connection.cursor()
    _write_ahead(cursor)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={wait_s * 1000}",
        # Some 32 MB: what is written to a log that need not grow is on the disk several times
        # faster, and to bring it into the store costs as much as many commits.
        "wal_autocheckpoint=8000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Have changes written ahead; the file remembers that.

    Of several who want it of a new file at once SQLite refuses some without letting them wait.
    """
    give_up_at = monotonic() + _WAIT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > give_up_at:
                raise
            sleep(_PAUSE_S)
        else:
            return


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get(_READS_ONLY)
    drive(connection, "BEGIN" if reads_only else "BEGIN IMMEDIATE", ())
