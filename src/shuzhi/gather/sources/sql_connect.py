"""Opens the database of a source, for reading only and with no secret in any message.

Passwords come by reference; a SQLite file is opened read-only, so that a wrong path makes no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from shuzhi.gather.sources.references import REFERENCE, Secrets
from shuzhi.kernel.errors import RefusedError

_CONNECT_SECONDS = 10
_PASSWORDS = {"password", "passwd", "pwd", "sslpassword"}
# SQLSTATE class 28 (ISO/IEC 9075-2 §24.1): invalid authorization; drivers without one say it so.
_DENIED = ("password", "authentication", "access denied", "login failed", "permission denied")


class Database:
    """A database that is open; `shown` names it to people: no user, no password, no folder."""

    def __init__(self, engine: Engine, shown: str) -> None:
        self._engine = engine
        self.shown = shown

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in one transaction that may only read.

        Raises:
            RefusedError: `gather.source_gone`, `gather.source_denied`, `gather.source_failing`,
                `gather.sql_failed`, `gather.sql_value`.
        """
        with self._connected() as connection:
            try:
                with connection.begin():
                    yield connection
            except SQLAlchemyError as error:
                raise _failed(error, self.shown) from None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            raise _not_connected(error, self.shown) from None
        with connection:
            # Only PostgreSQL understands the first option; every streaming driver the second.
            read_only = {"postgresql_readonly": True} if self.dialect == "postgresql" else {}
            yield connection.execution_options(stream_results=True, **read_only)


@contextmanager
def open_database(url: str, secrets: Secrets, *, folder: Path) -> Iterator[Database]:
    """Yield the database at `url`; a relative SQLite path starts at `folder`.

    Raises:
        RefusedError: `gather.bad_url`, `gather.secret_in_source`, `gather.sql_driver_missing`,
            `gather.source_gone` for a missing SQLite file.
    """
    place = _place(url, secrets)
    shown = _shown(place)
    if place.get_backend_name() == "sqlite":
        file = _sqlite_file(place, folder)
        shown = f"sqlite:///{file.name}"
        read_only = {"mode": "ro", "uri": "true"}
        place = URL.create(place.drivername, database=f"file:{quote(str(file))}", query=read_only)
    engine = _engine(place)
    try:
        yield Database(engine, shown)
    finally:
        engine.dispose()


def _shown(place: URL) -> str:
    return URL.create(
        place.drivername, host=place.host, port=place.port, database=place.database
    ).render_as_string()


def _place(text: str, secrets: Secrets) -> URL:
    is_reference = REFERENCE.fullmatch(text) is not None
    place = _parsed(secrets.expand(text) if is_reference else text)
    if is_reference:
        secrets.hide(place.password or "", "***")
        return place
    if not REFERENCE.fullmatch(place.password or "${NONE}") or _PASSWORDS & set(place.query):
        raise RefusedError(
            "gather.secret_in_source",
            "The source's `url` holds a password in plain text.",
            next_step="Put a reference in its place, ${ERP_PASSWORD}, set the environment "
            "variable, and change the password, because others may have read it.",
        )
    return place.set(password=secrets.expand(place.password)) if place.password else place


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise RefusedError(
            "gather.bad_url",
            "The source's address is no database URL.",
            next_step="Write it as postgresql://reader:${ERP_PASSWORD}@host/database, or "
            "sqlite:///file.db.",
        ) from None


def _sqlite_file(place: URL, folder: Path) -> Path:
    file = (folder / (place.database or "")).resolve()
    if not file.is_file():
        raise RefusedError(
            "gather.source_gone",
            f"There is no SQLite file {file.name!r} where the source says.",
            next_step="Correct `url`: sqlite:///file.db is relative to the folder of the YAML.",
        )
    return file


def _engine(place: URL) -> Engine:
    is_postgresql = place.get_backend_name() == "postgresql"
    connect_args = {"connect_timeout": _CONNECT_SECONDS} if is_postgresql else {}
    try:
        engine = create_engine(place, poolclass=NullPool, connect_args=connect_args)
    except (NoSuchModuleError, ImportError):
        raise RefusedError(
            "gather.sql_driver_missing",
            f"No driver for {place.drivername} is installed.",
            next_step="For PostgreSQL install shuzhi[postgres]; for others the driver that "
            "SQLAlchemy's documentation names.",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _take_any_text)
    return engine


def _take_any_text(connection: Any, _record: object) -> None:
    # SQLite stores texts that are no UTF-8; those rows are set apart later, not the whole load.
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")


def _not_connected(error: SQLAlchemyError, shown: str) -> RefusedError:
    why = _first_line(error)
    if any(word in why.lower() for word in _DENIED):
        return _denied(shown)
    return RefusedError(
        "gather.source_gone",
        f"{shown} cannot be reached: {why}.",
        next_step="Check the address and the network, or ask who keeps the database.",
    )


def _failed(error: SQLAlchemyError, shown: str) -> RefusedError:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return RefusedError(
            "gather.source_failing",
            f"The connection to {shown} was lost.",
            next_step="Run again; what was stored stays and the run goes on from there.",
        )
    if isinstance(error, DataError):
        # The driver's own words quote the value, which may be about a person.
        return RefusedError(
            "gather.sql_value",
            f"{shown} holds a value that cannot be read or computed ({_kind(error)}).",
            next_step="Use `query` and turn such values into NULL or text: dates without end, "
            "divisions by zero.",
        )
    if getattr(getattr(error, "orig", None), "sqlstate", None) == "42501":
        return _denied(shown)
    return RefusedError(
        "gather.sql_failed",
        f"{shown} refuses to be read: {_first_line(error)}.",
        next_step="Correct `table`, `query` or `cursor_column`, and run again.",
    )


def _denied(shown: str) -> RefusedError:
    return RefusedError(
        "gather.source_denied",
        f"{shown} does not let us in.",
        next_step="Check user and password behind the references in `url`, and that this user may "
        "read the table.",
    )


def _first_line(error: SQLAlchemyError) -> str:
    text = str(getattr(error, "orig", None) or error)
    return text.strip().partition("\n")[0].strip(". ") or _kind(error)


def _kind(error: SQLAlchemyError) -> str:
    return type(getattr(error, "orig", None) or error).__name__
