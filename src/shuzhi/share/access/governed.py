"""The one way to a table: a sub-query of its allowed columns, masked, and its allowed rows.

Everything here can be computed for any value of a column's type without failing, so that an error
never tells of a row that the sub-query leaves out.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from sqlglot import exp

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access.conditions import Condition, Either, Every, Operator, Term, Value
from shuzhi.share.access.masks import (
    AddressTo,
    DateTo,
    Hashed,
    Keep,
    Nothing,
    NumberTo,
    Partial,
)
from shuzhi.share.access.model import Allowed, AllowedColumn

KEY = "shuzhi_mask_key"
_STARS = "***"
_COMPARISONS: Mapping[Operator, type[exp.Binary]] = {
    Operator.BELOW: exp.LT,
    Operator.AT_MOST: exp.LTE,
    Operator.AT_LEAST: exp.GTE,
    Operator.ABOVE: exp.GT,
}


def governed(
    allowed: Allowed,
    base: str,
    *,
    only: Collection[str] | None = None,
    counted: Collection[str] = (),
    subject: str | None = None,
) -> exp.Select:
    """Return the sub-query of what is allowed of the table called `base`.

    `only` names the columns that are needed, all by default; `counted` those that are asked of for
    nothing but how many values there are, or whether one is missing. With `subject`, the grant's
    subject is there as well, unmasked, under that name, which no asker may be able to write.
    """
    columns = [c for c in allowed.columns if only is None or c.name in only]
    shown = [
        exp.alias_(_value(column, counted), column.name, quoted=True) for column in columns
    ] or [exp.alias_(exp.null(), allowed.columns[0].name, quoted=True)]
    if subject is not None and allowed.grant.subject is not None:
        shown.append(exp.alias_(_column(allowed.grant.subject), subject, quoted=True))
    query = exp.select(*shown).from_(table_called(base))
    return query if allowed.rows is None else query.where(_condition(allowed.rows))


def table_called(name: str) -> exp.Table:
    """Return the table of exactly that name, whatever signs are in it."""
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def mask_key(city_key: bytes, assignee: PartyId) -> str:
    """Return the key of an assignee's pseudonyms, from which the city's cannot be found."""
    return hmac.new(city_key, f"mask of {assignee}".encode(), "sha256").hexdigest()


def masks_for_later(rows: exp.Expr, seen: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Take the pseudonyms out of governed `rows`, but those that are `seen` before they are made.

    Returns what must be selected of the rows before anything else speaks of them; nothing, and
    `rows` stay as they are, where no pseudonym can be made later.
    """
    start = rows.args.get("from_")
    if not isinstance(rows, exp.Select) or not start or not isinstance(start.this, exp.Table):
        return []
    spoken = {column.name.lower() for part in seen for column in part.find_all(exp.Column)}
    late = [o for o in rows.expressions if o.find(exp.Placeholder) and o.alias not in spoken]
    if not late:
        return []
    masks = [o.copy() if o in late else _column(o.alias) for o in rows.expressions]
    for output in late:
        output.set("this", _column(output.alias))
    return masks


def _value(column: AllowedColumn, counted: Collection[str]) -> exp.Expr:
    # Of texts that differ the pseudonyms differ too, so that there are as many.
    if column.name in counted and isinstance(column.mask, Hashed):
        return exp.cast(_column(column.name), "TEXT")
    return masked(column)


def masked(column: AllowedColumn) -> exp.Expr:
    """Return the column through its mask; a missing value stays missing."""
    return _MASKS[type(column.mask)](column.mask, _column(column.name), column.logical_type)


