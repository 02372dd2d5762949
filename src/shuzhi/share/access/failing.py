"""Tells queries that cannot fail on any row from those that might.

A database may test a filter of the asker's on rows before it tests whether they are allowed; where
that test can fail, the failure would tell of a row that is not. What is done about it is in
`apart.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlglot import exp

from shuzhi.gather.contracts import LogicalType
from shuzhi.share.access.masks import AddressTo, Hashed, NumberTo, Partial
from shuzhi.share.access.model import Allowed, AllowedColumn

_FRAME = (
    *(exp.Select, exp.Subquery, exp.With, exp.CTE),
    *(exp.TableAlias, exp.From, exp.Join, exp.Table, exp.Where, exp.Having, exp.Qualify),
    *(exp.Group, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.Alias),
    *(exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null, exp.Paren),
)
_JOINED = (exp.Not, exp.And, exp.Or)
_LOGIC = (*_JOINED, exp.Is, exp.Like, exp.ILike, exp.In, exp.Between, exp.Exists)
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
Types = Mapping[str, LogicalType | None]


def may_fail(query: exp.Query, allowed: Collection[Allowed]) -> bool:
    """Whether computing `query` could fail on some value of the columns allowed."""
    return fails(query, types_in(query, allowed))


def fails(tree: exp.Expr, types: Types) -> bool:
    """Whether computing `tree` could fail on some value of columns of these `types`."""
    return any(type(node) not in _NEVER or _may_cast(node, types) for node in tree.walk())


def types_in(query: exp.Query, allowed: Collection[Allowed]) -> Types:
    """Return the type of each name's values as shown; None where a name has more than one."""
    types: dict[str, LogicalType | None] = {}
    for column in (c for each in allowed for c in each.columns):
        _learn(types, column.name, _shown_type(column))
    # Those inside are first: outside they are spoken of.
    for alias in reversed(list(query.find_all(exp.Alias))):
        _learn(types, alias.alias.lower(), _kind(alias.this, types))
    return types


def _learn(types: dict[str, LogicalType | None], name: str, kind: LogicalType | None) -> None:
    types[name] = kind if types.get(name, kind) is kind else None


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


def _shown_type(column: AllowedColumn) -> LogicalType:
    if isinstance(column.mask, _TO_TEXT):
        return LogicalType.STRING
    return LogicalType.NUMBER if isinstance(column.mask, NumberTo) else column.logical_type


def _is_even(node: exp.Expr, types: Types) -> bool:
    """Whether a comparison needs no cast of a column: its sides are of one type, or constants.

    A constant that does not fit is found out before any row is read.
    """
    if isinstance(node, exp.In) and (listed := node.args.get("query")):
        kind = _kind(node.this, types)
        return kind in _COMPARABLE and kind is _kind_of_rows(listed.this, types)
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


def _kind_of_rows(listed: exp.Expr, types: Types) -> LogicalType | None:
    """Return the type of the one column of a sub-query; None where it is not plain."""
    if not isinstance(listed, exp.Select) or len(listed.expressions) != 1:
        return None
    return _kind(listed.expressions[0].unalias(), types)
