"""The pieces that counts are put together of, in SQL: names with a space, which no asker can write.

Nothing here knows what is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from sqlglot import exp

from shuzhi.share.access.governed import table_called


def name(word: str, table: str | None = None) -> exp.Column:
    """Return the column called exactly so."""
    own = None if table is None else exp.Identifier(this=table, quoted=True)
    return exp.Column(this=exp.Identifier(this=word, quoted=True), table=own)


def named(column: exp.Expr, word: str) -> exp.Alias:
    """Return `column` under exactly that name."""
    return exp.Alias(this=column, alias=exp.Identifier(this=word, quoted=True))


def number(value: int) -> exp.Expr:
    """Return a whole number."""
    literal = exp.Literal.number(abs(value))
    return literal if value >= 0 else exp.Neg(this=literal)


def cast(value: exp.Expr, to: str) -> exp.Expr:
    """Return `value` as a type of SQLGlot's."""
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType[to]))


def choice(choices: Sequence[tuple[exp.Expr, int]], otherwise: int) -> exp.Expr:
    """Return the number of the first condition that holds."""
    ifs = [exp.If(this=condition, true=number(value)) for condition, value in choices]
    return exp.Case(ifs=ifs, default=number(otherwise))


def compared(test: type[exp.Binary], word: str, value: int) -> exp.Expr:
    """Return the test of a column against a whole number."""
    return test(this=name(word), expression=number(value))


def every(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Return the condition that all `parts` hold; with none of them, it does."""
    held = list(parts)
    return reduce(lambda a, b: exp.And(this=a, expression=b), held) if held else exp.true()


def summed(counts: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    """Return the sum of counts, of all rows or of some; of none of them, zero."""
    if rows is None:
        return exp.Sum(this=counts)
    here = exp.If(this=rows, true=counts)
    return exp.Sum(this=exp.Case(ifs=[here], default=number(0)))


def within(aggregate: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    """Return an aggregate of all rows, or of some."""
    if rows is None:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=rows))


def called(function: str, *arguments: exp.Expr) -> exp.Expr:
    """Return a call of a function of the database."""
    return exp.Anonymous(this=function, expressions=[*arguments])


def select(columns: Iterable[exp.Expr], source: exp.Expr) -> exp.Select:
    """Return the columns of a table or sub-query."""
    return exp.Select(expressions=[*columns], from_=exp.From(this=source))


def grouped(keys: Sequence[str], columns: Iterable[exp.Expr], source: str) -> exp.Select:
    """Return the columns of the groups of a table; with no keys, of all of it."""
    made = select([*map(name, keys), *columns], table_called(source))
    if keys:
        made.set("group", exp.Group(expressions=[*map(name, keys)]))
    return made


def joined(how: str, right: str, left: str, keys: Sequence[str]) -> exp.Join:
    """Return the join (LEFT, SEMI) of a table to `left` where the keys are the same, or missing."""
    same = [exp.NullSafeEQ(this=name(k, left), expression=name(k, right)) for k in keys]
    side = {"side": how} if how == "LEFT" else {"kind": how}
    return exp.Join(this=table_called(right), on=every(same), **side)


def within_parts(parts: Mapping[str, exp.Select], query: exp.Select) -> exp.Select:
    """Return `query`, which may speak of the parts, and of them each of those before it."""
    named_parts = [
        exp.CTE(this=part, alias=exp.TableAlias(this=exp.to_identifier(word)))
        for word, part in parts.items()
    ]
    query.set("with_", exp.With(expressions=named_parts))
    return query


def sub_query(rows: exp.Select, word: str) -> exp.Subquery:
    """Return the sub-query called so."""
    named_so = exp.TableAlias(this=exp.to_identifier(word, quoted=True))
    return exp.Subquery(this=rows, alias=named_so)


def allowed(source: exp.Select) -> exp.Subquery:
    """Return the sub-query of the rows that may be read; `source` stays as it is."""
    return sub_query(source.copy(), "allowed")
