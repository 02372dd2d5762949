"""Asks one question under a limit of time and of rows, and takes a failure as an answer.

A question that fails or runs too long leaves the connection good for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Timer

import duckdb
import pyarrow as pa

# What cannot be read now may be read later: the question is not at fault.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Failure:
    """Why a question has no answer: `code` is slow, too_many, failed or unreadable.

    `reason` is for people.
    """

    code: str
    reason: str


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, *, max_seconds: float, max_rows: int
) -> pa.Table | Failure:
    """Return the answer to `sql`, or why there is none."""
    timer = Timer(max_seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        # One row more than allowed tells that there are too many without fetching them all.
        asked = f"SELECT * FROM ({sql}) LIMIT {max_rows + 1}"  # noqa: S608  (SQL that was checked)
        rows = connection.sql(asked).to_arrow_table()
    except duckdb.InterruptException:
        return Failure("slow", f"it ran longer than {max_seconds:g} s")
    except (duckdb.Error, pa.ArrowException) as error:
        return failure_of(error)
    finally:
        timer.cancel()
    if len(rows) > max_rows:
        return Failure("too_many", f"it answered with more than {max_rows:,} rows")
    return rows


def failure_of(error: Exception) -> Failure:
    """Return what DuckDB or Arrow said as a failure, in one line."""
    code = UNREADABLE if isinstance(error, duckdb.IOException) else "failed"
    return Failure(code, str(error).partition("\n\n")[0].replace("\n", " ")[:500])
