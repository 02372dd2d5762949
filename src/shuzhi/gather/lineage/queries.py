"""Queries over the lake as parsed and qualified trees, or a refusal that knows its place.

Whatever reads data by a name that is no data set, and whatever brings forth columns that the text
does not tell, is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from shuzhi.gather.lineage.errors import SqlError, sql_error

Schemas = Mapping[str, Mapping[str, str]]
DIALECT = "duckdb"
_MOST_CHARACTERS = 100_000
# The same texts, those of models and rules, are read again and again; longer ones are not kept.
_TREES_KEPT, _CHARACTERS_KEPT = 256, 4_000
_NAMES_KEPT = 1_024
_UNTRACEABLE: Mapping[type, str] = {
    exp.Pivot: "PIVOT",
    exp.UDTF: "a table function",
    exp.Columns: "COLUMNS(…)",
    exp.TableColumn: "a whole row as one value",
}


def parse_query(sql: str) -> exp.Query:
    """Parse `sql` as one query (SELECT, or a union of such; DuckDB's dialect).

    Raises:
        SqlError: `gather.sql_not_read` when it is too long, is no SQL, or is not one query.
    """
    if len(sql) > _MOST_CHARACTERS:
        raise unread(f"the query is longer than {_MOST_CHARACTERS:,} characters")
    return _kept(sql).copy() if len(sql) <= _CHARACTERS_KEPT else _parsed(sql)


@lru_cache(maxsize=_TREES_KEPT)
def _kept(sql: str) -> exp.Query:
    return _parsed(sql)


def _parsed(sql: str) -> exp.Query:
    try:
        parsed = sqlglot.parse(sql, dialect=DIALECT)
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        place = (first.get("line") or 1, first.get("col") or 1)
        raise unread(str(first.get("description") or "this is no SQL"), place) from None
    except (SqlglotError, RecursionError):
        raise unread("this is no SQL, or is nested too deeply") from None
    # A comment after the last semicolon parses as a statement of its own.
    statements = [s for s in parsed if s is not None and not isinstance(s, exp.Semicolon)]
    if len(statements) == 1 and isinstance(statements[0], (exp.Select, exp.SetOperation)):
        return statements[0]
    kinds = ", ".join(s.key.upper() for s in statements) or "nothing"
    raise unread(f"one SELECT is needed and nothing else, but there is {kinds}")


@lru_cache(maxsize=_NAMES_KEPT)
def read_datasets(sql: str) -> tuple[str, ...]:
    """Return the data sets that `sql` names, in lower case, sorted. Raises as `parse_query`."""
    return tuple(sorted({t.name for t in _dataset_tables(_normalised(parse_query(sql)))}))


def qualified_query(query: exp.Query, sql: str, schemas: Schemas) -> exp.Query:
    """Return `query` with stars expanded and every column told its table, in lower case.

    Raises:
        SqlError: as `columns.columns_of`.
    """
    _check_tables(_normalised(query), sql, schemas)
    check_traceable(query, sql)
    plain: dict[str, object] = {d: dict.fromkeys(c, "TEXT") for d, c in schemas.items()}
    try:
        # Columns are checked by us, after: we know the place and the close names.
        done = qualify(query.copy(), dialect=DIALECT, schema=plain, validate_qualify_columns=False)
    except OptimizeError as error:
        raise _unqualified(str(error), query, sql, schemas) from None
    check_traceable(done, sql)
    return done


def unread(problem: str, place: tuple[int, int] = (1, 1)) -> SqlError:
    """Return the refusal of a text that is not one query."""
    return SqlError(
        "gather.sql_not_read",
        f"{problem[:300].rstrip('.')}.",
        line=place[0],
        column=place[1],
        next_step="Write one SELECT in DuckDB's SQL.",
    )


def unknown_column(
    node: exp.Expr, sql: str, known: Iterable[str], *, what: str = "column"
) -> SqlError:
    """Return the refusal of a column (or of a column's table) that is not among `known`."""
    return sql_error(
        "gather.sql_unknown_column",
        f"there is no {what} {node.name!r} here.",
        node=node,
        sql=sql,
        next_step=_close(node.name, known),
    )


def _unqualified(problem: str, query: exp.Query, sql: str, schemas: Schemas) -> SqlError:
    named = re.match(r"Unknown column: (.*)", problem)
    columns = query.find_all(exp.Column)
    node = next((c for c in columns if named and c.name.lower() == named[1].lower()), None)
    if node is None:
        return unread(problem.split(". Line:")[0])
    return unknown_column(node, sql, {c.lower() for columns in schemas.values() for c in columns})


def _normalised(query: exp.Query) -> exp.Query:
    return normalize_identifiers(query.copy(), dialect=DIALECT)


def _dataset_tables(query: exp.Query) -> Iterator[exp.Table]:
    """Yield the tables that are not names of the query's own WITH parts."""
    root = build_scope(query)
    scopes = [] if root is None else list(root.traverse())
    own = {
        id(table)
        for scope in scopes
        for table in scope.tables
        if isinstance(scope.sources.get(table.alias_or_name), Scope)
    }
    yield from (table for table in query.find_all(exp.Table) if id(table) not in own)


def _check_tables(query: exp.Query, sql: str, schemas: Schemas) -> None:
    known = {name.lower() for name in schemas}
    try:
        tables = list(_dataset_tables(query))
    except OptimizeError as error:
        raise unread(str(error)) from None
    for table in tables:
        if not isinstance(table.this, exp.Identifier) or table.db:
            raise _untraced(table, sql, f"{table.sql(DIALECT)[:60]} is not the name of a data set")
        if table.name not in known:
            raise sql_error(
                "gather.sql_unknown_dataset",
                f"there is no data set {table.name!r} that this query may read.",
                node=table,
                sql=sql,
                next_step=_close(table.name, known),
            )


def check_traceable(query: exp.Query, sql: str) -> None:
    """Refuse what brings forth columns that the text does not tell.

    Raises:
        SqlError: `gather.sql_not_traced` with its place.
    """
    for node in query.walk():
        found = next((word for kind, word in _UNTRACEABLE.items() if isinstance(node, kind)), None)
        if isinstance(node, exp.With) and node.args.get("recursive"):
            found = "WITH RECURSIVE"
        if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
            found = "UNION BY NAME"
        if found is not None:
            raise _untraced(node, sql, f"{found} cannot be traced to columns")


def _untraced(node: exp.Expr, sql: str, problem: str) -> SqlError:
    return sql_error(
        "gather.sql_not_traced",
        f"{problem}.",
        node=node,
        sql=sql,
        next_step="Name data sets and their columns, joined and grouped by plain SQL.",
    )


def _close(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name.lower(), sorted(known), n=3)
    return f"Did you mean {' or '.join(close)}?" if close else "Check the name."
