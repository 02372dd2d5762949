"""Judges the cells of a question for figures, in SQL: which are small, what gives them away.

Each cell is counted as it was asked for, and as far as it differs from a question much like it:
with one term of the filter or one value of a list less, or of a column only where it is there.
Where any of those counts is small, the cell is left out. Where the cells left out of a lot could
be told by taking the others off the lot's figure, the smallest of the others goes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from sqlglot import exp

from shuzhi.share.access.governed import governed, table_called
from shuzhi.share.access.model import Allowed
from shuzhi.share.access.reading import title

# Names with a space: no asker can write one.
_SUBJECT = "the subject"
_LARGE = "is large"
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
    def minimum(self) -> exp.Expr:
        """How many subjects must stand behind a cell."""
        return _number(self.allowed.grant.minimum_group or 0)


def counted(figure: exp.Expr) -> exp.Expr:
    """Return what a figure is over: its column, also under DISTINCT, or the star."""
    inner = figure.this
    is_one = isinstance(inner, exp.Distinct) and len(inner.expressions) == 1
    only: exp.Expr = inner.expressions[0] if is_one else inner
    return only


def large_cells(asked: Question, base: str) -> exp.Select:
    """Return what answers `asked` with the cells that may be shown, over the table `base`."""
    parts = {"cells": _cells(asked, base), "judged": _judged(asked), "ranked": _ranked(asked)}
    shown = _shown(asked)
    for name, part in parts.items():
        shown = shown.with_(name, as_=part)
    return shown


def _cells(asked: Question, base: str) -> exp.Select:
    """One row for each combination of keys: keys, figures, and the counts that judge it."""
    matches = [_surely(term) for term in asked.terms]
    subject = exp.Star() if asked.allowed.grant.subject is None else _distinct(_name(_SUBJECT))
    columns = [(key, _key(i)) for i, key in enumerate(asked.keys)]
    inside = _every(matches)
    columns += [(_within(f, inside), _figure(i)) for i, f in enumerate(asked.figures)]
    for i, rows in enumerate(_lots(asked, matches)):
        columns.append((_within(exp.Count(this=exp.Star()), rows), f"rows {i}"))
        columns.append((_within(exp.Count(this=subject), rows), f"subjects {i}"))
    alias = exp.TableAlias(this=exp.to_identifier("allowed"))
    source = exp.Subquery(this=governed(asked.allowed, base, subject=_SUBJECT), alias=alias)
    named = [exp.alias_(column.copy(), name, quoted=True) for column, name in columns]
    cells = exp.select(*named).from_(source)
    return cells.group_by(*(key.copy() for key in asked.keys)) if asked.keys else cells


def _lots(asked: Question, matches: Sequence[exp.Expr]) -> Iterator[exp.Expr | None]:
    """Yield the rows to be counted in a cell: those asked for (None for all), then differences.

    Each is counted whole, and as far as the columns of figures have values or lack them.
    """
    for lot in _differences(asked, matches):
        yield _every(lot)
        for figure in asked.figures:
            column = counted(figure)
            if isinstance(column, exp.Column):
                is_missing = exp.Is(this=column, expression=exp.Null())
                yield _every([*lot, exp.Not(this=is_missing)])
                if isinstance(figure, exp.Count):
                    yield _every([*lot, is_missing])


def _differences(asked: Question, matches: Sequence[exp.Expr]) -> Iterator[list[exp.Expr]]:
    """Yield the conditions of the rows asked for, and of what one term or value less changes."""
    yield [*matches]
    for i, term in enumerate(asked.terms):
        others = [match for j, match in enumerate(matches) if j != i]
        yield [*others, exp.Not(this=matches[i])]
        for value in _values(term):
            yield [*others, value]
    if len(matches) > 1:
        yield [exp.Not(this=exp.paren(exp.and_(*matches)))]


def _values(term: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a term for each value of a list that has several."""
    bare = term.this.unnest() if isinstance(term, exp.Not) else term
    values = bare.args.get("expressions") or () if isinstance(bare, exp.In) else ()
    for value in values if len(values) > 1 else ():
        yield _surely(exp.EQ(this=bare.this, expression=value))


