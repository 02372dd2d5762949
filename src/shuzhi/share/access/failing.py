"""Tells queries that cannot fail on any row from those that might.

A database may test a filter of the asker's on rows before it tests whether they are allowed; where
that test can fail, the failure would tell of a row that is not. What is done about it is in
`apart.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlglot import exp

from shuzhi.gather.contracts import LogicalType
from shuzhi.share.access.masks import AddressTo, Hashed, NumberTo, Partial
from shuzhi.share.access.model import Allowed, AllowedColumn
from shuzhi.share.access.reading import conjuncts

_FRAME = (
    *(exp.Select, exp.Subquery, exp.With, exp.CTE),
    *(exp.TableAlias, exp.From, exp.Join, exp.Table, exp.Where, exp.Having, exp.Qualify),
    *(exp.Group, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Alias),
    *(exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.Paren),
)
_JOINED = (exp.Not, exp.And, exp.Or)
_LOGIC = (*_JOINED, exp.Is, exp.Like, exp.ILike, exp.In, exp.Between)
_TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
# They see rows only after every filter.
_FIGURES = (
    *(exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.CountIf, exp.Filter),
    *(exp.Window, exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank),
)
_NEVER = frozenset((*_FRAME, *_LOGIC, *_TESTS, *_FIGURES))
_TO_TEXT = (Partial, Hashed, AddressTo)
# Of one of these a value equals, and is ordered with, any other without a cast.
_COMPARABLE = frozenset({LogicalType.STRING, LogicalType.INTEGER, LogicalType.DATE})

# What they answer is a whole number, whatever they are over.
_WHOLE = (exp.Count, exp.CountIf, exp.RowNumber, exp.Rank, exp.DenseRank)
_SUMMED = (exp.Sum, exp.Avg, exp.Count, exp.Min, exp.Max)
# Which side of these is computed first, and of which rows the other, the database finds by trying.
_CHOSEN = (exp.And, exp.Or)
_GATHERED = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit"})

Types = Mapping[str, LogicalType | None]


def may_fail(query: exp.Query, allowed: Collection[Allowed]) -> bool:
    """Whether computing `query` could fail on some value of the columns allowed."""
    return _fails(query, _types(query, allowed))


def waiting_terms(query: exp.Query, allowed: Collection[Allowed]) -> list[exp.Expr] | None:
    """Return the terms of the filter of `query` that might fail, to be tested after the others.

    None where it might fail anywhere else but in these, in the arguments of its figures, and in
    what it is ordered by; or need not look at every row, as only figures, groups and an order do;
    or where the database would choose which of two parts, deep inside of a term, to compute first.
    """
    given = {name for name, part in query.args.items() if part}
    if not isinstance(query, exp.Select) or not given <= _GATHERED:
        return None
    figures = list(query.find_all(*_SUMMED))
    is_single = len(list(query.find_all(exp.Query, exp.Table, exp.Window))) == 2
    if not is_single or not (figures or given & {"group", "order"}):
        return None
    sorted_by = [] if figures or "group" in given else _sorted_by(query, allowed)
    types, where = _types(query, allowed), query.args.get("where")
    frail = [t for t in (conjuncts(where.this) if where else ()) if _fails(t, types)]
    chosen = [n for term in frail for n in _chosen_in(term)]
    chosen += [n for each in (*figures, *sorted_by) for n in each.find_all(*_CHOSEN)]
    if any(_fails(each, types) for each in chosen):
        return None
    rest = query.copy()
    rest.set("where", None)
    for each in list(rest.find_all(*_SUMMED)):
        each.set("this", exp.null())
    for output in list(rest.find_all(exp.Alias, exp.Ordered)):
        if output.this in sorted_by:
            output.set("this", exp.null())
    return None if _fails(rest, types) else frail


def _sorted_by(query: exp.Select, allowed: Collection[Allowed]) -> list[exp.Expr]:
    """Return what the rows are ordered by, which has to be computed of each of them."""
    columns = {column.name for each in allowed for column in each.columns}
    named = {a.alias.lower(): a.this for a in query.expressions if isinstance(a, exp.Alias)}
    keys = (ordered.this for ordered in query.args["order"].expressions)
    # A name that is a column's as well might be taken for either.
    own = {name: node for name, node in named.items() if name not in columns}
    return [own.get(k.name.lower(), k) if isinstance(k, exp.Column) else k for k in keys]


def _chosen_in(term: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the ANDs and ORs of `term` but those at its top, whose sides can be put in order."""
    bare = term.unnest()
    if isinstance(bare, _CHOSEN):
        yield from (*_chosen_in(bare.this), *_chosen_in(bare.expression))
    else:
        yield from bare.find_all(*_CHOSEN)


