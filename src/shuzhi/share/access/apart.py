"""Keeps what may fail away from rows that are hidden.

Where it stands in a filter, the allowed rows are copied into a table first: then nothing that the
database knows of hidden rows (how many, their least and greatest values) decides what it computes,
and in which order. Where it stands in the argument of a figure alone, it is computed of each row
that passed all filters, and a LIMIT that no table reaches holds it back until then: what comes
after a LIMIT cannot be done before it without changing what it lets through.
"""

from __future__ import annotations

from sqlglot import exp

from shuzhi.share.access.governed import table_called

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


def hold_figures_back(query: exp.Query) -> None:
    """Let `query`, of one table, compute its figures of nothing but rows that passed its filter."""
    source = query.args["from_"].this
    rows = exp.Select(expressions=[exp.Star()], from_=exp.From(this=source))
    rows.set("where", query.args.get("where"))
    query.set("where", None)
    alias = source.args["alias"].copy()
    query.set("from_", exp.From(this=exp.Subquery(this=behind_limit(rows), alias=alias)))
