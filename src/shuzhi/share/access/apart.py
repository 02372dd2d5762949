"""Keeps what may fail away from rows that are hidden.

In general the allowed rows are copied into a table first: then nothing that the database knows of
hidden rows (how many, their least and greatest values) decides what it computes, and in which
order. Where a question gathers its rows (`waiting.py`), each of its steps that may fail waits for
those before it behind a LIMIT that no table reaches: what comes after a LIMIT cannot be done before
it without changing what it lets through. All rows that pass are computed, so that it fails on one
of them or not at all, as long as nothing is concluded from what is known of the whole table: the
connection must be one that does not foresee. Of a list, the rows that pass are copied.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from shuzhi.share.access.flattening import aliases, own_parts
from shuzhi.share.access.governed import masks_for_later, table_called
from shuzhi.share.access.reading import terms_of
from shuzhi.share.access.waiting import Waiting

# The largest that DuckDB takes.
_NO_LIMIT = 2**63 - 1
# No asker can write a name with a space in it.
_PASSED = "passed rows"


def copied(rows: exp.Select, name: str) -> exp.Create:
    """Return the statement that copies `rows` into a table called `name`."""
    properties = exp.Properties(expressions=[exp.TemporaryProperty()])
    return exp.Create(this=table_called(name), kind="TABLE", expression=rows, properties=properties)


def behind_limit(rows: exp.Select) -> exp.Select:
    """Return `rows`, of which all that is asked has to wait until they passed their filters."""
    return _limited(rows, _NO_LIMIT)


def hold_back(held: Waiting) -> None:
    """Let the SELECT that begins test each term that waits by itself, in order.

    Each is tested of nothing but rows that passed all others and those before it, and all else is
    computed of rows that passed them all. Of AND and OR at the top of a term, the second side is
    computed where the first leaves it open, for each row by itself.
    """
    passed = _Passed(held)
    passed.rows = behind_limit(passed.rows)
    held.start.set("from_", exp.From(this=passed.named(passed.masked())))


def passed_apart(held: Waiting, name: str) -> exp.Create:
    """Let a list read a table called `name`, and return the statement that makes it.

    It copies the rows that pass, in their order, or the first of them where no more are needed.
    """
    passed = _Passed(held)
    if held.by:
        passed.rows.set("order", held.by)
    if held.most is not None:
        _limited(passed.rows, min(held.most, _NO_LIMIT))
    held.start.set("from_", exp.From(this=passed.named(_all_of(table_called(name)))))
    return copied(passed.masked(), name)


class _Passed:
    """The `rows` that pass, and as what they are read; their filter is gone from where it stood.

    Pseudonyms that no filter looks at are not made before: they cost more than all the rest.
    """

    def __init__(self, held: Waiting) -> None:
        start = held.start
        early = [term for term in terms_of(start) if term not in held.terms]
        start.set("where", None)
        called = _PASSED
        self._masks: list[exp.Expr] = []
        if start.args.get("joins"):
            self.rows = _joined(held)
        else:
            source = start.args["from_"].this
            called = source.alias_or_name or called
            seen = [*early, *held.terms, *([held.by] if held.by else [])]
            self._masks = masks_for_later(source.this, seen)
            self.rows = _all_of(source)
        self._alias = exp.TableAlias(this=exp.to_identifier(called, quoted=True))
        _keep(self.rows, early)
        for term in held.terms:
            self.rows = _all_of(self.named(behind_limit(self.rows)))
            _keep(self.rows, [_in_order(term)])

    def named(self, rows: exp.Select) -> exp.Subquery:
        """Return `rows` under the name by which they are spoken of."""
        return exp.Subquery(this=rows, alias=self._alias.copy())

    def masked(self) -> exp.Select:
        """Return the rows as they may be seen."""
        if not self._masks:
            return self.rows
        return exp.Select(expressions=self._masks, from_=exp.From(this=self.named(self.rows)))


def _all_of(source: exp.Expr) -> exp.Select:
    return exp.Select(expressions=[exp.Star()], from_=exp.From(this=source))


def _keep(rows: exp.Select, terms: Iterable[exp.Expr]) -> None:
    if terms := list(terms):
        rows.set("where", exp.Where(this=exp.and_(*terms, copy=False)))


def _joined(held: Waiting) -> exp.Select:
    """Return the joined rows, with each column that is spoken of later under a name of its own."""
    start, names, own = held.start, dict[str, exp.Expr](), aliases(held.start)
    later = [*held.terms, *own_parts(start), *([held.by] if held.by else [])]
    for column in [c for part in later for c in part.find_all(exp.Column)]:
        if column.table or column.name.lower() not in own:
            name = f"{column.table} {column.name}".lower()
            names[name] = column.copy()
            _call_it(column, name, start)
    outputs = [exp.alias_(column, name, quoted=True) for name, column in names.items()]
    from_, joins = start.args["from_"], start.args["joins"]
    start.set("joins", None)
    return exp.Select(expressions=outputs or [exp.null()], from_=from_, joins=joins)


def _call_it(column: exp.Column, name: str, select: exp.Select) -> None:
    """Let `column` be called `name`; as an output of `select` it keeps the name it has."""
    called = exp.column(exp.to_identifier(name, quoted=True))
    if column.parent is select:
        own_name = exp.to_identifier(column.name, quoted=True)
        column.replace(exp.Alias(this=called, alias=own_name))
    else:
        column.set("table", None)
        column.set("this", called.this)


def _limited(rows: exp.Select, most: int) -> exp.Select:
    rows.set("limit", exp.Limit(expression=exp.Literal.number(most)))
    return rows


def _in_order(term: exp.Expr) -> exp.Expr:
    """Return what holds where `term` holds; what is missing may become false, as to a filter."""
    bare = term.unnest()
    if not isinstance(bare, (exp.And, exp.Or)):
        return term
    first, second = _in_order(bare.this), _in_order(bare.expression)
    if isinstance(bare, exp.Or):
        return exp.Case(ifs=[exp.If(this=first, true=exp.true())], default=second)
    return exp.Case(ifs=[exp.If(this=first, true=second)], default=exp.false())
