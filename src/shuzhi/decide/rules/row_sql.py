"""The SQL of a rule over rows: which shapes are taken, and how it is bound to a batch.

Only a query that judges each row of `new` by itself is taken, and `past` is cut for each row to
what lies before it: so a rule finds the same, live in batches of any size and over history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from functools import lru_cache

from sqlglot import exp

from shuzhi.decide.rules.model import RowRule, Value
from shuzhi.decide.sql import Dated, by_instant, moment, parsed, require_reads, span_text
from shuzhi.gather.lineage.errors import SqlError, sql_error

NEW, PAST = "new", "past"
# The row's time as the engine knows it, beside the columns of the data set.
TIME = "__time"
LIMIT = "limit"
_WHOLE = {
    "group": "GROUP BY",
    "having": "HAVING",
    "qualify": "QUALIFY",
    "distinct": "DISTINCT",
    "order": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "with_": "WITH",
}


def check_rows(
    sql: str, *, values: Collection[str], reads: Collection[str], has_past: bool
) -> tuple[str, ...]:
    """Return the names of the answer's columns, or refuse what does not judge row by row.

    Raises:
        SqlError: `decide.sql_not_by_row` with its place; as `parsed` and `require_reads`.
    """
    query = parsed(sql, names=values)
    require_reads(sql, {NEW, *reads, *({PAST} if has_past else ())})
    outer = _require_select(query, sql)
    _require_by_row(outer, sql)
    for table in _tables(outer, PAST):
        _require_plain_past(table, sql)
    for table in outer.find_all(exp.Table):
        if table is not outer.args["from_"].this and _known_as(table) == _new_alias(outer):
            raise _refusal(table, sql, f"{_known_as(table)} is the name of the new row already")
    return _columns(outer, sql)


def bound(rule: RowRule, limits: Dated | None) -> str:
    """Return DuckDB SQL for the rule over `new` and `past`, with the `TIME` of each finding."""
    # True equals 1, so that what is remembered has to be told apart by type as well.
    values = tuple((name, type(value), value) for name, value in sorted(rule.values.items()))
    return _bound(rule.sql, rule.look_back or timedelta(), values, limits)


# A running city asks the same of every batch, and to read SQL takes longer than to run it.
@lru_cache(maxsize=4096)
def _bound(
    sql: str,
    look_back: timedelta,
    values: tuple[tuple[str, type, Value], ...],
    limits: Dated | None,
) -> str:
    named = {name: value for name, _, value in values}
    query = _require_select(parsed(sql, names={LIMIT, *named}), sql)
    time = exp.column(TIME, table=_new_alias(query), quoted=True)
    for table in list(_tables(query, PAST)):
        _cut_past(table, time, look_back)
    if limits is not None:
        query = query.where(exp.GTE(this=time.copy(), expression=moment(limits[0][0])))

    def filled(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, (exp.Placeholder, exp.Parameter)):
            return node
        if node.name == LIMIT and limits is not None:
            return by_instant(limits, time)
        return exp.convert(named[node.name])

    projected = query.select(exp.alias_(time.copy(), TIME, quoted=True)).transform(filled)
    return projected.sql("duckdb")


def columns_used(rule: RowRule) -> frozenset[str]:
    """Return the names, in lower case, of every column that the rule's SQL mentions."""
    return _columns_used(rule.sql, frozenset(rule.values))


@lru_cache(maxsize=4096)
def _columns_used(sql: str, values: frozenset[str]) -> frozenset[str]:
    query = parsed(sql, names={LIMIT, *values})
    return frozenset(column.name.lower() for column in query.find_all(exp.Column))


def _require_select(query: exp.Query, sql: str) -> exp.Select:
    if not isinstance(query, exp.Select):
        raise _refusal(query, sql, "it is a union of queries", "Write one rule for each.")
    source = query.args.get("from_")
    if source is None or not _is_named(source.this, NEW):
        raise _refusal(query, sql, "it does not read FROM new", "Begin with FROM new.")
    return query


def _require_by_row(outer: exp.Select, sql: str) -> None:
    for key, word in _WHOLE.items():
        node = outer.args.get(key)
        if node:
            raise _refusal(node if isinstance(node, exp.Expr) else outer, sql, f"it has {word}")
    for node in outer.find_all(exp.AggFunc, exp.Window, exp.Limit, exp.TableSample, exp.With):
        is_inside = node.find_ancestor(exp.Select) is not outer
        if not (is_inside and isinstance(node, exp.AggFunc)):
            raise _refusal(node, sql, f"{node.sql('duckdb')[:40]} depends on other new rows")
    if len(list(_tables(outer, NEW))) > 1:
        raise _refusal(outer, sql, "it reads new twice, and so judges rows by each other")
    if any(j.side in ("RIGHT", "FULL") for j in outer.args.get("joins") or ()):
        raise _refusal(outer, sql, "a RIGHT or FULL join brings rows that are not new")


def _require_plain_past(table: exp.Table, sql: str) -> None:
    around = _around(table)
    join = table.find_ancestor(exp.Join, exp.Select)
    is_outer = isinstance(join, exp.Join) and join.side
    if around.find_ancestor(exp.Select) is None:
        raise _refusal(table, sql, "past stands outside a sub-query", _PAST_HOW)
    if is_outer or any(j.side in ("RIGHT", "FULL") for j in around.args.get("joins") or ()):
        raise _refusal(table, sql, "past stands in an outer join", _PAST_HOW)


_PAST_HOW = "Ask it in a sub-query: (SELECT COUNT(*) FROM past WHERE past.station = new.station)."


def _columns(outer: exp.Select, sql: str) -> tuple[str, ...]:
    names: list[str] = []
    for node in outer.selects:
        name = node.alias_or_name
        if not name or node.is_star:
            problem = f"{node.sql('duckdb')[:40]} is no named column"
            raise _refusal(node, sql, problem, "Name what a warning shall show, with AS.")
        if name.startswith("__"):
            problem = f"{name[:40]} begins with __, as columns of ours do"
            raise _refusal(node, sql, problem, "Choose another name.")
        if name.lower() in names:
            raise _refusal(node, sql, f"two columns are called {name}", "Name each once.")
        names.append(name.lower())
    return tuple(names)


def _cut_past(table: exp.Table, time: exp.Column, look_back: timedelta) -> None:
    around = _around(table)
    own = exp.column(TIME, table=_known_as(table), quoted=True)
    span = exp.cast(exp.Literal.string(span_text(look_back)), "INTERVAL")
    earliest = exp.Sub(this=time.copy(), expression=span)
    around.where(
        exp.LT(this=own, expression=time.copy()),
        exp.GTE(this=own.copy(), expression=earliest),
        copy=False,
    )


def _tables(query: exp.Expr, name: str) -> Iterator[exp.Table]:
    return (table for table in query.find_all(exp.Table) if _is_named(table, name))


def _around(table: exp.Table) -> exp.Select:
    """Return the SELECT in whose FROM or JOIN a table stands; every rule begins with one."""
    found = table.find_ancestor(exp.Select)
    return found if found is not None else exp.Select()


def _is_named(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Table) and node.name.lower() == name and not node.db


def _known_as(table: exp.Table) -> str:
    return table.alias_or_name.lower()


def _new_alias(outer: exp.Select) -> str:
    return _known_as(outer.args["from_"].this)


def _refusal(node: exp.Expr, sql: str, problem: str, how: str = "") -> SqlError:
    return sql_error(
        "decide.sql_not_by_row",
        f"{problem}.",
        node=node,
        sql=sql,
        next_step=how or "A rule judges each new row by itself; let a model aggregate first.",
    )
