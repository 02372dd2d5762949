"""Runs a user's question over the lake, behind a second wall.

The connection is made for one question. It holds the tables of the grants and no other, under
names that no text can speak of; it reads no file but theirs, loads nothing, and its settings are
locked. What the database says of a failure is never passed on, for it may hold values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from secrets import token_hex

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.asking import Asker, Failure
from shuzhi.kernel.errors import BrokenError
from shuzhi.share.access.governed import KEY, mask_key, table_called
from shuzhi.share.access.model import Allowed, Refusal
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.rewriting import DIALECT, Plan, Statement, plan


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds of the clock, rows of the answer, memory (`512MB`).

    `first_rows` are looked at to tell that cells of figures are large; where those leave doubts,
    all are counted. They change how long a question takes, never its answer.
    """

    max_seconds: float = 30.0
    max_rows: int = 100_000
    memory: str = "512MB"
    first_rows: int = 40_000


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
    salt = token_hex(8)
    made = plan(sql, allowed, salt=salt, first_rows=limits.first_rows)
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
        if found is None:
            made = plan(sql, allowed, salt=salt)
            found = (
                made if isinstance(made, Refusal) else _run(connection, made, limits, parameters)
            )
    return _refused(found) if isinstance(found, Failure) else found


def _run(
    connection: duckdb.DuckDBPyConnection,
    made: Plan,
    limits: Limits,
    parameters: Mapping[str, str],
) -> pa.Table | Failure | None:
    """Answer by a plan; None where it leaves doubts."""

    def own(statement: Statement) -> Mapping[str, str] | None:
        return parameters if statement.needs_key else None

    with Asker(connection) as asker:

        def asked(statement: Statement) -> pa.Table | Failure:
            return asker.ask(
                statement.sql,
                max_seconds=limits.max_seconds,
                max_rows=limits.max_rows,
                parameters=own(statement),
            )

        for made_first, doubts in zip_longest(made.setup, made.doubts):
            failure = asker.do(
                made_first.sql, max_seconds=limits.max_seconds, parameters=own(made_first)
            )
            found = failure or (asked(doubts) if doubts else None)
            if isinstance(found, Failure):
                return found
            if found is not None and found[0][0].as_py():
                return None
        return asked(made.question)


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
