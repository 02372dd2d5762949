"""What is said of each row before it is counted: which terms hold, and of whom it is."""

from __future__ import annotations

from sqlglot import exp

from shuzhi.share.access.pieces import called, cast, choice, name, number, within

SUBJECT = "the subject"
BASKET = "the basket"
# As many as a whole number of the database has bits.
_BASKETS = 63
# Of more, many would share a basket.
MOST_BY_BASKETS = 30
# So many rows for each subject that is needed, if of as many subjects, are in enough baskets.
_ROWS_OF_FEW = 2


def said(term: exp.Expr) -> exp.Expr:
    """Return the number that says of a row whether `term` holds, and by which value of a list."""
    values = values_of(term)
    if not values:
        return choice([(term.copy(), 1)], 0)
    # What IN stands for (ISO 9075-2, 8.4): equal to one of the values.
    column, sign = tested(term), -1 if isinstance(term, exp.Not) else 1
    equal = (exp.EQ(this=column.copy(), expression=value.copy()) for value in values)
    which = [(is_value, sign * place) for place, is_value in enumerate(equal, 1)]
    if sign > 0:
        return choice(which, 0)
    return choice([(exp.Is(this=column.copy(), expression=exp.Null()), 0), *which], 1)


def _bare(term: exp.Expr) -> exp.Expr:
    return term.this.unnest() if isinstance(term, exp.Not) else term


def tested(term: exp.Expr) -> exp.Expr:
    """Return the column that a term is about."""
    column: exp.Expr = _bare(term).this
    return column


def values_of(term: exp.Expr) -> list[exp.Expr]:
    """Return the values of a list that has several."""
    bare = _bare(term)
    values = bare.expressions if isinstance(bare, exp.In) else []
    return values if len(values) > 1 else []


def basket(subject: exp.Expr) -> exp.Expr:
    """Return the basket that a subject falls into, as one bit; nobody falls into any."""
    place = exp.Mod(this=called("hash", subject.copy()), expression=number(_BASKETS))
    bit = exp.BitwiseLeftShift(this=cast(number(1), "BIGINT"), expression=cast(place, "BIGINT"))
    is_somebody = exp.Not(this=exp.Is(this=subject.copy(), expression=exp.Null()))
    return exp.Case(ifs=[exp.If(this=is_somebody, true=bit)])


def baskets(hit: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    """Return the aggregate of baskets that were hit: there are as many subjects at least."""
    return called("bit_count", within(called("bit_or", hit), rows))


def few_subjects(minimum: int) -> exp.Expr:
    """Return the aggregate of the least subjects, one for each row, of few rows all of them."""
    return called("min", name(SUBJECT), number(_ROWS_OF_FEW * minimum))


def told_apart(few: exp.Expr) -> exp.Expr:
    """Return how many subjects there are among a few."""
    return called("len", called("list_distinct", few))


def are_all(few: exp.Expr, minimum: int) -> exp.Expr:
    """Whether those few are of all rows."""
    return exp.LT(this=called("len", few), expression=number(_ROWS_OF_FEW * minimum))
