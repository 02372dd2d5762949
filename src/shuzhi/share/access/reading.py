"""Reads SQL of a user into a tree that is inside the allow-list, or says where it is not.

What the database gets is written anew from that tree and never the text itself, so that a text
which two parsers read in two ways comes to mean only what was checked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from sqlglot import exp

from shuzhi.gather.lineage import check_functions, parse_query
from shuzhi.gather.lineage.errors import SqlError, place_of
from shuzhi.share.access.model import Allowed, Refusal
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.shapes import disallowed

_MOST_CHARACTERS = 20_000
_MOST_NODES = 4_000
_SPACES = "\n\r\t"
# Controls, what is not shown, halves of characters, and what has no meaning yet.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class NotProven(Exception):  # noqa: N818  (it is no error of ours or theirs: it carries a no)
    """Carries a refusal out of the depth of a tree; never leaves this room."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def no(reason: str, what: str, node: exp.Expr, sql: str) -> NotProven:
    """Return the refusal of `node` in `sql`, to be raised."""
    line, column = place_of(node, sql)
    return NotProven(refused(reason, what, line=line, column=column))


def read(sql: str) -> exp.Query:
    """Return the tree of `sql`, all of it inside the allow-list. Raises NotProven."""
    if len(sql) > _MOST_CHARACTERS or any(_is_unseen(c) for c in sql):
        raise NotProven(refused("sql_text"))
    try:
        query = parse_query(sql)
        _check(query, sql)
        check_functions(query, sql)
    except SqlError as error:
        is_read = error.code == "gather.sql_function"
        what = f"{error.problem} {error.next_step}" if is_read else error.problem
        reason = "sql_engines_differ" if is_read else "sql_not_read"
        raise NotProven(refused(reason, what, line=error.line, column=error.column)) from None
    except RecursionError:
        raise NotProven(refused("sql_not_read", "It is nested too deeply.")) from None
    return query


def resolve(query: exp.Query, sql: str, allowed: Mapping[str, Allowed]) -> dict[int, Allowed]:
    """Return what each table node of `query` (by `id`) reads; names of its own WITH are left out.

    Raises NotProven for a table, column or qualifier that no grant and no part of the query names.
    """
    own = _check_own_names(query, sql, allowed)
    read_by: dict[int, Allowed] = {}
    for table in query.find_all(exp.Table):
        name = table.name.lower()
        if name in own:
            _check_visible(table, name, sql)
        elif name in allowed:
            read_by[id(table)] = allowed[name]
        else:
            raise no("sql_unknown_table", table.name, table, sql)
    _check_columns(query, sql, read_by)
    return read_by


def conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the parts of `condition` that must all hold."""
    bare = condition.unnest()
    if isinstance(bare, exp.And):
        yield from conjuncts(bare.this)
        yield from conjuncts(bare.expression)
    else:
        yield bare


def terms_of(select: exp.Select) -> list[exp.Expr]:
    """Return the terms of the filter of `select`, which must all hold."""
    where = select.args.get("where")
    return list(conjuncts(where.this)) if where else []


def only_counted(query: exp.Query) -> frozenset[str]:
    """Return the names of which `query` asks nothing but how many values there are, or are missing.

    Names are in lower case; one that stands for itself anywhere is none of them.
    """
    counted: set[str] = set()
    others: set[str] = {
        name.name.lower()
        for join in query.find_all(exp.Join)
        for name in join.args.get("using") or ()
    }
    for column in query.find_all(exp.Column):
        (counted if _is_counted(column) else others).add(column.name.lower())
    return frozenset() if "*" in others else frozenset(counted - others)


def _is_counted(column: exp.Column) -> bool:
    around = column.parent
    if isinstance(around, exp.Distinct) and len(around.expressions) == 1:
        around = around.parent
    if isinstance(around, exp.Is):
        return isinstance(around.expression, exp.Null)
    return isinstance(around, exp.Count)


def title(output: exp.Expr) -> str:
    """Return the name of a column of the answer: its own, or what was written."""
    if isinstance(output, (exp.Alias, exp.Column)):
        return output.alias_or_name
    return output.sql("duckdb", comments=False).lower()[:60]


def _is_unseen(character: str) -> bool:
    return character not in _SPACES and unicodedata.category(character) in _UNSEEN


def _check(query: exp.Query, sql: str) -> None:
    for count, node in enumerate(query.walk()):
        if count > _MOST_NODES:
            raise NotProven(refused("sql_text"))
        if word := disallowed(node):
            reason = "sql_function" if isinstance(node, exp.Func) else "sql_not_allowed"
            raise no(reason, word, node, sql)
        if isinstance(node, exp.Identifier) and not _is_plain(node.name):
            raise no("sql_name_taken", ascii(node.name), node, sql)


def _is_plain(name: str) -> bool:
    """Whether a name reads the same to everybody: no look-alike forms, no signs inside."""
    return unicodedata.normalize("NFKC", name) == name and name.replace("_", "a").isalnum()


def _check_own_names(query: exp.Query, sql: str, allowed: Mapping[str, Allowed]) -> set[str]:
    """Return the names of WITH parts; each is used once and hides no data set."""
    own: set[str] = set()
    for part in query.find_all(exp.CTE):
        name = part.alias.lower()
        if name in own or name in allowed:
            raise no("sql_name_taken", part.alias, part, sql)
        own.add(name)
    return own


def _check_visible(table: exp.Table, name: str, sql: str) -> None:
    """Refuse a WITH part that is named where it cannot be seen: in itself, before, or outside."""
    node: exp.Expr = table
    while parent := node.parent:
        if isinstance(node, exp.CTE) and isinstance(parent, exp.With):
            before = parent.expressions[: _index(parent.expressions, node)]
            if any(part.alias.lower() == name for part in before):
                return
        elif isinstance(parent, exp.Query) and node is not parent.args.get("with_"):
            own = parent.args.get("with_")
            if own and any(part.alias.lower() == name for part in own.expressions):
                return
        node = parent
    raise no("sql_unknown_table", table.name, table, sql)


def _index(nodes: list[exp.Expr], wanted: exp.Expr) -> int:
    return next(i for i, node in enumerate(nodes) if node is wanted)


def _check_columns(query: exp.Query, sql: str, read_by: Mapping[int, Allowed]) -> None:
    tables = {t.alias_or_name.lower() for t in query.find_all(exp.Table, exp.Subquery)}
    names = {column.name for allowed in read_by.values() for column in allowed.columns}
    names |= {alias.alias.lower() for alias in query.find_all(exp.Alias)}
    for column in query.find_all(exp.Column):
        if column.table and column.table.lower() not in tables:
            raise no("column_not_granted", f"{column.table}.{column.name}", column, sql)
        if not isinstance(column.this, exp.Star) and column.name.lower() not in names:
            raise no("column_not_granted", column.name, column, sql)
    for join in query.find_all(exp.Join):
        for name in join.args.get("using") or ():
            if name.name.lower() not in names:
                raise no("column_not_granted", name.name, join, sql)
