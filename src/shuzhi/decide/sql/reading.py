"""Reads the SQL of a pack: one SELECT, functions that mean the same everywhere, declared data."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from shuzhi.gather.lineage import (
    check_functions,
    check_traceable,
    parse_query,
    read_datasets,
)
from shuzhi.gather.lineage.errors import SqlError, sql_error


def parsed(sql: str, *, names: Collection[str] = ()) -> exp.Query:
    """Return `sql` parsed; of placeholders it has those called `names` and no others.

    Raises:
        SqlError: as `parse_query`, `check_functions` and `check_traceable`;
            `decide.sql_unknown_value` for a placeholder of another name.
    """
    query = parse_query(sql)
    check_functions(query, sql)
    check_traceable(query, sql)
    for node in (*query.find_all(exp.Placeholder), *query.find_all(exp.Parameter)):
        if node.name not in names:
            known = ", ".join(f":{n}" for n in sorted(names)) or "none"
            raise sql_error(
                "decide.sql_unknown_value",
                f"no value is called :{node.name or '?'}.",
                node=node,
                sql=sql,
                next_step=f"The values that can stand here are: {known}.",
            )
    return query


def require_reads(sql: str, declared: Collection[str]) -> None:
    """Refuse SQL that reads anything but the data sets `declared`.

    Raises:
        SqlError: `decide.sql_undeclared`.
    """
    query = parse_query(sql)
    allowed = {name.lower() for name in declared}
    undeclared = set(read_datasets(sql)) - allowed
    for table in query.find_all(exp.Table):
        if table.name.lower() in undeclared or table.db or not table.name:
            shown = table.sql("duckdb")[:60]
            raise sql_error(
                "decide.sql_undeclared",
                f"it reads {shown}, which is not declared.",
                node=table,
                sql=sql,
                next_step="Name it under `reads`, or take one of: "
                f"{', '.join(sorted(allowed)) or 'nothing'}.",
            )


def problem_of(error: SqlError) -> str:
    """Return what is wrong and what to write instead, as one text."""
    return f"{error.problem} {error.next_step}".strip()
