"""What is read from a database: a table, or a query that is proven to be one SELECT.

The proof is by parsing (SQLGlot); the database's own read-only transaction stands behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlalchemy import Connection, FromClause, Select, column, inspect, select, table, text
from sqlalchemy import false as never
from sqlalchemy.exc import NoSuchTableError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shuzhi.gather.sources.model import SqlSource
from shuzhi.kernel.errors import RefusedError

_DIALECTS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "tsql",
    "oracle": "oracle",
    "sqlite": "sqlite",
}
_WRITES = (
    exp.DML,
    exp.DDL,
    exp.Into,
    exp.Lock,
    exp.Command,
    exp.Alter,
    exp.Drop,
    exp.Set,
    exp.Pragma,
    exp.Placeholder,
)


@dataclass(frozen=True)
class Relation:
    """What a source reads, as something to select from; `columns` in their order."""

    clause: FromClause
    columns: tuple[str, ...]

    def rows(self) -> Select[tuple[object, ...]]:
        """Return the SELECT of all rows and columns."""
        return select(*(self.clause.c[name] for name in self.columns))


def relation(connection: Connection, source: SqlSource, shown: str) -> Relation:
    """Return what `source` reads.

    Raises:
        RefusedError: `gather.sql_no_table`, `gather.sql_no_column`, `gather.sql_not_a_select`,
            `gather.sql_repeated_column`.
    """
    if source.query is not None:
        found = _query(connection, source.query)
    else:
        found = _table(connection, source.table or "", shown)
    if source.cursor_column is not None and source.cursor_column not in found.columns:
        raise RefusedError(
            "gather.sql_no_column",
            f"{shown} gives no column {source.cursor_column!r} for `cursor_column`; it gives "
            f"{', '.join(found.columns[:40])}.",
            next_step="Name one of these, written alike.",
        )
    return found


def check_select(query: str, dialect: str) -> None:
    """Refuse a `query` that is not exactly one SELECT which only reads.

    `dialect` is SQLAlchemy's name. Functions are not judged: what they may do is for the
    database's grants and the read-only transaction.

    Raises:
        RefusedError: `gather.sql_not_a_select`.
    """
    try:
        statements = sqlglot.parse(query, dialect=_DIALECTS.get(dialect))
    except (SqlglotError, RecursionError):
        raise _not_a_select("it cannot be parsed") from None
    # What follows the last semicolon parses as None, or as a lone comment.
    real = [s for s in statements if s is not None and not isinstance(s, exp.Semicolon)]
    if len(real) != 1:
        raise _not_a_select(f"it holds {len(real)} statements")
    if not isinstance(real[0], exp.Query):
        raise _not_a_select(f"it is a statement of the kind {real[0].key.upper()}")
    # A SELECT can hide a write: in a WITH, in an INTO, in a lock.
    hidden = next(real[0].find_all(*_WRITES), None)
    if hidden is not None:
        raise _not_a_select(f"it holds {hidden.key.upper()}")


def _query(connection: Connection, query: str) -> Relation:
    check_select(query, connection.dialect.name)
    # Colons are our text()'s parameters, and a last comment would swallow what follows it.
    wrapped = text("\n" + query.strip().rstrip(";").replace(":", "\\:") + "\n")
    probe = wrapped.columns().subquery("source_rows")
    names = tuple(connection.execute(select(text("*")).select_from(probe).where(never())).keys())
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise RefusedError(
            "gather.sql_repeated_column",
            f"The query gives more than one column called {', '.join(repeated)}.",
            next_step="Give each its own name with AS.",
        )
    clause = wrapped.columns(*map(column, names)).subquery("source_rows")
    return Relation(clause, names)


def _table(connection: Connection, name: str, shown: str) -> Relation:
    schema, _, bare = name.rpartition(".")
    try:
        described = inspect(connection).get_columns(bare, schema=schema or None)
    except NoSuchTableError:
        raise RefusedError(
            "gather.sql_no_table",
            f"{shown} has no table or view {name!r}, or does not show it to us.",
            next_step="Correct `table` (or schema.table), or ask for the right to read it.",
        ) from None
    names = tuple(each["name"] for each in described)
    return Relation(table(bare, *map(column, names), schema=schema or None), names)


def _not_a_select(why: str) -> RefusedError:
    return RefusedError(
        "gather.sql_not_a_select",
        f"`query` must be one SELECT that only reads, but {why}.",
        next_step="Write one SELECT (WITH is fine), or name a `table`.",
    )
