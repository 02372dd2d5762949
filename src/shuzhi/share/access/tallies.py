"""Counts, in SQL, what the cells of a question for figures are judged by, in one pass of the rows.

Of each row every term of the filter is computed once, and said by a number: above zero where the
term holds, else zero or below; of a list, which value it was. Rows are then gathered, by those
numbers, or by whom they are about where a grant names a subject; and what is so gathered is few,
or has each subject once, before it is counted for all the questions that are like the one asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from sqlglot import exp

from shuzhi.share.access.governed import table_called

# Names with a space: no asker can write one.
SUBJECT = "the subject"
_ROWS = "rows"


class Count(NamedTuple):
    """SQL for one count that judges a cell: its rows, and the subjects behind them."""

    rows: exp.Expr
    subjects: exp.Expr


def counted(node: exp.Expr) -> exp.Expr:
    """Return what a figure is over: its column, also under DISTINCT, or the star."""
    inner = node.this
    only: exp.Expr = inner.expressions[0] if _is_distinct(node) else inner
    return only


def name(word: str) -> exp.Expr:
    """Return the column called exactly so."""
    return exp.column(exp.to_identifier(word, quoted=True))


def key(place: int) -> str:
    """Return the name of a column of GROUP BY."""
    return f"key {place}"


def figure(place: int) -> str:
    """Return the name of a figure."""
    return f"figure {place}"


@dataclass(frozen=True)
class Tally:
    """The counts of one question: keys, terms and figures as they were checked.

    With `has_subject` the rows say whom they are about in the column `SUBJECT`; else each row is
    about somebody else.
    """

    keys: tuple[exp.Expr, ...]
    terms: tuple[exp.Expr, ...]
    figures: tuple[exp.Expr, ...]
    has_subject: bool

    def parts(self, source: exp.Select) -> Mapping[str, exp.Select]:
        """Return the WITH parts, in their order; the last one is `cells`, a row for each."""
        marked = _select(self._marks(), exp.Subquery(this=source, alias=_alias("allowed")))
        if self.has_subject:
            gathered = _grouped([SUBJECT, *self._held()], self._of_subjects(), "placed")
            parts = {"placed": self._placed("marked"), "gathered": gathered}
            cells = _grouped(self._names(), self._cells_of_subjects(), "gathered")
        else:
            terms = [_term(i) for i in range(len(self.terms))]
            gathered = _grouped([*terms, *self._held()], self._of_rows(), "marked")
            parts = {"gathered": gathered, "placed": self._placed("gathered")}
            cells = _grouped(self._names(), self._cells_of_rows(), "placed")
        return {"marked": marked, **parts, "cells": cells}

    @property
    def all_rows(self) -> exp.Expr:
        """How many rows of a cell were asked for."""
        return name(f"{_ROWS} 0")

    @property
    def people(self) -> str:
        """The name of the count of subjects behind a cell."""
        return f"{self._who} 0"

    def counts(self) -> Iterator[Count]:
        """Yield the counts of a cell that must each be none or large enough."""
        for lot in range(len(self._lots())):
            yield self._count(f"{lot}")
            for j, column in enumerate(self._columns()):
                yield self._count(f"{lot} there {j}")
                if self._tells_of_missing(column):
                    yield self._count(f"{lot} missing {j}")

    def _count(self, which: str) -> Count:
        return Count(name(f"{_ROWS} {which}"), name(f"{self._who} {which}"))

    @property
    def _who(self) -> str:
        return "people" if self.has_subject else _ROWS

    def _tells_of_missing(self, column: exp.Expr) -> bool:
        return any(isinstance(f, exp.Count) and counted(f) == column for f in self.figures)

    def _columns(self) -> list[exp.Expr]:
        """Return the columns of figures, each once."""
        found = (counted(f) for f in self.figures)
        return list(dict.fromkeys(c for c in found if isinstance(c, exp.Column)))

    def _names(self) -> list[str]:
        return [key(i) for i in range(len(self.keys))]

    def _held(self) -> list[str]:
        """Return what rows are gathered by in any case: keys, and values that are counted once."""
        once = {counted(f) for f in self.figures if _is_distinct(f)}
        return self._names() + [_column(j) for j, c in enumerate(self._columns()) if c in once]

    # Of each row

    def _marks(self) -> Iterator[exp.Expr]:
        yield from (_named(k.copy(), key(i)) for i, k in enumerate(self.keys))
        yield from (_named(c.copy(), _column(j)) for j, c in enumerate(self._columns()))
        yield from (_named(_said(term), _term(i)) for i, term in enumerate(self.terms))
        if self.has_subject:
            yield name(SUBJECT)

    def _placed(self, source: str) -> exp.Select:
        """Say of each row which of the questions much alike it belongs to."""
        lots = (_named(lot, _lot(i)) for i, lot in enumerate(self._lots()))
        return _select([exp.Star(), *lots], table_called(source))

    def _lots(self) -> list[exp.Expr]:
        """Return conditions: of the rows asked for, and of what one term or value less changes."""
        lots = [_all(self._hold())]
        for i, term in enumerate(self.terms):
            lots.append(_all([*self._hold(but=i), _is(exp.LTE, _term(i), 0)]))
            sign = -1 if isinstance(term, exp.Not) else 1
            for place, _ in enumerate(_values(term), 1):
                lots.append(_all([*self._hold(but=i), _is(exp.EQ, _term(i), sign * place)]))
        if len(self.terms) > 1:
            lots.append(exp.Not(this=exp.Paren(this=_all(self._hold()))))
        return lots

    def _hold(self, but: int | None = None) -> list[exp.Expr]:
        return [_is(exp.GT, _term(i), 0) for i, _ in enumerate(self.terms) if i != but]

    # With no subject: rows that cannot be told apart are gathered, then told by lots

    def _of_rows(self) -> Iterator[exp.Expr]:
        yield _named(exp.Count(this=exp.Star()), _ROWS)
        for j, _ in enumerate(self._columns()):
            yield _named(exp.Count(this=name(_column(j))), f"there {j}")
        for j in sorted(self._summed()):
            yield _named(exp.Sum(this=name(_column(j))), _sum(j))

    def _cells_of_rows(self) -> Iterator[exp.Expr]:
        for lot in range(len(self._lots())):
            whole = _total(name(_ROWS), self._in(lot))
            yield _named(whole, f"{_ROWS} {lot}")
            for j, column in enumerate(self._columns()):
                there = _total(name(f"there {j}"), self._in(lot))
                yield _named(there, f"{_ROWS} {lot} there {j}")
                if self._tells_of_missing(column):
                    without = exp.Sub(this=whole.copy(), expression=there.copy())
                    yield _named(without, f"{_ROWS} {lot} missing {j}")
        yield from self._figures("there {}", _ROWS, lambda: self._in(0))

    # With one: each subject's rows are told by lots, then subjects are counted

    def _of_subjects(self) -> Iterator[exp.Expr]:
        for lot in range(len(self._lots())):
            rows = self._in(lot)
            yield _named(_within(exp.Count(this=exp.Star()), rows), f"{_ROWS} {lot}")
            for j, _ in enumerate(self._columns()):
                there = _within(exp.Count(this=name(_column(j))), rows)
                yield _named(there, f"{_ROWS} {lot} there {j}")
        for j in sorted(self._summed()):
            yield _named(_within(exp.Sum(this=name(_column(j))), self._in(0)), _sum(j))

    def _cells_of_subjects(self) -> Iterator[exp.Expr]:
        for lot in range(len(self._lots())):
            whole = name(f"{_ROWS} {lot}")
            yield from self._told(whole, f"{lot}")
            for j, column in enumerate(self._columns()):
                there = name(f"{_ROWS} {lot} there {j}")
                yield from self._told(there, f"{lot} there {j}")
                if self._tells_of_missing(column):
                    without = exp.Sub(this=whole.copy(), expression=there.copy())
                    yield from self._told(without, f"{lot} missing {j}")
        counts = f"{_ROWS} 0 there {{}}", f"{_ROWS} 0"
        yield from self._figures(*counts, lambda: _is(exp.GT, f"{_ROWS} 0", 0))

    def _told(self, rows: exp.Expr, which: str) -> Iterator[exp.Expr]:
        # Somebody has several rows here only where values are counted once.
        who: exp.Expr = name(SUBJECT)
        if len(self._held()) > len(self.keys):
            who = exp.Distinct(expressions=[who])
        is_any = exp.GT(this=rows.copy(), expression=_number(0))
        yield _named(_total(rows, None), f"{_ROWS} {which}")
        yield _named(_within(exp.Count(this=who), is_any), f"people {which}")

    # Figures

    def _summed(self) -> set[int]:
        columns = self._columns()
        sums = (f for f in self.figures if isinstance(f, (exp.Sum, exp.Avg)))
        return {columns.index(counted(f)) for f in sums if not _is_distinct(f)}

    def _in(self, lot: int) -> exp.Expr | None:
        return name(_lot(lot)) if self.terms else None

    def _figures(
        self, there: str, rows: str, inside: Callable[[], exp.Expr | None]
    ) -> Iterator[exp.Expr]:
        """Yield the figures, of what was gathered; `there` names the counts of a column."""
        columns = self._columns()
        for i, node in enumerate(self.figures):
            column = counted(node)
            if not isinstance(column, exp.Column):
                yield _named(_cast(_total(name(rows), inside()), "BIGINT"), figure(i))
                continue
            j = columns.index(column)
            count = _total(name(there.format(j)), inside())
            total = _within(exp.Sum(this=name(_sum(j))), inside())
            if _is_distinct(node):
                once = exp.Distinct(expressions=[name(_column(j))])
                value = _within(type(node)(this=once), inside())
            elif isinstance(node, exp.Count):
                value = _cast(count, "BIGINT")
            else:
                value = total if isinstance(node, exp.Sum) else _mean(total, count)
            yield _named(value, figure(i))


def _said(term: exp.Expr) -> exp.Expr:
    """Return the number that says of a row whether `term` holds, and by which value of a list."""
    values = _values(term)
    if not values:
        return _case([(term.copy(), 1)], 0)
    # What IN stands for (ISO 9075-2, 8.4): equal to one of the values.
    column, sign = _bare(term).this, -1 if isinstance(term, exp.Not) else 1
    equal = (exp.EQ(this=column.copy(), expression=value.copy()) for value in values)
    which = [(is_value, sign * place) for place, is_value in enumerate(equal, 1)]
    if sign > 0:
        return _case(which, 0)
    return _case([(exp.Is(this=column.copy(), expression=exp.Null()), 0), *which], 1)


def _case(choices: Sequence[tuple[exp.Expr, int]], otherwise: int) -> exp.Expr:
    ifs = [exp.If(this=condition, true=_number(number)) for condition, number in choices]
    return exp.Case(ifs=ifs, default=_number(otherwise))


def _bare(term: exp.Expr) -> exp.Expr:
    return term.this.unnest() if isinstance(term, exp.Not) else term


def _values(term: exp.Expr) -> list[exp.Expr]:
    """Return the values of a list that has several."""
    bare = _bare(term)
    values = bare.expressions if isinstance(bare, exp.In) else []
    return values if len(values) > 1 else []


def _mean(total: exp.Expr, count: exp.Expr) -> exp.Expr:
    return exp.Div(this=_cast(total, "DOUBLE"), expression=_cast(count, "DOUBLE"))


def _total(counts: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    """The sum of counts; of none, zero."""
    if rows is None:
        return exp.Sum(this=counts)
    here = exp.If(this=rows, true=counts)
    return exp.Sum(this=exp.Case(ifs=[here], default=_number(0)))


def _cast(value: exp.Expr, to: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType[to]))


def _within(aggregate: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    if rows is None:
        return aggregate
    return exp.Filter(this=aggregate, expression=exp.Where(this=rows))


def _is(test: type[exp.Binary], word: str, number: int) -> exp.Expr:
    return test(this=name(word), expression=_number(number))


def _all(parts: list[exp.Expr]) -> exp.Expr:
    return reduce(lambda a, b: exp.And(this=a, expression=b), parts) if parts else exp.true()


def _is_distinct(node: exp.Expr) -> bool:
    inner = node.this
    return isinstance(inner, exp.Distinct) and len(inner.expressions) == 1


def _grouped(keys: list[str], columns: Iterator[exp.Expr], source: str) -> exp.Select:
    made = _select([*map(name, keys), *columns], table_called(source))
    if keys:
        made.set("group", exp.Group(expressions=[*map(name, keys)]))
    return made


def _select(columns: Iterator[exp.Expr] | list[exp.Expr], source: exp.Expr) -> exp.Select:
    return exp.Select(expressions=[*columns], from_=exp.From(this=source))


def _alias(word: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(word))


def _named(column: exp.Expr, word: str) -> exp.Alias:
    return exp.Alias(this=column, alias=exp.to_identifier(word, quoted=True))


def _number(number: int) -> exp.Expr:
    literal = exp.Literal.number(abs(number))
    return literal if number >= 0 else exp.Neg(this=literal)


def _term(place: int) -> str:
    return f"term {place}"


def _lot(place: int) -> str:
    return f"lot {place}"


def _column(place: int) -> str:
    return f"column {place}"


def _sum(place: int) -> str:
    return f"sum {place}"