def _judged(asked: Question) -> exp.Select:
    """Say of each cell that is not empty whether all its counts are large enough."""
    count = sum(1 for _ in _lots(asked, [exp.true() for _ in asked.terms]))
    fine = [
        exp.or_(
            exp.EQ(this=_name(f"rows {i}"), expression=_number(0)),
            exp.GTE(this=_name(f"subjects {i}"), expression=asked.minimum),
        )
        for i in range(count)
    ]
    # What was asked for must be there at all.
    is_there = exp.GT(this=_name("rows 0"), expression=_number(0))
    is_large = exp.alias_(_every(fine) or exp.true(), _LARGE, quoted=True)
    return exp.select("*", is_large).from_(table_called("cells")).where(is_there)


def _ranked(asked: Question) -> exp.Select:
    """Say of each cell whether it must go so that the others do not give a small one away.

    Whoever knows the figure of all cells together, or of those with the same value of some keys,
    could take the shown ones off it; so of each such lot none is hidden, or enough are.
    """
    names = [_key(i) for i in range(len(asked.keys))]
    lots = [lot for size in range(len(names)) for lot in combinations(names, size)]
    goes = [exp.paren(_gives_away(asked, lot, names)) for lot in lots]
    named = exp.alias_(exp.or_(*goes) if goes else exp.false(), _GOES, quoted=True)
    return exp.select("*", named).from_(table_called("judged"))


def _gives_away(asked: Question, lot: Sequence[str], names: Sequence[str]) -> exp.Expr:
    """Whether a cell is the smallest that is shown of its lot, of which too few are hidden."""
    # Somebody may be in several cells; then only the number of the largest is sure.
    total = exp.Sum if asked.allowed.grant.subject is None else exp.Max
    hidden = exp.case().when(exp.Not(this=_name(_LARGE)), _name("subjects 0"))
    found = exp.Window(
        this=total(this=hidden), partition_by=[_name(name) for name in lot], over="OVER"
    )
    too_few = exp.func("COALESCE", exp.LT(this=found, expression=asked.minimum), exp.false())
    order = [exp.Ordered(this=_name(name)) for name in ("subjects 0", *names)]
    place = exp.Window(
        this=exp.RowNumber(),
        partition_by=[_name(name) for name in (_LARGE, *lot)],
        order=exp.Order(expressions=order),
        over="OVER",
    )
    return exp.and_(exp.EQ(this=place, expression=_number(1)), too_few)


def _shown(asked: Question) -> exp.Select:
    """The answer as it was asked for, over the cells that may be shown."""
    places = {figure: _figure(i) for i, figure in enumerate(asked.figures)}
    places |= {key: _key(i) for i, key in enumerate(asked.keys)}

    def placed(node: exp.Expr) -> exp.Expr:
        return _name(places[node]) if node in places else node

    query = asked.query
    outputs = [
        exp.alias_(output.unalias().transform(placed), title(output), quoted=True)
        for output in query.expressions
    ]
    shown = exp.select(*outputs).from_(table_called("ranked"))
    is_shown = exp.and_(_name(_LARGE), exp.Not(this=_name(_GOES)))
    shown = shown.where(is_shown)
    if having := query.args.get("having"):
        # A condition that fails on a cell must not be computed for one that is left out.
        asked_for = having.this.transform(placed)
        shown = shown.where(exp.case().when(is_shown.copy(), asked_for).else_(exp.false()))
    for name in ("order", "limit", "offset"):
        if part := query.args.get(name):
            shown.set(name, part.transform(placed))
    return shown


def _surely(term: exp.Expr) -> exp.Expr:
    """True or false, and never missing, so that its opposite is all other rows."""
    return exp.func("COALESCE", term.copy(), exp.false())


def _within(figure: exp.Expr, rows: exp.Expr | None) -> exp.Expr:
    if rows is None:
        return figure.copy()
    return exp.Filter(this=figure.copy(), expression=exp.Where(this=rows.copy()))


def _every(parts: Sequence[exp.Expr]) -> exp.Expr | None:
    return exp.and_(*parts) if parts else None


def _distinct(column: exp.Expr) -> exp.Expr:
    return exp.Distinct(expressions=[column])


def _name(name: str) -> exp.Expr:
    return exp.column(exp.to_identifier(name, quoted=True))


def _number(number: int) -> exp.Expr:
    return exp.Literal.number(number)


def _key(position: int) -> str:
    return f"key {position}"


def _figure(position: int) -> str:
    return f"figure {position}"
