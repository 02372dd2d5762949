"""Arithmetic over indicators: names, numbers, + - * / and brackets, in exact decimals."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal

from shuzhi.decide.indicators.errors import IndicatorError

_MOST = 1000
_OPERATORS: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def names_in(expression: str) -> tuple[str, ...]:
    """Return the names that an expression uses, in order, each once.

    Raises:
        IndicatorError: `decide.indicator_expression` for anything but such arithmetic.
    """
    return tuple(dict.fromkeys(_names(_parsed(expression))))


def evaluate(expression: str, values: Mapping[str, Decimal | None]) -> Decimal | None:
    """Return what the expression is for `values`.

    None when a value that it uses is None, or where it divides by zero: there is no value.
    Raises as `names_in`.
    """
    return _value(_parsed(expression), values)


def _parsed(expression: str) -> ast.expr:
    try:
        if len(expression) > _MOST:
            raise _refused(f"it is longer than {_MOST} characters")
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused("it is no arithmetic") from None


def _names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return [*_names(node.left), *_names(node.right)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _names(node.operand)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return []
    raise _refused(f"it has {ast.unparse(node)[:40]!r}")


def _value(node: ast.expr, values: Mapping[str, Decimal | None]) -> Decimal | None:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        return Decimal(repr(node.value))
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return None if inner is None else -inner
    if not isinstance(node, ast.BinOp):
        raise _refused(f"it has {ast.unparse(node)[:40]!r}")
    left, right = _value(node.left, values), _value(node.right, values)
    is_division = isinstance(node.op, ast.Div)
    if left is None or right is None or (is_division and not right):
        return None
    return _OPERATORS[type(node.op)](left, right)


def _refused(problem: str) -> IndicatorError:
    return IndicatorError(
        "decide.indicator_expression",
        f"The expression cannot be used: {problem}.",
        next_step="Write names of indicators and numbers with + - * / and brackets.",
    )
