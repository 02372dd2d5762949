"""What SQL of a user may be made of: kinds of nodes, and of each the parts that it may have.

Everything that is not named here is refused, so that a construct nobody thought of is a no. The
functions are those that packs may call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from shuzhi.gather.lineage import FUNCTIONS

_ENDS = frozenset({"with_", "order", "limit", "offset"})
_TWO = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_MANY = frozenset({"expressions"})
_SETS = _TWO | _ENDS | {"distinct"}
_TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv)

SHAPES: Mapping[type[exp.Expr], frozenset[str]] = {
    exp.Select: _ENDS
    | {"expressions", "from_", "joins", "where", "group", "having", "qualify", "distinct"},
    **dict.fromkeys((exp.Union, exp.Intersect, exp.Except), _SETS),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.With: _MANY,
    exp.CTE: frozenset({"this", "alias"}),
    exp.TableAlias: _ONE,
    exp.From: _ONE,
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Table: frozenset({"this", "alias"}),
    **dict.fromkeys((exp.Where, exp.Having, exp.Qualify, exp.Paren, exp.Neg, exp.Not), _ONE),
    exp.Group: _MANY,
    exp.Order: _MANY,
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Distinct: _MANY,
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Star: frozenset(),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: _ONE,
    exp.Null: frozenset(),
    **dict.fromkeys((*_TESTS, *_SUMS), _TWO),
    exp.Div: _TWO | {"typed", "safe"},
    exp.DPipe: _TWO | {"safe"},
    exp.Is: _TWO | {"negate"},
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Between: frozenset({"this", "low", "high"}),
    **dict.fromkeys((exp.Like, exp.ILike), _TWO | {"negate"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.DataTypeParam: _ONE,
    exp.Interval: frozenset({"this", "unit"}),
    exp.Var: _ONE,
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.Filter: _TWO,
}
_TYPES = frozenset(
    exp.DType[name]
    for name in (
        *("TEXT", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMPTZ"),
        *("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INT", "BIGINT", "INT128"),
    )
)
_FUNCTIONS = frozenset(FUNCTIONS)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_]+")
_KINDS = frozenset({"", "INNER", "CROSS", "OUTER", "SEMI", "ANTI"})
_SIDES = frozenset({"", "LEFT", "RIGHT", "FULL"})


def _is_whole_number(node: exp.Limit | exp.Offset) -> bool:
    number = node.args["expression"]
    return isinstance(number, exp.Literal) and number.is_int


def _stands_alone(star: exp.Star) -> bool:
    """Whether it is `*`, `t.*` or `COUNT(*)`, which say no more than all granted columns."""
    parent = star.parent.parent if isinstance(star.parent, exp.Column) else star.parent
    return isinstance(parent, (exp.Select, exp.Count))


def _is_like_a_literal(node: exp.Like | exp.ILike) -> bool:
    return isinstance(node.expression, exp.Literal) and node.expression.is_string


# What the parts of a node must be, where a name is not enough.
_CHECKS: Mapping[type[exp.Expr], Callable[..., bool]] = {
    exp.Limit: _is_whole_number,
    exp.Offset: _is_whole_number,
    exp.Star: _stands_alone,
    exp.Like: _is_like_a_literal,
    exp.ILike: _is_like_a_literal,
    exp.Literal: lambda n: n.is_string or bool(_NUMBER.fullmatch(n.this)),
    exp.Var: lambda n: bool(_WORD.fullmatch(n.this)),
    exp.Table: lambda n: isinstance(n.this, exp.Identifier),
    exp.DataType: lambda n: n.this in _TYPES,
    exp.Join: lambda n: n.kind in _KINDS and n.side in _SIDES,
    exp.Column: lambda n: isinstance(n.this, (exp.Identifier, exp.Star)),
}


def _called(node: exp.Func) -> str:
    """Return a function's name as it was written."""
    return node.sql("duckdb").partition("(")[0].lower()[:40]


def disallowed(node: exp.Expr) -> str | None:
    """Return what is not allowed about `node`, as a word to show; None when it is allowed."""
    kind = type(node)
    if kind in _FUNCTIONS:
        return None
    parts = SHAPES.get(kind)
    if parts is None:
        return _called(node) if isinstance(node, exp.Func) else kind.__name__
    for name, value in node.args.items():
        if value and name not in parts:
            return f"{kind.__name__} {name.rstrip('_')}"
    check = _CHECKS.get(kind)
    return None if check is None or check(node) else kind.__name__
