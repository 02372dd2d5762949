"""Asks one question under a limit of time and of rows, and takes a failure as an answer.

A question that fails or runs too long leaves the connection good for the next one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from typing import Self

import duckdb
import pyarrow as pa

warnings.filterwarnings("ignore", message="Arrow output on a DB-API", module=__name__)

# What cannot be read now may be read later: the question is not at fault.
UNREADABLE = "unreadable"
# How often somebody looks whether a question takes too long.
_GLANCE_S = 0.05


@dataclass(frozen=True)
class Failure:
    """Why a question has no answer: `code` is slow, too_many, failed or unreadable.

    `reason` is for people who may see every row; `cause` is the kind of error behind it.
    """

    code: str
    reason: str
    cause: type[Exception] | None = None


class Asker:
    """Asks one question after the other on a connection, with one thread that watches the clock.

    To be entered and left with `with`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._due: float | None = None
        self._lock = Lock()
        self._done = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no longer."""
        self._done.set()
        self._thread.join()

    def ask(
        self,
        sql: str,
        *,
        max_seconds: float,
        max_rows: int,
        parameters: Mapping[str, object] | None = None,
    ) -> pa.Table | Failure:
        """Return the answer to `sql`, or why there is none."""
        # One row more than allowed tells that there are too many without fetching them all.
        asked = f"SELECT * FROM ({sql}) LIMIT {max_rows + 1}"  # noqa: S608  (it was checked)
        try:
            with self._within(max_seconds):
                # Made into a relation first, it would be bound twice: that costs more than a copy.
                rows: pa.Table = self.connection.execute(asked, parameters).to_arrow_table()
        except (duckdb.Error, pa.ArrowException) as error:
            return _late(error, max_seconds)
        if len(rows) > max_rows:
            return Failure("too_many", f"it answered with more than {max_rows:,} rows")
        return rows

    def do(
        self, sql: str, *, max_seconds: float, parameters: Mapping[str, object] | None = None
    ) -> Failure | None:
        """Run a statement that has no answer; return why it could not be, None when it was."""
        try:
            with self._within(max_seconds):
                self.connection.execute(sql, parameters)
        except duckdb.Error as error:
            return _late(error, max_seconds)
        return None

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        with self._lock:
            self._due = monotonic() + seconds
        try:
            yield
        finally:
            with self._lock:
                self._due = None

    def _watch(self) -> None:
        while not self._done.wait(_GLANCE_S):
            with self._lock:
                if self._due is not None and monotonic() > self._due:
                    self.connection.interrupt()


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, *, max_seconds: float, max_rows: int
) -> pa.Table | Failure:
    """Return the answer to one question, or why there is none."""
    with Asker(connection) as asker:
        return asker.ask(sql, max_seconds=max_seconds, max_rows=max_rows)


def _late(error: Exception, max_seconds: float) -> Failure:
    if isinstance(error, duckdb.InterruptException):
        return Failure("slow", f"it ran longer than {max_seconds:g} s", type(error))
    return failure_of(error)


def failure_of(error: Exception) -> Failure:
    """Return what DuckDB or Arrow said as a failure, in one line."""
    code = UNREADABLE if isinstance(error, duckdb.IOException) else "failed"
    return Failure(code, str(error).partition("\n\n")[0].replace("\n", " ")[:500], type(error))
