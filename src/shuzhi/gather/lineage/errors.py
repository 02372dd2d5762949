"""Refusals of lineage that know their place."""

from __future__ import annotations

from sqlglot import exp

from shuzhi.kernel.errors import RefusedError


class SqlError(RefusedError):
    """A query cannot be used; `line` and `column` (from 1) say where, `problem` says why."""

    def __init__(
        self, code: str, problem: str, *, line: int, column: int, next_step: str = ""
    ) -> None:
        super().__init__(code, f"Line {line}, column {column}: {problem}", next_step=next_step)
        self.problem = problem
        self.line = line
        self.column = column


def place_of(node: exp.Expr, sql: str) -> tuple[int, int]:
    """Return line and column (from 1) where `node` begins in `sql`; the query's own at worst."""
    starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
    start = min(starts, default=len(sql) - len(sql.lstrip()))
    return sql.count("\n", 0, start) + 1, start - (sql.rfind("\n", 0, start) + 1) + 1


def sql_error(
    code: str, problem: str, *, node: exp.Expr, sql: str, next_step: str = ""
) -> SqlError:
    """Return the refusal of `node` in `sql`."""
    line, column = place_of(node, sql)
    return SqlError(code, problem, line=line, column=column, next_step=next_step)
