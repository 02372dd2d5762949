"""Says which rows are counted, to judge the cells of a question for figures.

Of each row every term of the filter is computed once, and said by a number: above zero where the
term holds, else zero or below; of a list, which value it was. By those numbers the questions that
are much like the one asked are told apart: each is a lot of rows. How rows are gathered and
counted is in `by_rows.py`, and in `by_subjects.py` where a grant names a subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlglot import exp

from shuzhi.share.access.governed import table_called
from shuzhi.share.access.marks import said, values_of
from shuzhi.share.access.pieces import (
    cast,
    compared,
    every,
    name,
    named,
    select,
    summed,
    within,
)

# Names of what is gathered; those of counts have a space: no asker can write one.
ROWS = "rows"


class Count(NamedTuple):
    """SQL for one count that judges a cell: its rows, and the subjects behind them."""

    rows: exp.Expr
    subjects: exp.Expr


def counted(node: exp.Expr) -> exp.Expr:
    """Return what a figure is over: its column, also under DISTINCT, or the star."""
    inner = node.this
    only: exp.Expr = inner.expressions[0] if is_distinct(node) else inner
    return only


def key(place: int) -> str:
    """Return the name of a column of GROUP BY."""
    return f"key {place}"


def figure(place: int) -> str:
    """Return the name of a figure."""
    return f"figure {place}"


def value(place: int) -> str:
    """Return the name of a column that figures are of."""
    return f"column {place}"


def total(place: int) -> str:
    """Return the name of the sum of a column."""
    return f"sum {place}"


@dataclass(frozen=True)
class Tally:
    """The counts of one question: keys, terms and figures as they were checked.

    With `has_subject` the rows say whom they are about; else each row is about somebody else.
    `minimum` subjects are enough: of more it may tell any number above.
    """

    keys: tuple[exp.Expr, ...]
    terms: tuple[exp.Expr, ...]
    figures: tuple[exp.Expr, ...]
    has_subject: bool
    minimum: int

    @property
    def all_rows(self) -> exp.Expr:
        """How many rows of a cell were asked for."""
        return name(f"{ROWS} 0")

    @property
    def people(self) -> str:
        """The name of the count of subjects behind a cell."""
        return f"{self._who} 0"

    def counts(self) -> Iterator[Count]:
        """Yield the counts of a cell that must each be none or large enough."""
        for which in self.each_count():
            yield Count(name(f"{ROWS} {which}"), name(f"{self._who} {which}"))

    def each_count(self) -> Iterator[str]:
        """Yield the name of each count: its lot, and of which of the lot's rows it is."""
        for lot in self.places:
            yield from (f"{lot}{of}" for of in self.parts_of_a_lot())

    def parts_of_a_lot(self) -> Iterator[str]:
        """Yield which rows of a lot are counted: all, and by whether a column is there."""
        yield ""
        for j, column in enumerate(self.columns):
            yield f" there {j}"
            if self.tells_of_missing(column):
                yield f" missing {j}"

    @property
    def _who(self) -> str:
        return "people" if self.has_subject else ROWS

    def tells_of_missing(self, column: exp.Expr) -> bool:
        """Whether a figure tells of how many rows a column is missing."""
        return any(isinstance(f, exp.Count) and counted(f) == column for f in self.figures)

    @cached_property
    def columns(self) -> list[exp.Expr]:
        """Return the columns of figures, each once."""
        found = (counted(f) for f in self.figures)
        return list(dict.fromkeys(c for c in found if isinstance(c, exp.Column)))

    def names(self) -> list[str]:
        """Return the names of the keys of a cell."""
        return [key(i) for i in range(len(self.keys))]

    def term_names(self) -> list[str]:
        """Return the names of what is said of a row by each term."""
        return [_term(i) for i in range(len(self.terms))]

    def held(self) -> list[str]:
        """Return what rows are gathered by in any case: keys, and values that are counted once."""
        once = {counted(f) for f in self.figures if is_distinct(f)}
        return self.names() + [value(j) for j, c in enumerate(self.columns) if c in once]

    # Of each row

    def marks(self) -> Iterator[exp.Expr]:
        """Yield what is said of each row: its keys, the columns of figures, and the terms."""
        yield from (named(k.copy(), key(i)) for i, k in enumerate(self.keys))
        yield from (named(c.copy(), value(j)) for j, c in enumerate(self.columns))
        yield from (named(said(term), _term(i)) for i, term in enumerate(self.terms))

    def placed(self, source: str) -> exp.Select:
        """Say of each row which of the questions much alike it belongs to."""
        lots = (named(lot, _lot(i)) for i, lot in enumerate(self._lots()))
        return select([exp.Star(), *lots], table_called(source))

    @cached_property
    def places(self) -> range:
        """The places of lots."""
        return range(len(self._lots()))

    def _lots(self) -> list[exp.Expr]:
        """Return conditions: of the rows asked for, and of what one term or value less changes."""
        lots = [self.asked_for()]
        for i, _ in enumerate(self.terms):
            lots += [self._without(i), *self._of_values(i)]
        if len(self.terms) > 1:
            lots.append(exp.Not(this=exp.Paren(this=self.asked_for())))
        return lots

    def asked_for(self) -> exp.Expr:
        """Return the lot in which all terms hold."""
        return every(self._hold())

    def _without(self, place: int) -> exp.Expr:
        """Return the lot in which all terms hold but that one."""
        return every([*self._hold(but=place), compared(exp.LTE, _term(place), 0)])

    def _of_values(self, place: int) -> list[exp.Expr]:
        """Return the lots that each value of the list of a term stands for."""
        term = self.terms[place]
        sign = -1 if isinstance(term, exp.Not) else 1
        return [
            every([*self._hold(but=place), compared(exp.EQ, _term(place), sign * which)])
            for which, _ in enumerate(values_of(term), 1)
        ]

    def _hold(self, but: int | None = None) -> list[exp.Expr]:
        return [compared(exp.GT, _term(i), 0) for i, _ in enumerate(self.terms) if i != but]

    # Figures

    def summed_columns(self) -> list[int]:
        """Return the places of columns that are summed up."""
        columns = self.columns
        sums = (f for f in self.figures if isinstance(f, (exp.Sum, exp.Avg)))
        return sorted({columns.index(counted(f)) for f in sums if not is_distinct(f)})

    def inside(self, lot: int) -> exp.Expr | None:
        """Return whether a row is in a lot; with no terms there is one, of all rows."""
        return name(_lot(lot)) if self.terms else None

    def figures_of(
        self, there: str, rows: str, inside: Callable[[], exp.Expr | None]
    ) -> Iterator[exp.Expr]:
        """Yield the figures, of what was gathered; `there` names the counts of a column."""
        columns = self.columns
        for i, node in enumerate(self.figures):
            column = counted(node)
            if not isinstance(column, exp.Column):
                yield named(cast(summed(name(rows), inside()), "BIGINT"), figure(i))
                continue
            j = columns.index(column)
            count = summed(name(there.format(j)), inside())
            whole = within(exp.Sum(this=name(total(j))), inside())
            if is_distinct(node):
                once = exp.Distinct(expressions=[name(value(j))])
                found = within(type(node)(this=once), inside())
            elif isinstance(node, exp.Count):
                found = cast(count, "BIGINT")
            else:
                found = whole if isinstance(node, exp.Sum) else mean(whole, count)
            yield named(found, figure(i))


def mean(total: exp.Expr, count: exp.Expr) -> exp.Expr:
    """Return the mean of values that were summed up and counted."""
    return exp.Div(this=cast(total, "DOUBLE"), expression=cast(count, "DOUBLE"))


def is_distinct(node: exp.Expr) -> bool:
    """Whether a figure counts each value once."""
    inner = node.this
    return isinstance(inner, exp.Distinct) and len(inner.expressions) == 1


def _term(place: int) -> str:
    return f"term {place}"


def _lot(place: int) -> str:
    return f"lot {place}"
