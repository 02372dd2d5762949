"""Counts, in SQL, what the cells of a question for figures are judged by, in one pass of the rows.

Of each row every term of the filter is computed once, and said by a number: above zero where the
term holds, else zero or below; of a list, which value it was. Rows are then gathered, by those
numbers, or by whom they are about where a grant names a subject; and what is so gathered is few,
or has each subject once, before it is counted for all the questions that are like the one asked.

To gather by subject costs many times the rest, and it only matters whether there are enough of
them. So each subject falls into one of some baskets; there are at least as many subjects as
baskets that were hit. Subjects are counted only of cells where that leaves a doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlglot import exp

from shuzhi.share.access.governed import table_called
from shuzhi.share.access.marks import SUBJECT, basket, said, values_of
from shuzhi.share.access.pieces import (
    allowed,
    called,
    cast,
    compared,
    every,
    grouped,
    joined,
    name,
    named,
    number,
    select,
    sub_query,
    summed,
    within,
)

# Names of columns that are gathered; those of counts have a space: no asker can write one.
_ROWS = "rows"
_BASKET = "basket"
MOST_BY_BASKETS = 30
_ONE = "one"


class Count(NamedTuple):
    """SQL for one count that judges a cell: its rows, and the subjects behind them."""

    rows: exp.Expr
    subjects: exp.Expr


def counted(node: exp.Expr) -> exp.Expr:
    """Return what a figure is over: its column, also under DISTINCT, or the star."""
    inner = node.this
    only: exp.Expr = inner.expressions[0] if _is_distinct(node) else inner
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


@dataclass(frozen=True)
class Tally:
    """The counts of one question: keys, terms and figures as they were checked.

    With `has_subject` the rows say whom they are about in the column `SUBJECT`; else each row is
    about somebody else. `minimum` subjects are enough: of more it may tell any number above.
    """

    keys: tuple[exp.Expr, ...]
    terms: tuple[exp.Expr, ...]
    figures: tuple[exp.Expr, ...]
    has_subject: bool
    minimum: int

    def parts(self, source: exp.Select) -> Mapping[str, exp.Select]:
        """Return the WITH parts, in their order; the last one is `cells`, a row for each."""
        if not self.has_subject:
            alike = grouped([*self._terms(), *self._held()], self._of_rows(), "marked")
            # Of nothing but their number, rows need no marks.
            marks = [*self.marks()] or [named(number(1), _ONE)]
            return {
                "marked": select(marks, allowed(source)),
                "gathered": alike,
                "placed": self._placed("gathered"),
                "cells": grouped(self._names(), self._cells_of_rows(), "placed"),
            }
        if self.minimum <= MOST_BY_BASKETS and self._held() == self._names():
            return self._by_baskets(source)
        return {
            "marked": select([*self.marks(), name(SUBJECT)], allowed(source)),
            "placed": self._placed("marked"),
            "gathered": grouped([SUBJECT, *self._held()], self._of_subjects(), "placed"),
            "cells": grouped(self._names(), self._cells_of_subjects(), "gathered"),
        }

    def _by_baskets(self, source: exp.Select) -> Mapping[str, exp.Select]:
        """Return the parts that count subjects of doubtful cells only."""
        keys = [_ONE, *self._names()]
        baskets = [*self._of_rows(), *self._baskets()]
        alike = grouped([*self._terms(), *self._names()], baskets, "marked")
        bounded = [named(number(1), _ONE), *self._cells_of_rows(), *self._bounds()]
        return {
            "marked": select([*self.marks(), named(basket(), _BASKET)], allowed(source)),
            "alike": alike,
            "found": self._placed("alike"),
            "bounded": grouped(self._names(), bounded, "found"),
            "doubtful": self._doubtful(keys),
            "again": self._again(keys, source),
            "placed": self._placed("again"),
            "gathered": grouped([SUBJECT, *keys], self._of_subjects(), "placed"),
            "exact": grouped(keys, self._people(), "gathered"),
            "cells": self._settled(keys),
        }

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
        for which in self._each():
            yield Count(name(f"{_ROWS} {which}"), name(f"{self._who} {which}"))

    def _each(self) -> Iterator[str]:
        """Yield the name of each count: its lot, and of which of the lot's rows it is."""
        for lot in self._places:
            yield from (f"{lot}{of}" for of in self._parts_of_a_lot())

    def _parts_of_a_lot(self) -> Iterator[str]:
        yield ""
        for j, column in enumerate(self.columns):
            yield f" there {j}"
            if self._tells_of_missing(column):
                yield f" missing {j}"

    @property
    def _who(self) -> str:
        return "people" if self.has_subject else _ROWS

    def _tells_of_missing(self, column: exp.Expr) -> bool:
        return any(isinstance(f, exp.Count) and counted(f) == column for f in self.figures)

    @cached_property
    def columns(self) -> list[exp.Expr]:
        """Return the columns of figures, each once."""
        found = (counted(f) for f in self.figures)
        return list(dict.fromkeys(c for c in found if isinstance(c, exp.Column)))

    def _names(self) -> list[str]:
        return [key(i) for i in range(len(self.keys))]

    def _terms(self) -> list[str]:
        return [_term(i) for i in range(len(self.terms))]

    def _held(self) -> list[str]:
        """Return what rows are gathered by in any case: keys, and values that are counted once."""
        once = {counted(f) for f in self.figures if _is_distinct(f)}
        return self._names() + [value(j) for j, c in enumerate(self.columns) if c in once]

    # Of each row

    def marks(self) -> Iterator[exp.Expr]:
        """Yield what is said of each row: its keys, the columns of figures, and the terms."""
        yield from (named(k.copy(), key(i)) for i, k in enumerate(self.keys))
        yield from (named(c.copy(), value(j)) for j, c in enumerate(self.columns))
        yield from (named(said(term), _term(i)) for i, term in enumerate(self.terms))

    def _placed(self, source: str) -> exp.Select:
        """Say of each row which of the questions much alike it belongs to."""
        lots = (named(lot, _lot(i)) for i, lot in enumerate(self._lots()))
        return select([exp.Star(), *lots], table_called(source))

    @cached_property
    def _places(self) -> range:
        """The places of lots."""
        return range(len(self._lots()))

    def _lots(self) -> list[exp.Expr]:
        """Return conditions: of the rows asked for, and of what one term or value less changes."""
        lots = [self.asked_for()]
        for i, _ in enumerate(self.terms):
            lots += [self.without(i), *self.of_values(i)]
        if len(self.terms) > 1:
            lots.append(exp.Not(this=exp.Paren(this=self.asked_for())))
        return lots

    def asked_for(self) -> exp.Expr:
        """Return the lot in which all terms hold."""
        return every(self._hold())

    def without(self, place: int) -> exp.Expr:
        """Return the lot in which all terms hold but that one."""
        return every([*self._hold(but=place), compared(exp.LTE, _term(place), 0)])

    def of_values(self, place: int) -> list[exp.Expr]:
        """Return the lots that each value of the list of a term stands for."""
        term = self.terms[place]
        sign = -1 if isinstance(term, exp.Not) else 1
        return [
            every([*self._hold(but=place), compared(exp.EQ, _term(place), sign * which)])
            for which, _ in enumerate(values_of(term), 1)
        ]

    def _hold(self, but: int | None = None) -> list[exp.Expr]:
        return [compared(exp.GT, _term(i), 0) for i, _ in enumerate(self.terms) if i != but]

    # With no subject: rows that cannot be told apart are gathered, then told by lots

    def _of_rows(self) -> Iterator[exp.Expr]:
        yield named(exp.Count(this=exp.Star()), _ROWS)
        for j, _ in enumerate(self.columns):
            yield named(exp.Count(this=name(value(j))), f"there {j}")
        for j in sorted(self._summed()):
            wanted = self.asked_for() if self.terms else None
            yield named(within(exp.Sum(this=name(value(j))), wanted), _sum(j))

    def _cells_of_rows(self) -> Iterator[exp.Expr]:
        for lot in self._places:
            whole = summed(name(_ROWS), self._in(lot))
            yield named(whole, f"{_ROWS} {lot}")
            for j, column in enumerate(self.columns):
                there = summed(name(f"there {j}"), self._in(lot))
                yield named(there, f"{_ROWS} {lot} there {j}")
                if self._tells_of_missing(column):
                    without = exp.Sub(this=whole.copy(), expression=there.copy())
                    yield named(without, f"{_ROWS} {lot} missing {j}")
        yield from self._figures("there {}", _ROWS, lambda: self._in(0))

    # With one: baskets that were hit, and subjects where these leave a doubt

    def _baskets(self) -> Iterator[exp.Expr]:
        """Yield the baskets that were hit by the rows that are gathered."""
        for of in self._parts_of_a_lot():
            yield named(called("bit_or", self._basket_of(of)), f"{_BASKET}s{of}")

    def _basket_of(self, of: str) -> exp.Expr:
        _, kind, place = of.split(" ") if of else ("", "", "0")
        is_missing = exp.Is(this=name(value(int(place))), expression=exp.Null())
        if not kind:
            return name(_BASKET)
        rows = is_missing if kind == "missing" else exp.Not(this=is_missing)
        return exp.Case(ifs=[exp.If(this=rows, true=name(_BASKET))])

    def _bounds(self) -> Iterator[exp.Expr]:
        """Yield of each count of a cell how many subjects there are at least."""
        for lot in self._places:
            for of in self._parts_of_a_lot():
                hit = within(called("bit_or", name(f"{_BASKET}s{of}")), self._in(lot))
                bound = exp.Coalesce(this=called("bit_count", hit), expressions=[number(0)])
                yield named(bound, f"at least {lot}{of}")

    def _doubtful(self, keys: list[str]) -> exp.Select:
        """Return the keys of cells that have rows for enough subjects, and fewer baskets."""
        doubts = [
            exp.And(
                this=compared(exp.GTE, f"{_ROWS} {which}", self.minimum),
                expression=compared(exp.LT, f"at least {which}", self.minimum),
            )
            for which in self._each()
        ]
        made = select(map(name, keys), table_called("bounded"))
        made.set("where", exp.Where(this=exp.or_(*doubts, copy=False)))
        return made

    def _again(self, keys: list[str], source: exp.Select) -> exp.Select:
        """Return the rows of doubtful cells, and whom each is about."""
        marks = [*self.marks(), name(SUBJECT), named(number(1), _ONE)]
        made = select([exp.Star()], sub_query(select(marks, allowed(source)), "all"))
        made.set("joins", [joined("SEMI", "doubtful", "all", keys)])
        return made

    def _settled(self, keys: list[str]) -> exp.Select:
        """Return the cells, with subjects counted or else known to be enough."""
        found = (
            named(
                exp.Coalesce(
                    this=name(f"people {which}", "exact"),
                    expressions=[name(f"at least {which}", "bounded")],
                ),
                f"people {which}",
            )
            for which in self._each()
        )
        all_columns = exp.Column(this=exp.Star(), table=exp.to_identifier("bounded"))
        made = select([all_columns, *found], table_called("bounded"))
        made.set("joins", [joined("LEFT", "exact", "bounded", keys)])
        return made

    # Each subject's rows are told by lots, then subjects are counted

    def _of_subjects(self) -> Iterator[exp.Expr]:
        for lot in self._places:
            rows = self._in(lot)
            yield named(within(exp.Count(this=exp.Star()), rows), f"{_ROWS} {lot}")
            for j, _ in enumerate(self.columns):
                there = within(exp.Count(this=name(value(j))), rows)
                yield named(there, f"{_ROWS} {lot} there {j}")
        for j in sorted(self._summed()):
            yield named(within(exp.Sum(this=name(value(j))), self._in(0)), _sum(j))

    def _cells_of_subjects(self) -> Iterator[exp.Expr]:
        for lot in self._places:
            whole = name(f"{_ROWS} {lot}")
            yield from self._told(whole, f"{lot}")
            for j, column in enumerate(self.columns):
                there = name(f"{_ROWS} {lot} there {j}")
                yield from self._told(there, f"{lot} there {j}")
                if self._tells_of_missing(column):
                    without = exp.Sub(this=whole.copy(), expression=there.copy())
                    yield from self._told(without, f"{lot} missing {j}")
        counts = f"{_ROWS} 0 there {{}}", f"{_ROWS} 0"
        yield from self._figures(*counts, lambda: compared(exp.GT, f"{_ROWS} 0", 0))

    def _people(self) -> Iterator[exp.Expr]:
        return (each for each in self._cells_of_subjects() if each.alias.startswith("people "))

    def _told(self, rows: exp.Expr, which: str) -> Iterator[exp.Expr]:
        # Somebody has several rows here only where values are counted once.
        who: exp.Expr = name(SUBJECT)
        if len(self._held()) > len(self.keys):
            who = exp.Distinct(expressions=[who])
        is_any = exp.GT(this=rows.copy(), expression=number(0))
        yield named(summed(rows, None), f"{_ROWS} {which}")
        yield named(within(exp.Count(this=who), is_any), f"people {which}")

    # Figures

    def _summed(self) -> set[int]:
        columns = self.columns
        sums = (f for f in self.figures if isinstance(f, (exp.Sum, exp.Avg)))
        return {columns.index(counted(f)) for f in sums if not _is_distinct(f)}

    def _in(self, lot: int) -> exp.Expr | None:
        return name(_lot(lot)) if self.terms else None

    def _figures(
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
            total = within(exp.Sum(this=name(_sum(j))), inside())
            if _is_distinct(node):
                once = exp.Distinct(expressions=[name(value(j))])
                found = within(type(node)(this=once), inside())
            elif isinstance(node, exp.Count):
                found = cast(count, "BIGINT")
            else:
                found = total if isinstance(node, exp.Sum) else mean(total, count)
            yield named(found, figure(i))


def mean(total: exp.Expr, count: exp.Expr) -> exp.Expr:
    """Return the mean of values that were summed up and counted."""
    return exp.Div(this=cast(total, "DOUBLE"), expression=cast(count, "DOUBLE"))


def _is_distinct(node: exp.Expr) -> bool:
    inner = node.this
    return isinstance(inner, exp.Distinct) and len(inner.expressions) == 1


def _term(place: int) -> str:
    return f"term {place}"


def _lot(place: int) -> str:
    return f"lot {place}"


def _sum(place: int) -> str:
    return f"sum {place}"