def _fails(tree: exp.Expr, types: Types) -> bool:
    return any(type(node) not in _NEVER or _may_cast(node, types) for node in tree.walk())


def _may_cast(node: exp.Expr, types: Types) -> bool:
    """Whether the database has to make values of a column fit before it can compute `node`."""
    if isinstance(node, (*_TESTS, exp.In, exp.Between)):
        return not _is_even(node, types)
    if isinstance(node, (exp.Like, exp.ILike)):
        return _kind(node.this, types) is not LogicalType.STRING
    if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
        return _kind(node.this, types) is not LogicalType.BOOLEAN
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return _is_condition(node) and _kind(node, types) is not LogicalType.BOOLEAN
    using = node.args.get("using") if isinstance(node, exp.Join) else None
    return any(types.get(name.name.lower()) not in _COMPARABLE for name in using or ())


def _is_condition(node: exp.Expr) -> bool:
    parent = node.parent
    if isinstance(parent, exp.Paren):
        return _is_condition(parent)
    is_on = isinstance(parent, exp.Join) and node.arg_key == "on"
    return is_on or isinstance(parent, (exp.Where, exp.Having, exp.Qualify, *_JOINED))


def _types(query: exp.Query, allowed: Collection[Allowed]) -> Types:
    """Return the type of each name's values as shown; None where a name has more than one."""
    types: dict[str, LogicalType | None] = {}
    for column in (c for each in allowed for c in each.columns):
        shown = _shown_type(column)
        types[column.name] = shown if types.get(column.name, shown) is shown else None
    for alias in query.find_all(exp.Alias):
        name = alias.alias.lower()
        if not isinstance(alias.this, exp.Column) or alias.this.name.lower() != name:
            types[name] = None
    return types


def _shown_type(column: AllowedColumn) -> LogicalType:
    if isinstance(column.mask, _TO_TEXT):
        return LogicalType.STRING
    return LogicalType.NUMBER if isinstance(column.mask, NumberTo) else column.logical_type


def _is_even(node: exp.Expr, types: Types) -> bool:
    """Whether a comparison needs no cast of a column: its sides are of one type, or constants.

    A constant that does not fit is found out before any row is read.
    """
    if isinstance(node, exp.In) and node.args.get("query"):
        return False
    sides = [*node.iter_expressions()]
    kinds = {_kind(side, types) for side in sides if not _is_constant(side)}
    if len(kinds) != 1 or None in kinds:
        return False
    (kind,) = kinds
    constants = [side for side in sides if _is_constant(side)]
    columns = len(sides) - len(constants)
    return all(_fits(c, kind) for c in constants) and (columns == 1 or kind in _COMPARABLE)


def _fits(constant: exp.Expr, kind: LogicalType | None) -> bool:
    """Whether it is the constant that is made to fit, and not the column."""
    if isinstance(constant, exp.Boolean):
        return kind is LogicalType.BOOLEAN
    if not isinstance(constant, exp.Literal) or constant.is_string:
        return True
    return kind is LogicalType.NUMBER or (kind is LogicalType.INTEGER and constant.is_int)


def _is_constant(node: exp.Expr) -> bool:
    return isinstance(node, (exp.Literal, exp.Boolean, exp.Null))


def _kind(node: exp.Expr, types: Types) -> LogicalType | None:
    bare = node.this if isinstance(node, exp.Window) else node
    if isinstance(bare, _WHOLE):
        return LogicalType.INTEGER
    return types.get(node.name.lower()) if isinstance(node, exp.Column) else None
