"""Finds where a question that might fail can wait until hidden rows are gone, with no copy of all.

That is where all rows that pass are computed, whatever the database knows of others: where they are
gathered or put into order, in one SELECT or in a chain of SELECTs that each read the one before.
What such a chain begins with may be anything that cannot fail, a join too. A list of rows, of which
the database need not compute all, is made of those that passed; how is in `apart.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlglot import exp

from shuzhi.share.access.failing import Types, fails, types_in
from shuzhi.share.access.flattening import aliases, own_parts, source_of
from shuzhi.share.access.model import Allowed
from shuzhi.share.access.reading import terms_of

# Which side of these is computed first, and of which rows the other, the database finds by trying.
_CHOSEN = (exp.And, exp.Or)
_ENDS = ("limit", "offset")


@dataclass(frozen=True)
class Waiting:
    """The SELECT that begins, and which `terms` of its filter are tested after the others.

    Of one that `lists` rows the rows are set apart once they passed; where that is enough, only
    the first of them, at `most` so many, in the order `by`.
    """

    start: exp.Select
    terms: tuple[exp.Expr, ...]
    lists: bool = False
    by: exp.Order | None = None
    most: int | None = None


def waiting(query: exp.Query, allowed: Collection[Allowed], most_rows: int) -> Waiting | None:
    """Return how `query` waits, of which at most `most_rows` are answered; None where it cannot."""
    asked = _Asked(query, allowed)
    if not asked.levels or not asked.is_plain():
        return None
    start, first = asked.start, asked.levels[0]
    if start is first and not _gathers(start):
        # A part that is read twice cannot be read by the statement that sets rows apart.
        return None if _given(start, "with_") else asked.as_list(most_rows)
    is_cut = _given(first, *_ENDS) and not _given(first, "order")
    return None if is_cut and asked.fails_late(first) else Waiting(start, asked.terms)


class _Asked:
    """A chain of SELECTs, from the last to the one that begins."""

    def __init__(self, query: exp.Query, allowed: Collection[Allowed]) -> None:
        self._types = types_in(query, allowed)
        self._names = {column.name for each in allowed for column in each.columns}
        self.levels = list(_chain(query, self._types))
        self.start = self.levels[-1] if self.levels else exp.Select()
        self._where = self.start.args.get("where")
        self.terms = tuple(term for term in terms_of(self.start) if self._fails(term))

    def is_plain(self) -> bool:
        """Whether nothing is computed but of rows that passed, and of each of them."""
        if any(self._fails(part) for part in _begins_with(self.start)) or not self._is_clear():
            return False
        if any(part.find(exp.Query) for part in self._late()):
            return False
        # In order and at the end of others no row is left out.
        if any(not _gathers(each) or _given(each, "order", *_ENDS) for each in self.levels[1:]):
            return False
        chosen = [node for term in self.terms for node in _chosen_inside(term)]
        chosen += [n for p in self._late() if p not in self.terms for n in p.find_all(*_CHOSEN)]
        return not any(self._fails(node) for node in chosen)

    def fails_late(self, select: exp.Select) -> bool:
        """Whether what is computed of figures and of groups might fail."""
        return any(self._fails(_without_arguments(part)) for part in self._parts(select))

    def as_list(self, most_rows: int) -> Waiting:
        """Say how a list waits: for its order, if all that might fail is in it, or set apart."""
        order = self.start.args.get("order")
        keys = self._sorted_by() if order else []
        if order and not any(self._fails(part) for part in self._unsorted(keys)):
            return Waiting(self.start, self.terms)
        own = self._names - aliases(self.start)
        are_plain = all(isinstance(key, exp.Column) and key.name.lower() in own for key in keys)
        has_window = any(part.find(exp.Window) for part in own_parts(self.start))
        is_whole = self.terms or has_window or (order and not _given(self.start, "limit"))
        if is_whole or not are_plain:
            return Waiting(self.start, self.terms, lists=True)
        by = _by(order, keys) if order else None
        return Waiting(self.start, (), lists=True, by=by, most=_most(self.start, most_rows))

    def _fails(self, tree: exp.Expr) -> bool:
        return fails(tree, self._types)

    def _late(self) -> Iterator[exp.Expr]:
        """Yield all parts that wait: terms, and whatever is no filter of the rows."""
        yield from self.terms
        for level in self.levels:
            yield from self._parts(level)

    def _parts(self, select: exp.Select) -> Iterator[exp.Expr]:
        """Yield what `select` does with rows that passed the filter."""
        return (part for part in own_parts(select) if part is not self._where)

    def _is_clear(self) -> bool:
        """Whether what is spoken of after a join can be told to be of it, or of the answer."""
        if not self.start.args.get("joins"):
            return True
        parts = [*self.terms, *self._parts(self.start)]
        begun = {a.alias.lower() for p in _begins_with(self.start) for a in p.find_all(exp.Alias)}
        doubtful = aliases(self.start) & (self._names | begun)
        columns = [column for part in parts for column in part.find_all(exp.Column)]
        stars = [star for part in parts for star in part.find_all(exp.Star)]
        is_doubtful = any(not c.table and c.name.lower() in doubtful for c in columns)
        return not is_doubtful and all(isinstance(s.parent, exp.Count) for s in stars)

    def _sorted_by(self) -> list[exp.Expr]:
        """Return what the rows are ordered by, which has to be computed of each of them."""
        outputs = (o for o in self.start.expressions if isinstance(o, exp.Alias))
        # A name that is a column's as well might be taken for either.
        own = {o.alias.lower(): o.this for o in outputs if o.alias.lower() not in self._names}
        keys = (ordered.this for ordered in self.start.args["order"].expressions)
        return [own.get(k.name.lower(), k) if isinstance(k, exp.Column) else k for k in keys]

    def _unsorted(self, keys: list[exp.Expr]) -> Iterator[exp.Expr]:
        """Yield copies of what waits, without filters and what rows are ordered by."""
        for part in self._parts(self.start):
            copy = part.copy()
            for node in list(copy.find_all(exp.Alias, exp.Ordered)):
                if node.this in keys:
                    node.set("this", exp.null())
            yield copy


def _chain(query: exp.Expr, types: Types) -> Iterator[exp.Select]:
    """Yield SELECTs, from the last to the one that begins, of which each reads the next."""
    level: exp.Expr | None = query
    while isinstance(level, exp.Select):
        yield level
        source = source_of(level)
        is_next = isinstance(source, exp.Subquery) and fails(source, types)
        level = source.this if is_next and source is not None else None


def _begins_with(start: exp.Select) -> Iterator[exp.Expr]:
    parts = (start.args.get(name) for name in ("with_", "from_"))
    yield from (part for part in parts if part)
    yield from start.args.get("joins") or ()


def _given(select: exp.Select, *parts: str) -> bool:
    return any(select.args.get(part) for part in parts)


def _gathers(select: exp.Select) -> bool:
    """Whether nothing is told before all rows were seen."""
    figures = (f for part in own_parts(select) for f in part.find_all(exp.AggFunc))
    return _given(select, "group", "distinct") or not all(map(_is_windowed, figures))


def _is_windowed(figure: exp.Expr) -> bool:
    around = figure.parent
    return isinstance(around.parent if isinstance(around, exp.Filter) else around, exp.Window)


def _chosen_inside(term: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the ANDs and ORs of `term` but those at its top, whose sides can be put in order."""
    bare = term.unnest()
    if isinstance(bare, _CHOSEN):
        yield from (*_chosen_inside(bare.this), *_chosen_inside(bare.expression))
    else:
        yield from bare.find_all(*_CHOSEN)


def _without_arguments(part: exp.Expr) -> exp.Expr:
    """Return `part` with nothing in its figures, which are computed of each row in any case."""
    copy = part.copy()
    for figure in list(copy.find_all(exp.AggFunc)):
        if not _is_windowed(figure):
            figure.set("this", exp.null())
    return copy


def _by(order: exp.Order, keys: list[exp.Expr]) -> exp.Order:
    copy = order.copy()
    for ordered, key in zip(copy.expressions, keys, strict=True):
        ordered.set("this", key.copy())
    return copy


def _most(select: exp.Select, most_rows: int) -> int:
    """Return how many of the first rows can be in the answer; one more tells of too many."""
    limit, offset = (select.args.get(name) for name in _ENDS)
    shown = min(int(limit.expression.this), most_rows + 1) if limit else most_rows + 1
    return shown + (int(offset.expression.this) if offset else 0)
