"""Statements that run many times a second: made once, then given to the driver as they are.

What SQLAlchemy does around each execution takes several times longer than a statement by a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any] | None


@dataclass(frozen=True)
class _Made:
    """A statement as one dialect has it: its parameters in order, and how values go in and out."""

    sql: str
    names: tuple[str, ...]
    given: tuple[Process, ...]
    found: tuple[Process, ...]
    is_positional: bool


class Prepared:
    """One statement of Core, compiled once; its parameters are named by `bindparam`."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._made: dict[str, _Made] = {}

    def rows(self, connection: Connection, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in the transaction; return what it finds. Raises as `drive`."""
        made = self._of(connection.dialect)
        found = drive(connection, made.sql, _parameters(made, given)).fetchall()
        return [
            tuple(
                value if process is None else process(value)
                for value, process in zip(row, made.found, strict=True)
            )
            for row in found
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
    found = tuple(_impl(c.type, dialect).result_processor(dialect, None) for c in columns)
    return _Made(compiled.string, names, given, found, is_positional=compiled.positional)


def _impl(kind: Any, dialect: Dialect) -> Any:
    return kind.dialect_impl(dialect)


def _parameters(made: _Made, given: Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
    values = [
        given[name] if process is None else process(given[name])
        for name, process in zip(made.names, made.given, strict=True)
    ]
    return values if made.is_positional else dict(zip(made.names, values, strict=True))
