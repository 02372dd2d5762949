"""Proves of cells that they are large by the first of the allowed rows, where those are enough.

Among some rows there are no more subjects than among all: what is enough there is enough. So a
question is answered of the rows that it asks for, and the others, by which small cells are told,
are looked at only as far as so many cells may need. Of each cell it is told that it is large, or
that it is not; where neither can be said of one, all is counted, as in `cells.py`, which says what
must hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from shuzhi.share.access.cells import LARGE, Question, large_of
from shuzhi.share.access.governed import table_called
from shuzhi.share.access.marks import (
    BASKET,
    MOST_BY_BASKETS,
    SUBJECT,
    are_all,
    basket,
    baskets,
    few_subjects,
    tested,
    told_apart,
    values_of,
)
from shuzhi.share.access.pieces import (
    allowed,
    called,
    compared,
    every,
    joined,
    name,
    named,
    number,
    select,
    within,
)
from shuzhi.share.access.tallies import Tally, counted, figure, key, mean

_ENOUGH = "is enough"
_FINE = "is fine"
_IN_DOUBT = "in doubt"
# Most of the time of so few goes into opening the file.
_LEAST_ROWS = 40_000
# Rows for one of a cell's subjects: lots of one row in twenty have three for each that is needed.
_ROWS_OF_A_SUBJECT = 60
# Of a cell's rows hardly more than a quarter are among so few as are worth looking at.
_PARTS_OF_A_CELL = 4


def proof(
    asked: Question, source: exp.Select, first_rows: int, tries: int = 0
) -> exp.Select | None:
    """Return what may answer `asked` by at most `first_rows` of the rows of `source`.

    After so many `tries` that left doubts: where a grant names a subject, the second one counts the
    subjects of the rows that are asked for, and looks at others only to tell what is around them.

    Its last column says of how many cells nothing can be told. With none in doubt the others are
    what counting would show; that nothing was shown is no proof of it. None where it cannot be told
    so, or costs no less than to count. Nothing of `asked` may be able to fail on a row, for its
    filter may be computed before that of `source`.
    """
    judge = (_Judge, _Counting)[tries](asked, source, first_rows) if tries < 2 else None
    if judge is None or not judge.can_tell():
        return None
    doubts = called("count_if", exp.Is(this=name(LARGE), expression=exp.Null()))
    in_doubt = named(exp.Window(this=doubts, over="OVER"), _IN_DOUBT)
    return large_of(asked, judge.tally, judge.parts(), "cells", [in_doubt])


class _Judge:
    """Writes the cells that were asked for, and what can be told of each."""

    samples = True

    def __init__(self, asked: Question, source: exp.Select, first_rows: int) -> None:
        self._asked, self._source, self._first_rows = asked, source, first_rows
        self._has_subject = asked.allowed.grant.subject is not None
        if self._has_subject:
            self._source = _with_baskets(source)
        # Within a cell that was asked for, what is tested of its key holds for each row.
        self._terms = tuple(t for t in asked.terms if tested(t) not in asked.keys)
        self._keys = [key(i) for i, _ in enumerate(asked.keys)]
        self.tally = Tally(asked.keys, (), asked.figures, has_subject=False, minimum=asked.minimum)

    def can_tell(self) -> bool:
        """Whether it can be told by some rows, and is not told as cheaply by all."""
        counts = (f for f in self._asked.figures if isinstance(f, exp.Count))
        # That a column is missing in no row cannot be told by some rows.
        if any(isinstance(counted(f), exp.Column) for f in counts):
            return False
        if self._has_subject:
            return self._asked.minimum <= MOST_BY_BASKETS
        return bool(self._asked.terms)

    def parts(self) -> dict[str, exp.Select]:
        """Return the WITH parts, in their order; of `cells` each says whether it is large."""
        return {"asked": self._asked_for(), "first": self._first(), "cells": self._cells()}

    def _asked_for(self) -> exp.Select:
        """Return the cells with their figures, of the rows that were asked for."""
        asked = self._asked
        columns = [
            *(named(k.copy(), word) for k, word in zip(asked.keys, self._keys, strict=True)),
            named(exp.Count(this=exp.Star()), self.tally.all_rows.name),
            *self._told(),
            *(named(_figure(f), figure(i)) for i, f in enumerate(asked.figures)),
        ]
        made = select(columns, allowed(self._source))
        if asked.terms:
            made.set("where", exp.Where(this=every(t.copy() for t in asked.terms)))
        if asked.keys:
            made.set("group", exp.Group(expressions=[k.copy() for k in asked.keys]))
        return made

    def _told(self) -> Iterator[exp.Alias]:
        """Yield whether the counts of the rows that were asked for are all large, or none.

        Behind rows that are too few there are too few subjects; of more it is not known. Where
        each row is a subject, each value of a list is counted, and where a column is there.
        """
        lots = [None] if self._has_subject else self._asked_lots()
        counts = (within(exp.Count(this=exp.Star()), rows) for rows in lots)
        least = called("least", *(called("nullif", count, number(0)) for count in counts))
        enough = exp.GTE(this=least, expression=number(self._asked.minimum))
        yield named(exp.Coalesce(this=enough, expressions=[exp.true()]), _FINE)

    def _asked_lots(self) -> list[exp.Expr | None]:
        """Return the lots among the rows that were asked for; of all of them, None."""
        terms = (t for t in self._terms if not isinstance(t, exp.Not))
        values = [is_value for t in terms for is_value in _of_values(t)]
        there = [_is_there(column) for column in self.tally.columns]
        both = [every([v, c]).copy() for v in values for c in there]
        return [None, *there, *values, *both]

    def _first(self) -> exp.Select:
        """Return of the cells among the first rows whether these are enough."""
        first = self._source.copy()
        first.set("limit", exp.Limit(expression=exp.Subquery(this=self._wanted())))
        keys = (named(k.copy(), word) for k, word in zip(self._asked.keys, self._keys, strict=True))
        made = select([*keys, named(every(self._enough()), _ENOUGH)], allowed(first))
        if self._keys:
            made.set("group", exp.Group(expressions=[k.copy() for k in self._asked.keys]))
        return made

    def _wanted(self) -> exp.Select:
        """Return how many rows to look at: what so many cells need, or none where that is more."""
        each = number(_ROWS_OF_A_SUBJECT * self._asked.minimum)
        wanted = exp.Mul(this=exp.Count(this=exp.Star()), expression=each)
        most = number(self._first_rows)
        some = called("least", called("greatest", wanted, number(_LEAST_ROWS)), most)
        is_likely: exp.Expr = exp.LTE(this=wanted.copy(), expression=most.copy())
        if self._has_subject and self.samples:
            is_cheap = exp.LTE(this=wanted.copy(), expression=number(_LEAST_ROWS))
            are_many = exp.Paren(this=exp.Or(this=is_cheap, expression=self._are_many()))
            is_likely = exp.And(this=is_likely, expression=are_many)
        rows = exp.Case(ifs=[exp.If(this=is_likely, true=some)], default=number(0))
        return select([rows], table_called("asked"))

    def _are_many(self) -> exp.Expr:
        """Whether each cell has so many rows that a part of them may be enough of each value."""
        values = max((len(values_of(t)) for t in self._terms), default=0) or 1
        least = within(called("min", self.tally.all_rows), name(_FINE))
        needed = _PARTS_OF_A_CELL * values * self._asked.minimum
        return exp.GTE(this=least, expression=number(needed))

    def _enough(self) -> Iterator[exp.Expr]:
        """Yield that there is enough of each count that is not exact.

        Of counts that contain each other the smaller: rows in which a column is there.
        """
        minimum = self._asked.minimum
        columns = [_is_there(column) for column in self.tally.columns] or [exp.true()]
        for lot in self._lots():
            for is_there in columns:
                rows = every([*lot, is_there]).copy()
                all_rows = within(exp.Count(this=exp.Star()), rows)
                count = baskets(name(BASKET), rows) if self._has_subject else all_rows
                yield exp.GTE(this=count, expression=number(minimum))

    def _lots(self) -> Iterator[list[exp.Expr]]:
        """Yield what holds in the lots that are not exact.

        That of all else contains those with a term less.
        """
        is_sampled = self._has_subject and self.samples
        if is_sampled:
            yield [*self._terms]
        for term in self._terms:
            others = [t for t in self._terms if t is not term]
            holds = exp.Is(this=exp.Paren(this=term), expression=exp.true())
            yield [*others, exp.Not(this=holds)]
            if is_sampled or isinstance(term, exp.Not):
                yield from ([*others, is_value] for is_value in _of_values(term))

    def _cells(self) -> exp.Select:
        """Return the cells, with whether each is large; missing where there is a doubt."""
        told = [
            exp.If(this=exp.Not(this=name(_FINE)), true=exp.false()),
            exp.If(this=exp.And(this=name(_FINE), expression=name(_ENOUGH)), true=exp.true()),
        ]
        every_column = exp.Column(this=exp.Star(), table=exp.to_identifier("asked"))
        made = select([every_column, named(exp.Case(ifs=told), LARGE)], table_called("asked"))
        made.set("joins", [joined("LEFT", "first", "asked", self._keys)])
        is_there = exp.GT(this=self.tally.all_rows, expression=number(0))
        made.set("where", exp.Where(this=is_there))
        return made


class _Counting(_Judge):
    """Counts the subjects of the rows that were asked for, instead of those among the first."""

    samples = False

    def __init__(self, asked: Question, source: exp.Select, first_rows: int) -> None:
        super().__init__(asked, source, first_rows)
        self.tally = replace(self.tally, has_subject=True)

    def can_tell(self) -> bool:
        """Whether there are rows that were not asked for, and it can be told by some of them."""
        return self._has_subject and bool(self._asked.terms) and super().can_tell()

    def parts(self) -> dict[str, exp.Select]:
        """Return the WITH parts, in their order; of `cells` each says whether it is large."""
        kept = self._asked_for()
        return {
            "kept": kept,
            "asked": self._judged(),
            "first": self._first(),
            "cells": self._cells(),
        }

    def _told(self) -> Iterator[exp.Alias]:
        for i, rows in enumerate(self._asked_lots()):
            yield named(within(exp.Count(this=exp.Star()), rows), f"count {i}")
            few = within(few_subjects(self._asked.minimum), rows and rows.copy())
            yield named(few, f"few {i}")
            yield named(baskets(name(BASKET), rows and rows.copy()), f"hit {i}")

    def _judged(self) -> exp.Select:
        """Say of each cell how many subjects it has, and whether all counts are large, or none."""
        told = [self._is_fine(i) for i, _ in enumerate(self._asked_lots())]
        # Where it is not known how many there are in all, it is not known either what they hide.
        is_known = exp.Not(this=exp.Is(this=told[0].copy(), expression=exp.Null()))
        fine = exp.Case(ifs=[exp.If(this=is_known, true=every(told))])
        people = named(self._least(0), self.tally.people)
        return select([exp.Star(), people, named(fine, _FINE)], table_called("kept"))

    def _least(self, lot: int) -> exp.Expr:
        some = called("greatest", told_apart(name(f"few {lot}")), name(f"hit {lot}"))
        return exp.Coalesce(this=some, expressions=[number(0)])

    def _is_fine(self, lot: int) -> exp.Expr:
        minimum = self._asked.minimum
        is_none = compared(exp.EQ, f"count {lot}", 0)
        is_large = exp.GTE(this=self._least(lot), expression=number(minimum))
        are_few = are_all(name(f"few {lot}"), minimum)
        ifs = [
            exp.If(this=exp.Or(this=is_none, expression=is_large), true=exp.true()),
            exp.If(this=exp.Coalesce(this=are_few, expressions=[exp.true()]), true=exp.false()),
        ]
        return exp.Case(ifs=ifs)


def _with_baskets(source: exp.Select) -> exp.Select:
    """Return rows with the basket of each one's subject, which is looked at many times."""
    (subject,) = (output.this for output in source.expressions if output.alias == SUBJECT)
    made = source.copy()
    made.append("expressions", named(basket(subject), BASKET))
    return made


def _of_values(term: exp.Expr) -> Iterator[exp.Expr]:
    return (exp.EQ(this=tested(term).copy(), expression=v.copy()) for v in values_of(term))


def _is_there(column: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null()))


def _figure(node: exp.Expr) -> exp.Expr:
    """Return a figure, computed as it is of what was gathered."""
    if isinstance(node, exp.Avg) and not isinstance(node.this, exp.Distinct):
        return mean(exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy()))
    return node.copy()
