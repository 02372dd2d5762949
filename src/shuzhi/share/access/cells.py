"""Judges the cells of a question for figures, in SQL: which are small, what gives them away.

Each cell is counted as it was asked for, and as far as it differs from a question much like it:
with one term of the filter or one value of a list less, or of a column only where it is there.
Where any of those counts is small, the cell is left out. Where the cells left out of a lot could
be told by taking the others off the lot's figure, the smallest of the others goes too. The counts
themselves are told in `tallies.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlglot import exp

from shuzhi.share.access.by_rows import parts_by_rows
from shuzhi.share.access.by_subjects import parts_by_subjects
from shuzhi.share.access.governed import table_called
from shuzhi.share.access.model import Allowed
from shuzhi.share.access.pieces import every, name, number, within_parts
from shuzhi.share.access.reading import title
from shuzhi.share.access.tallies import Count, Tally, figure, key

# Names with a space: no asker can write one.
LARGE = "is large"
_GOES = "goes too"


@dataclass(frozen=True)
class Question:
    """A question for figures: the tree, and its parts that were checked."""

    query: exp.Select
    allowed: Allowed
    keys: tuple[exp.Expr, ...]
    terms: tuple[exp.Expr, ...]
    figures: tuple[exp.Expr, ...]

    @property
    def minimum(self) -> int:
        """How many subjects must stand behind a cell."""
        return self.allowed.grant.minimum_group or 0


def large_cells(asked: Question, source: exp.Select) -> exp.Select:
    """Return what answers `asked` with the cells that may be shown, over the rows of `source`."""
    has_subject = asked.allowed.grant.subject is not None
    tally = Tally(
        asked.keys, asked.terms, asked.figures, has_subject=has_subject, minimum=asked.minimum
    )
    count = parts_by_subjects if has_subject else parts_by_rows
    parts = {**count(tally, source), "judged": _judged(asked, tally)}
    return large_of(asked, tally, parts, "judged")


def large_of(
    asked: Question,
    tally: Tally,
    parts: Mapping[str, exp.Select],
    judged: str,
    also: Sequence[exp.Alias] = (),
) -> exp.Select:
    """Return what answers `asked` of the table of cells `judged`, in which `LARGE` was said.

    What is computed of all cells `also`, is shown beside the answer in columns after its own.
    """
    ranked = _ranked(asked, tally, judged).select(*also, copy=False)
    shown = _shown(asked).select(*(name(each.alias) for each in also), copy=False)
    return within_parts({**parts, "ranked": ranked}, shown)


def _judged(asked: Question, tally: Tally) -> exp.Select:
    """Say of each cell that is not empty whether all its counts are large enough."""
    fine = every(_is_fine(count, asked.minimum) for count in tally.counts())
    is_large = exp.alias_(fine, LARGE, quoted=True)
    # What was asked for must be there at all.
    is_there = exp.GT(this=tally.all_rows, expression=number(0))
    return exp.Select(
        expressions=[exp.Star(), is_large],
        from_=exp.From(this=table_called("cells")),
        where=exp.Where(this=is_there),
    )


def _is_fine(count: Count, minimum: int) -> exp.Expr:
    none = exp.EQ(this=count.rows, expression=number(0))
    many = exp.GTE(this=count.subjects, expression=number(minimum))
    return exp.Paren(this=exp.Or(this=none, expression=many))


def _ranked(asked: Question, tally: Tally, judged: str) -> exp.Select:
    """Say of each cell whether it must go so that the others do not give a small one away.

    Whoever knows the figure of all cells together, or of those with the same value of some keys,
    could take the shown ones off it; so of each such lot none is hidden, or enough are.
    """
    names = [key(i) for i in range(len(asked.keys))]
    lots = [lot for size in range(len(names)) for lot in combinations(names, size)]
    goes = [exp.paren(_gives_away(asked, tally, lot, names)) for lot in lots]
    named = exp.alias_(exp.or_(*goes) if goes else exp.false(), _GOES, quoted=True)
    return exp.select("*", named).from_(table_called(judged))


def _gives_away(
    asked: Question, tally: Tally, lot: Sequence[str], names: Sequence[str]
) -> exp.Expr:
    """Whether a cell is the smallest that is shown of its lot, of which too few are hidden."""
    # Somebody may be in several cells; then only the number of the largest is sure.
    total = exp.Sum if asked.allowed.grant.subject is None else exp.Max
    hidden = exp.case().when(exp.Not(this=name(LARGE)), name(tally.people))
    found = exp.Window(
        this=total(this=hidden), partition_by=[name(word) for word in lot], over="OVER"
    )
    too_few = exp.func(
        "COALESCE", exp.LT(this=found, expression=number(asked.minimum)), exp.false()
    )
    # By rows, for of subjects it may only be known that they are many.
    order = [exp.Ordered(this=word) for word in (tally.all_rows, *map(name, names))]
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[name(word) for word in (LARGE, *lot)],
        order=exp.Order(expressions=order),
        over="OVER",
    )
    return exp.and_(exp.EQ(this=place, expression=number(1)), too_few)


def _shown(asked: Question) -> exp.Select:
    """The answer as it was asked for, over the cells that may be shown."""
    places = {node: figure(i) for i, node in enumerate(asked.figures)}
    places |= {node: key(i) for i, node in enumerate(asked.keys)}

    def placed(node: exp.Expr) -> exp.Expr:
        return name(places[node]) if node in places else node

    query = asked.query
    outputs = [
        exp.alias_(output.unalias().transform(placed), title(output), quoted=True)
        for output in query.expressions
    ]
    shown = exp.select(*outputs).from_(table_called("ranked"))
    is_shown = exp.and_(name(LARGE), exp.Not(this=name(_GOES)))
    shown = shown.where(is_shown)
    if having := query.args.get("having"):
        # A condition that fails on a cell must not be computed for one that is left out.
        asked_for = having.this.transform(placed)
        shown = shown.where(exp.case().when(is_shown.copy(), asked_for).else_(exp.false()))
    for part_name in ("order", "limit", "offset"):
        if part := query.args.get(part_name):
            shown.set(part_name, part.transform(placed))
    return shown
