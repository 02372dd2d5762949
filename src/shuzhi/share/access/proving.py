"""Proves of cells that they are large by the first of the allowed rows, where those are enough.

Among some rows there are no more subjects than among all: what is enough there is enough. So a
question is answered of the rows that it asks for, and the others, by which small cells are told,
are looked at only until enough were found. Of each cell it is told that it is large, or that it is
not; where neither can be said of one, all is counted, as in `cells.py`, which says what must hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlglot import exp

from shuzhi.share.access.apart import copied
from shuzhi.share.access.cells import LARGE, Question, large_of
from shuzhi.share.access.governed import table_called
from shuzhi.share.access.marks import basket, tested, values_of
from shuzhi.share.access.pieces import (
    allowed,
    called,
    every,
    grouped,
    joined,
    name,
    named,
    number,
    select,
    within,
    within_parts,
)
from shuzhi.share.access.tallies import MOST_BY_BASKETS, Tally, counted, figure, key, mean, value

_BASKET = "basket"
_ENOUGH = "is enough"
_ASKED = "is asked for"
_FINE = "is fine"


class Proof(NamedTuple):
    """Tables to make, one after the other, and of each the question how many cells are in doubt.

    With no doubts, `answer` shows what counting would show.
    """

    tables: tuple[exp.Create, exp.Create]
    doubts: tuple[exp.Select, exp.Select]
    answer: exp.Select


def proof(asked: Question, source: exp.Select, tables: str, first_rows: int) -> Proof | None:
    """Return what may answer `asked` by `first_rows` of the rows of `source`.

    The names of the tables made on the way begin with `tables`. None where it cannot be told so,
    or costs no less than to count. Nothing of `asked` may be able to fail on a row, for its filter
    may be computed before that of `source`.
    """
    judge = _Judge(asked, source, first_rows)
    if not judge.can_tell():
        return None
    first, cells = f"{tables} first", f"{tables} cells"
    return Proof(
        (copied(judge.first(), first), copied(judge.cells(first), cells)),
        (_in_doubt(first, _ENOUGH), _in_doubt(cells, LARGE)),
        large_of(asked, judge.tally, {}, cells),
    )


def _in_doubt(table: str, told: str) -> exp.Select:
    """Return the number of cells of which something is not told."""
    made = select([exp.Count(this=exp.Star())], table_called(table))
    made.set("where", exp.Where(this=exp.Is(this=name(told), expression=exp.Null())))
    return made


class _Judge:
    """Writes the table of the cells that were asked for, and of what can be told of each."""

    def __init__(self, asked: Question, source: exp.Select, first_rows: int) -> None:
        self._asked, self._source, self._first_rows = asked, source, first_rows
        self._has_subject = asked.allowed.grant.subject is not None
        # Within a cell that was asked for, what is tested of its key holds for each row.
        self._terms = tuple(t for t in asked.terms if tested(t) not in asked.keys)
        self.tally = self._tally(())

    def can_tell(self) -> bool:
        """Whether it can be told by some rows, and is not told as cheaply by all."""
        asked = self._asked
        counts = (f for f in asked.figures if isinstance(f, exp.Count))
        # That a column is missing in no row cannot be told by some rows.
        if any(isinstance(counted(f), exp.Column) for f in counts):
            return False
        return asked.minimum <= MOST_BY_BASKETS if self._has_subject else bool(asked.terms)

    def _tally(self, terms: tuple[exp.Expr, ...]) -> Tally:
        keys, figures, minimum = self._asked.keys, self._asked.figures, self._asked.minimum
        return Tally(keys, terms, figures, has_subject=False, minimum=minimum)

    def cells(self, first: str) -> exp.Select:
        """Return the cells, with whether each is large; missing where there is a doubt."""
        told = [
            exp.If(this=exp.Not(this=name(_FINE)), true=exp.false()),
            exp.If(this=name(_ENOUGH, first), true=exp.true()),
        ]
        every_column = exp.Column(this=exp.Star(), table=exp.to_identifier("asked"))
        made = select([every_column, named(exp.Case(ifs=told), LARGE)], table_called("asked"))
        made.set("joins", [joined("LEFT", first, "asked", self._keys())])
        is_there = exp.GT(this=self.tally.all_rows, expression=number(0))
        made.set("where", exp.Where(this=is_there))
        return within_parts({"asked": self._asked_for()}, made)

    def _keys(self) -> list[str]:
        return [key(i) for i, _ in enumerate(self._asked.keys)]

    def _asked_for(self) -> exp.Select:
        """Return the cells with their figures, of the rows that were asked for."""
        asked = self._asked
        columns = [
            *(named(k.copy(), key(i)) for i, k in enumerate(asked.keys)),
            named(exp.Count(this=exp.Star()), self.tally.all_rows.name),
            named(every(self._fine()), _FINE),
            *(named(_figure(f), figure(i)) for i, f in enumerate(asked.figures)),
        ]
        made = select(columns, allowed(self._source))
        if asked.terms:
            made.set("where", exp.Where(this=every(t.copy() for t in asked.terms)))
        if asked.keys:
            made.set("group", exp.Group(expressions=[k.copy() for k in asked.keys]))
        return made

    def _fine(self) -> Iterator[exp.Expr]:
        """Yield the conditions that counts of the rows that were asked for are large, or none.

        Behind rows that are too few there are too few subjects; of more it is not known. Where
        each row is a subject, each value of a list is counted, and where a column is there.
        """
        yield self._is_fine(exp.Star(), None)
        if not self._has_subject:
            terms = (t for t in self._terms if not isinstance(t, exp.Not))
            values = [exp.EQ(this=tested(t), expression=v) for t in terms for v in values_of(t)]
            for rows in (None, *values):
                for what in (exp.Star(), *self.tally.columns):
                    yield self._is_fine(what, rows)

    def _is_fine(self, what: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
        count = within(exp.Count(this=what.copy()), rows and rows.copy())
        most = number(self._asked.minimum - 1)
        return exp.Not(this=exp.Between(this=count, low=number(1), high=most))

    def first(self) -> exp.Select:
        """Return of the cells among the first rows whether these are enough.

        Missing where they are not, and the cell was asked for: then it is most likely not large, or
        not told so, and no more is tried.
        """
        first = self._source.copy()
        first.set("limit", exp.Limit(expression=number(self._first_rows)))
        tally = self._tally(self._terms)
        is_asked = every(term.copy() for term in self._asked.terms)
        marks = [*tally.marks(), named(is_asked, _ASKED)]
        if self._has_subject:
            marks.append(named(basket(), _BASKET))
        bounds = self._bounds(tally)
        enough = every(exp.GTE(this=b, expression=number(tally.minimum)) for b in bounds)
        is_none = exp.EQ(this=called("count_if", name(_ASKED)), expression=number(0))
        told = [exp.If(this=enough, true=exp.true()), exp.If(this=is_none, true=exp.false())]
        seen = grouped(self._keys(), [named(exp.Case(ifs=told), _ENOUGH)], "marked")
        return within_parts({"marked": select(marks, allowed(first))}, seen)

    def _bounds(self, tally: Tally) -> Iterator[exp.Expr]:
        """Yield of each count that is not exact how many there are at least, or nothing for none.

        Of counts that contain each other the smaller: rows in which a column is there.
        """
        columns = [_is_there(j) for j, _ in enumerate(tally.columns)] or [exp.true()]
        for lot in self._lots(tally):
            for is_there in columns:
                rows = exp.And(this=exp.Paren(this=lot.copy()), expression=is_there.copy())
                if self._has_subject:
                    yield called("bit_count", within(called("bit_or", name(_BASKET)), rows))
                else:
                    yield within(exp.Count(this=exp.Star()), rows)

    def _lots(self, tally: Tally) -> Iterator[exp.Expr]:
        """Yield the lots that are not exact; that of all else contains those with a term less."""
        if self._has_subject:
            yield tally.asked_for()
        for i, term in enumerate(tally.terms):
            yield tally.without(i)
            if self._has_subject or isinstance(term, exp.Not):
                yield from tally.of_values(i)


def _is_there(place: int) -> exp.Expr:
    return exp.Not(this=exp.Is(this=name(value(place)), expression=exp.Null()))


def _figure(node: exp.Expr) -> exp.Expr:
    """Return a figure, computed as it is of what was gathered."""
    if isinstance(node, exp.Avg) and not isinstance(node.this, exp.Distinct):
        return mean(exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy()))
    return node.copy()
