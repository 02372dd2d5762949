"""Counts cells of subjects, each of whom may have several rows.

To gather rows by subject costs many times the rest, and it only matters whether there are enough.
So each subject falls into one of some baskets; there are at least as many subjects as baskets that
were hit. Of few rows the subjects are kept besides, and told apart. Only of cells where that leaves
a doubt are rows gathered by subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from shuzhi.share.access.by_rows import ONE, cells_of_rows, rows_alike
from shuzhi.share.access.governed import table_called
from shuzhi.share.access.marks import (
    BASKET,
    MOST_BY_BASKETS,
    SUBJECT,
    are_all,
    basket,
    baskets,
    few_subjects,
    told_apart,
)
from shuzhi.share.access.pieces import (
    allowed,
    called,
    compared,
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
from shuzhi.share.access.tallies import ROWS, Tally, total, value


def parts_by_subjects(tally: Tally, source: exp.Select) -> Mapping[str, exp.Select]:
    """Return the WITH parts, in their order; the last one is `cells`, a row for each."""
    if tally.minimum <= MOST_BY_BASKETS and tally.held() == tally.names():
        return _Few(tally, source).parts()
    # Values that are counted once have to be gathered anyway.
    return {
        "marked": select([*tally.marks(), name(SUBJECT)], allowed(source)),
        "placed": tally.placed("marked"),
        "gathered": grouped([SUBJECT, *tally.held()], _rows_of_each(tally), "placed"),
        "cells": grouped(tally.names(), _cells(tally), "gathered"),
    }


class _Few:
    """Writes the counts of subjects by a few, and by all of them in cells that are in doubt."""

    def __init__(self, tally: Tally, source: exp.Select) -> None:
        self._tally, self._source = tally, source
        self._keys = [ONE, *tally.names()]

    def parts(self) -> Mapping[str, exp.Select]:
        tally = self._tally
        marks = [*tally.marks(), name(SUBJECT), named(basket(name(SUBJECT)), BASKET)]
        alike = [*tally.term_names(), *tally.names()]
        bounded = [named(number(1), ONE), *cells_of_rows(tally), *self._bounds()]
        people = (each for each in _cells(tally) if each.alias.startswith("people "))
        return {
            "marked": select(marks, allowed(self._source)),
            "alike": grouped(alike, [*rows_alike(tally), *self._few()], "marked"),
            "found": tally.placed("alike"),
            "bounded": grouped(tally.names(), bounded, "found"),
            "doubtful": self._doubtful(),
            "again": self._again(),
            "placed": tally.placed("again"),
            "gathered": grouped([SUBJECT, *self._keys], _rows_of_each(tally), "placed"),
            "exact": grouped(self._keys, people, "gathered"),
            "cells": self._settled(),
        }

    def _few(self) -> Iterator[exp.Expr]:
        """Yield the baskets that were hit by the rows that are gathered, and a few subjects."""
        for of in self._tally.parts_of_a_lot():
            rows = _rows_of(of)
            yield named(within(called("bit_or", name(BASKET)), rows), f"hit{of}")
            few = within(few_subjects(self._tally.minimum), rows and rows.copy())
            yield named(few, f"few{of}")

    def _bounds(self) -> Iterator[exp.Expr]:
        """Yield of each count how many subjects there are at least, and if those are all."""
        for lot in self._tally.places:
            for of in self._tally.parts_of_a_lot():
                few, inside = name(f"few{of}"), self._tally.inside(lot)
                kept = called("flatten", within(called("list", few), inside))
                hit = baskets(name(f"hit{of}"), inside and inside.copy())
                whole = called("bool_and", are_all(few.copy(), self._tally.minimum))
                least = called("greatest", told_apart(kept), hit)
                yield named(_or(least, number(0)), f"at least {lot}{of}")
                whole = within(whole, inside and inside.copy())
                yield named(_or(whole, exp.true()), f"all {lot}{of}")

    def _doubtful(self) -> exp.Select:
        """Return the keys of cells with rows for enough subjects, of which too few were kept."""
        minimum = self._tally.minimum
        doubts = [
            exp.and_(
                compared(exp.GTE, f"{ROWS} {which}", minimum),
                compared(exp.LT, f"at least {which}", minimum),
                exp.Not(this=name(f"all {which}")),
                copy=False,
            )
            for which in self._tally.each_count()
        ]
        made = select(map(name, self._keys), table_called("bounded"))
        made.set("where", exp.Where(this=exp.or_(*doubts, copy=False)))
        return made

    def _again(self) -> exp.Select:
        """Return the rows of doubtful cells, and whom each is about."""
        marks = [*self._tally.marks(), name(SUBJECT), named(number(1), ONE)]
        made = select([exp.Star()], sub_query(select(marks, allowed(self._source)), "all"))
        made.set("joins", [joined("SEMI", "doubtful", "all", self._keys)])
        return made

    def _settled(self) -> exp.Select:
        """Return the cells, with subjects counted or else known to be enough, or to be all."""
        found = (
            named(
                _or(name(f"people {which}", "exact"), name(f"at least {which}", "bounded")),
                f"people {which}",
            )
            for which in self._tally.each_count()
        )
        all_columns = exp.Column(this=exp.Star(), table=exp.to_identifier("bounded"))
        made = select([all_columns, *found], table_called("bounded"))
        made.set("joins", [joined("LEFT", "exact", "bounded", self._keys)])
        return made


def _or(value_or_none: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=value_or_none, expressions=[otherwise])


def _rows_of(of: str) -> exp.Expr | None:
    """Return which rows a part of a lot has, by its name; None where it has all."""
    if not of:
        return None
    _, kind, place = of.split(" ")
    is_missing = exp.Is(this=name(value(int(place))), expression=exp.Null())
    return is_missing if kind == "missing" else exp.Not(this=is_missing)


def _rows_of_each(tally: Tally) -> Iterator[exp.Expr]:
    """Yield what is counted and summed up of the rows of each subject, by lots."""
    for lot in tally.places:
        rows = tally.inside(lot)
        yield named(within(exp.Count(this=exp.Star()), rows), f"{ROWS} {lot}")
        for j, _ in enumerate(tally.columns):
            there = within(exp.Count(this=name(value(j))), rows)
            yield named(there, f"{ROWS} {lot} there {j}")
    for j in tally.summed_columns():
        yield named(within(exp.Sum(this=name(value(j))), tally.inside(0)), total(j))


def _cells(tally: Tally) -> Iterator[exp.Expr]:
    """Yield the counts of rows and subjects of each lot of a cell, and its figures."""
    for lot in tally.places:
        whole = name(f"{ROWS} {lot}")
        yield from _told(tally, whole, f"{lot}")
        for j, column in enumerate(tally.columns):
            there = name(f"{ROWS} {lot} there {j}")
            yield from _told(tally, there, f"{lot} there {j}")
            if tally.tells_of_missing(column):
                without = exp.Sub(this=whole.copy(), expression=there.copy())
                yield from _told(tally, without, f"{lot} missing {j}")
    counts = f"{ROWS} 0 there {{}}", f"{ROWS} 0"
    yield from tally.figures_of(*counts, lambda: compared(exp.GT, f"{ROWS} 0", 0))


def _told(tally: Tally, rows: exp.Expr, which: str) -> Iterator[exp.Expr]:
    # Somebody has several rows here only where values are counted once.
    who: exp.Expr = name(SUBJECT)
    if len(tally.held()) > len(tally.keys):
        who = exp.Distinct(expressions=[who])
    is_any = exp.GT(this=rows.copy(), expression=number(0))
    yield named(summed(rows, None), f"{ROWS} {which}")
    yield named(within(exp.Count(this=who), is_any), f"people {which}")
