"""Figures over groups of people, of which none stands out (usable, not visible 可用不可见).

A question is one SELECT over one data set: columns of GROUP BY (or a year, month or day of them)
and figures. Its filter is a list of `column = value` and `column IN (…)`, joined by AND. How cells
are judged is in `cells.py`; which attacks that leaves is told in docs/access.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from shuzhi.share.access.cells import Question
from shuzhi.share.access.model import Allowed
from shuzhi.share.access.reading import no, terms_of
from shuzhi.share.access.tallies import counted

_FIGURES = (exp.Count, exp.Sum, exp.Avg)
_TIMES = (exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.Year, exp.Month, exp.Day)
_PARTS = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit", "offset"})
# Of so many columns every choice is a lot in which cells could be told from each other.
_MOST_KEYS = 3
_MOST_TERMS = 8
_MOST_VALUES = 50
_MOST_FIGURES = 8
_FORM = (
    "One SELECT from one data set: at most three columns in GROUP BY, COUNT, SUM and AVG of "
    "columns, and WHERE with = and IN joined by AND."
)


def figures(query: exp.Query, sql: str, allowed: Allowed) -> Question:
    """Return the question that `query` is, with its parts checked. Raises NotProven."""
    if not isinstance(query, exp.Select) or not _is_flat(query):
        raise no("sql_form", _FORM, query, sql)
    for column in query.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier):
            column.set("table", None)
            column.set("this", exp.to_identifier(column.name.lower(), quoted=True))
    return _question(query, sql, allowed)


def _is_flat(query: exp.Select) -> bool:
    given = {name for name, part in query.args.items() if part}
    return given <= _PARTS and len(list(query.find_all(exp.Query, exp.Window))) == 1


def _question(query: exp.Select, sql: str, allowed: Allowed) -> Question:
    group, where, having, order = (
        query.args.get(name) for name in ("group", "where", "having", "order")
    )
    keys = _keys(query, group, allowed)
    terms = terms_of(query)
    outputs = [*query.expressions, *([having.this] if having else [])]
    outputs += [ordered.this for ordered in (order.expressions if order else ())]
    names = {a.alias.lower() for a in query.expressions if isinstance(a, exp.Alias)}
    found = {figure: None for output in outputs for figure in _figures(output)}
    for node, is_right in (
        *((key, _is_key(key)) for key in keys),
        *((term, _is_term(term)) for term in terms),
        *((output, _is_output(output, keys, names)) for output in outputs),
        (group, len(keys) <= _MOST_KEYS),
        (where, len(terms) <= _MOST_TERMS),
        (query, len(found) <= _MOST_FIGURES),
    ):
        if not is_right:
            raise no("sql_form", _FORM, node or query, sql)
    return Question(query, allowed, tuple(keys), tuple(terms), tuple(found))


def _keys(query: exp.Select, group: exp.Group | None, allowed: Allowed) -> list[exp.Expr]:
    aliases = {a.alias.lower(): a.this for a in query.expressions if isinstance(a, exp.Alias)}
    # As in SQL, a name in GROUP BY is the data set's before it is one of the answer's.
    own = {column.name for column in allowed.columns}
    return [
        key if key.name in own else aliases.get(key.name, key)
        for key in (group.expressions if group else ())
    ]


def _is_key(node: exp.Expr) -> bool:
    if isinstance(node, exp.Extract):
        return _is_column(node.expression)
    return _is_column(node) or (isinstance(node, _TIMES) and _is_column(node.this))


def _is_column(node: object) -> bool:
    return isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier)


def _is_term(node: exp.Expr) -> bool:
    bare = node.this.unnest() if isinstance(node, exp.Not) else node
    if not isinstance(bare, (exp.Is, exp.In, exp.EQ, exp.NEQ)) or not _is_column(bare.this):
        return False
    if isinstance(bare, exp.Is):
        return isinstance(bare.expression, exp.Null)
    values = bare.expressions if isinstance(bare, exp.In) else [bare.expression]
    constants = (exp.Literal, exp.Boolean)
    return 0 < len(values) <= _MOST_VALUES and all(isinstance(v, constants) for v in values)


def _is_output(node: exp.Expr, keys: list[exp.Expr], names: set[str]) -> bool:
    """Whether `node` is made of keys, figures, names of outputs and constants only."""
    if node in keys or _is_figure(node):
        return True
    if isinstance(node, exp.Column):
        return node.name in names
    if isinstance(node, (exp.AggFunc, exp.Star, exp.Filter)):
        return False
    return all(_is_output(part, keys, names) for part in _operands(node))


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    words = (exp.Identifier, exp.DataType, exp.Var)
    return (part for part in node.iter_expressions() if not isinstance(part, words))


def _is_figure(node: exp.Expr) -> bool:
    if not isinstance(node, _FIGURES) or node.args.get("expressions"):
        return False
    inner = counted(node)
    return _is_column(inner) or (isinstance(node, exp.Count) and isinstance(inner, exp.Star))


def _figures(output: exp.Expr) -> Iterator[exp.Expr]:
    return (node for node in output.find_all(*_FIGURES) if _is_figure(node))
