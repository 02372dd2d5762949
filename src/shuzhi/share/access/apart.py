"""Keeps what may fail away from rows that are hidden.

In general the allowed rows are copied into a table first: then nothing that the database knows of
hidden rows (how many, their least and greatest values) decides what it computes, and in which
order. Where a question gathers the rows of one table, each of its steps that may fail waits for
those before it behind a LIMIT that no table reaches: what comes after a LIMIT cannot be done before
it without changing what it lets through. All rows that pass are computed, so that it fails on one
of them or not at all, as long as nothing is concluded from what is known of the whole table: the
connection must be one that does not foresee.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from shuzhi.share.access.governed import table_called
from shuzhi.share.access.reading import conjuncts

# The largest that DuckDB takes.
_NO_LIMIT = 2**63 - 1


def copied(rows: exp.Select, name: str) -> exp.Create:
    """Return the statement that copies `rows` into a table called `name`."""
    properties = exp.Properties(expressions=[exp.TemporaryProperty()])
    return exp.Create(this=table_called(name), kind="TABLE", expression=rows, properties=properties)


def behind_limit(rows: exp.Select) -> exp.Select:
    """Return `rows`, of which all that is asked has to wait until they passed their filters."""
    rows.set("limit", exp.Limit(expression=exp.Literal.number(_NO_LIMIT)))
    return rows


def hold_back(query: exp.Query, frail: Collection[exp.Expr]) -> None:
    """Let `query`, of one table, test each of the `frail` terms of its filter by itself, in order.

    Each is tested of nothing but rows that passed all others and those before it, and figures are
    computed of rows that passed them all. Of AND and OR at the top of a term, the second side is
    computed where the first leaves it open, for each row by itself.
    """
    source, where = query.args["from_"].this, query.args.get("where")
    alias = source.args["alias"]
    early = [t for t in (conjuncts(where.this) if where else ()) if t not in frail]
    query.set("where", None)
    for passed in (early, *([_in_order(term)] for term in frail)):
        rows = exp.Select(expressions=[exp.Star()], from_=exp.From(this=source))
        if passed:
            rows.set("where", exp.Where(this=exp.and_(*passed, copy=False)))
        source = exp.Subquery(this=behind_limit(rows), alias=alias.copy())
    query.set("from_", exp.From(this=source))


def _in_order(term: exp.Expr) -> exp.Expr:
    """Return what holds where `term` holds; what is missing may become false, as to a filter."""
    bare = term.unnest()
    if not isinstance(bare, (exp.And, exp.Or)):
        return term
    first, second = _in_order(bare.this), _in_order(bare.expression)
    if isinstance(bare, exp.Or):
        return exp.Case(ifs=[exp.If(this=first, true=exp.true())], default=second)
    return exp.Case(ifs=[exp.If(this=first, true=second)], default=exp.false())
