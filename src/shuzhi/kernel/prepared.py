"""Statements that run many times a second: made once, then given to the driver as they are.

What SQLAlchemy does around each execution takes several times longer than a statement by a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Made:
    """A statement as one dialect has it: its parameters in order, and how values go in and out.

    `found` is known when the driver has told what kinds of values it gives.
    """

    sql: str
    names: tuple[str, ...]
    given: tuple[Process, ...]
    columns: tuple[Any, ...]
    is_positional: bool
    found: tuple[Process, ...] | None = None


class Prepared:
    """One statement of Core, compiled once; its parameters are named by `bindparam`."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._made: dict[str, _Made] = {}

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in the transaction; return what it finds. Raises as `drive`."""
        made = self._of(connection.dialect)
        cursor = drive(connection, made.sql, _parameters(made, given))
        if (ways := made.found) is None:
            ways = _processes(made.columns, cursor, connection.dialect)
            self._made[connection.dialect.name] = replace(made, found=ways)
        return [
            tuple(
                value if process is None else process(value)
                for value, process in zip(row, ways, strict=True)
            )
            for row in cursor.fetchall()
        ]

    def run(self, connection: Connection, given: Mapping[str, Any]) -> int:
        """Run it in the transaction; return how many rows it wrote. Raises as `drive`."""
        made = self._of(connection.dialect)
        return int(drive(connection, made.sql, _parameters(made, given)).rowcount)

    def _of(self, dialect: Dialect) -> _Made:
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = _made(self._statement, dialect)
        return made


def drive(connection: Connection, sql: str, given: Sequence[Any] | Mapping[str, Any]) -> Any:
    """Let the driver run SQL of ours in the connection's transaction; return its cursor.

    Raises:
        DBAPIError: as SQLAlchemy itself raises what the driver says.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, given)
    except Exception as error:
        kinds = connection.dialect.loaded_dbapi
        if not isinstance(error, kinds.Error):
            raise
        told = DBAPIError.instance(
            sql, None, error, kinds.Error, hide_parameters=True, dialect=connection.dialect
        )
        raise told from error
    return cursor


def _made(statement: Executable, dialect: Dialect) -> _Made:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  (tells mypy)
    names = tuple(compiled.positiontup or compiled.binds)
    given = tuple(_impl(compiled.binds[n].type, dialect).bind_processor(dialect) for n in names)
    columns = getattr(statement, "selected_columns", ())
    kinds = tuple(_impl(column.type, dialect) for column in columns)
    return _Made(compiled.string, names, given, kinds, is_positional=compiled.positional)


def _processes(kinds: Sequence[Any], cursor: Any, dialect: Dialect) -> tuple[Process, ...]:
    """Return how to read each column; PostgreSQL's numbers come as several kinds of value."""
    told = [column[1] for column in cursor.description]
    pairs = zip(kinds, told, strict=True)
    return tuple(kind.result_processor(dialect, of_driver) for kind, of_driver in pairs)


def _impl(kind: Any, dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect)


def _parameters(made: _Made, given: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
    values = [
        given[name] if process is None else process(given[name])
        for name, process in zip(made.names, made.given, strict=True)
    ]
    return values if made.is_positional else dict(zip(made.names, values, strict=True))
