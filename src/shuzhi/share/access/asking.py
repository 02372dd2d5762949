"""Runs a user's question over the lake, behind a second wall.

The connection is made for one question. It holds the tables of the grants and no other, under
names that no text can speak of; it reads no file but theirs, loads nothing, and its settings are
locked. What the database says of a failure is never passed on, for it may hold values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex

import duckdb
import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.asking import Asker, Failure
from shuzhi.kernel.errors import BrokenError
from shuzhi.share.access.governed import KEY, mask_key, table_called
from shuzhi.share.access.model import Allowed, Refusal
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.rewriting import DIALECT, Most, Plan, Statement, plan


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds of the clock, rows of the answer, memory (`512MB`).

    At most `first_rows` are looked at to tell that cells of figures are large; where those leave
    doubts, all are counted. They change how long a question takes, never its answer.
    """

    max_seconds: float = 30.0
    max_rows: int = 100_000
    memory: str = "512MB"
    first_rows: int = 400_000


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
    salt, most = token_hex(8), Most(limits.max_rows, limits.first_rows)
    made = plan(sql, allowed, salt=salt, most=most)
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
        while (found := _run(connection, made, limits, parameters)) is None:
            most = replace(most, tries=most.tries + 1)
            made = plan(sql, allowed, salt=salt, most=most)
            if isinstance(made, Refusal):
                return made
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
        for statement in made.setup:
            failure = asker.do(
                statement.sql, max_seconds=limits.max_seconds, parameters=own(statement)
            )
            if failure:
                return failure
        found = asker.ask(
            made.question.sql,
            max_seconds=limits.max_seconds,
            max_rows=limits.max_rows,
            parameters=own(made.question),
        )
    return _without_doubts(found) if made.tells_doubts else found


def _without_doubts(found: pa.Table | Failure) -> pa.Table | Failure | None:
    """Return the answer of a plan that tells its doubts; None where it has some."""
    if isinstance(found, Failure):
        # Of other cells than those that will be shown, more may be too many, or fail.
        return found if found.code == "slow" else None
    if not found.num_rows or found.columns[-1][0].as_py():
        return None
    return found.select(range(found.num_columns - 1))


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
