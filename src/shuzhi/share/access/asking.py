"""Runs a user's question over the lake, behind a second wall.

The connection is made for one question. It holds the tables of the grants and no other, under
names that no text can speak of; it reads no file but theirs, loads nothing, and its settings are
locked. What the database says of a failure is never passed on, for it may hold values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.asking import Asker, Failure
from shuzhi.kernel.errors import BrokenError
from shuzhi.share.access.governed import KEY, mask_key, table_called
from shuzhi.share.access.model import Allowed, Refusal
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.rewriting import DIALECT, Plan, plan


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds of the clock, rows of the answer, memory (`512MB`)."""

    max_seconds: float = 30.0
    max_rows: int = 100_000
    memory: str = "512MB"


_REASONS = {"slow": "query_too_slow", "too_many": "query_too_large"}
_KINDS: tuple[tuple[type[duckdb.Error], str], ...] = (
    (duckdb.OutOfMemoryException, "query_too_large"),
    (duckdb.BinderException, "types_unfit"),
    (duckdb.CatalogException, "types_unfit"),
    (duckdb.ParserException, "types_unfit"),
)


def ask(
    lake: Lake,
    allowed: Sequence[Allowed],
    sql: str,
    *,
    city_key: bytes,
    limits: Limits = Limits(),
    versions: Mapping[str, int] | None = None,
) -> pa.Table | Refusal:
    """Answer `sql` from what is `allowed`, all for one assignee; or say why not.

    A caller whose grants have a budget counts the question before the answer leaves. `city_key`
    is the secret of pseudonyms; `versions` says which version of a data set to read, the newest of
    those that it does not name.

    Raises:
        BrokenError: `share.query_unreadable` when the lake's files cannot be read.
    """
    made = plan(sql, allowed, salt=token_hex(8))
    if isinstance(made, Refusal):
        return made
    parameters = {KEY: mask_key(city_key, allowed[0].grant.assignee)}
    with lake.duck(
        only=tuple(made.tables),
        version=versions or {},
        memory_limit=limits.memory,
        foresees=not made.is_frail,
    ) as connection:
        for name, held in made.tables.items():
            old, new = (table_called(n).sql(DIALECT) for n in (name, held))
            connection.execute(f"ALTER VIEW {old} RENAME TO {new}")
        found = _run(connection, made, limits, parameters)
    return found if isinstance(found, pa.Table) else _refused(found)


def _run(
    connection: duckdb.DuckDBPyConnection,
    made: Plan,
    limits: Limits,
    parameters: Mapping[str, str],
) -> pa.Table | Failure:
    with Asker(connection) as asker:
        for statement in made.setup:
            own = parameters if statement.needs_key else None
            failure = asker.do(statement.sql, max_seconds=limits.max_seconds, parameters=own)
            if failure is not None:
                return failure
        return asker.ask(
            made.question.sql,
            max_seconds=limits.max_seconds,
            max_rows=limits.max_rows,
            parameters=parameters if made.question.needs_key else None,
        )


def _refused(failure: Failure) -> Refusal:
    if failure.code == "unreadable":
        raise BrokenError(
            "share.query_unreadable",
            "The files of a data set cannot be read.",
            next_step="Run `shuzhi lake repair` and ask again.",
        )
    cause = failure.cause or Exception
    kind = next((reason for error, reason in _KINDS if issubclass(cause, error)), "query_failed")
    return refused(_REASONS.get(failure.code, kind))