def _column(name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def _partial(mask: Partial, value: exp.Expr, _: LogicalType) -> exp.Expr:
    text = exp.cast(value, "TEXT")
    shown = [
        _call("left", text, _number(mask.first)),
        exp.Literal.string(_STARS),
        _call("right", text, _number(mask.last)),
    ]
    is_longer = exp.GT(this=_call("length", text), expression=_number(mask.first + mask.last))
    whole: exp.Expr = reduce(lambda a, b: exp.DPipe(this=a, expression=b), shown)
    return (
        exp.case()
        .when(is_longer, whole)
        .when(exp.Not(this=exp.Is(this=value, expression=exp.Null())), exp.Literal.string(_STARS))
    )


def _hashed(_: Hashed, value: exp.Expr, __: LogicalType) -> exp.Expr:
    # Twice, as HMAC does it: what is hashed once could be continued without the key.
    once = _call("sha256", _after_key(exp.cast(value, "TEXT")))
    return _call("sha256", _after_key(once))


def _after_key(value: exp.Expr) -> exp.Expr:
    key = exp.cast(exp.Placeholder(this=KEY), "TEXT")
    return exp.DPipe(this=key, expression=value)


def _date_to(mask: DateTo, value: exp.Expr, kind: LogicalType) -> exp.Expr:
    cut = _call("date_trunc", exp.Literal.string(mask.part), value)
    return exp.cast(cut, "DATE") if kind is LogicalType.DATE else cut


def _number_to(mask: NumberTo, value: exp.Expr, _: LogicalType) -> exp.Expr:
    step = exp.cast(_number(mask.step), "DOUBLE")
    number = exp.cast(value, "DOUBLE")
    steps = _call("floor", exp.Div(this=number, expression=step))
    return exp.Mul(this=steps, expression=step.copy())


def _address_to(mask: AddressTo, value: exp.Expr, _: LogicalType) -> exp.Expr:
    """Cut at the first place where any ending ends; positions are found, no pattern is made."""
    text = value
    ends = [
        exp.Add(
            this=_call("nullif", _call("strpos", text, exp.Literal.string(e)), _number(0)),
            expression=_number(len(e) - 1),
        )
        for e in mask.endings
    ]
    return _call("left", text, _call("least", *ends))


def _nothing(_: Nothing, value: exp.Expr, __: LogicalType) -> exp.Expr:
    # No value is looked at; the column only lends its type.
    return exp.case().when(exp.false(), value)


_MASKS: Mapping[type, Callable[[Any, exp.Expr, LogicalType], exp.Expr]] = {
    Keep: lambda _, value, __: value,
    Partial: _partial,
    Hashed: _hashed,
    DateTo: _date_to,
    NumberTo: _number_to,
    AddressTo: _address_to,
    Nothing: _nothing,
}


def _condition(condition: Condition) -> exp.Expr:
    if isinstance(condition, Term):
        return exp.paren(_term(condition))
    kind, empty = (exp.And, exp.true()) if isinstance(condition, Every) else (exp.Or, exp.false())
    assert isinstance(condition, (Every, Either))  # noqa: S101  (tells mypy)
    parts = [_condition(part) for part in condition.parts]
    return exp.paren(reduce(lambda a, b: kind(this=a, expression=b), parts)) if parts else empty


def _term(term: Term) -> exp.Expr:
    column = _column(term.column)
    if term.operator in (Operator.IS_MISSING, Operator.IS_PRESENT):
        is_missing = exp.Is(this=column, expression=exp.Null())
        return is_missing if term.operator is Operator.IS_MISSING else exp.Not(this=is_missing)
    values = [_literal(value) for value in term.values]
    if term.operator in _COMPARISONS:
        return _COMPARISONS[term.operator](this=column, expression=values[0])
    one_of = exp.In(this=column, expressions=values)
    return one_of if term.operator is Operator.ONE_OF else exp.Not(this=one_of)


def _literal(value: Value) -> exp.Expr:
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, (int, Decimal)):
        return _number(value)
    kind = "TIMESTAMPTZ" if isinstance(value, datetime) else "DATE"
    assert isinstance(value, date)  # noqa: S101  (tells mypy; a datetime is one)
    return exp.cast(exp.Literal.string(value.isoformat()), kind)


def _number(value: int | Decimal) -> exp.Expr:
    return exp.Literal.number(format(value, "f" if isinstance(value, Decimal) else "d"))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[a.copy() for a in arguments])
