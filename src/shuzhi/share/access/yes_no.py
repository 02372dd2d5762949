"""Questions answered with yes or no: whether something holds of somebody who is named.

SELECT COUNT(*) > 0 FROM residents WHERE id = '…' AND district = '…'
"""

from __future__ import annotations

from sqlglot import exp

from shuzhi.share.access.model import Allowed
from shuzhi.share.access.reading import conjuncts, no

_FORM = "SELECT COUNT(*) > 0 FROM … WHERE {subject} = '…' AND … = …"
_PARTS = frozenset({"expressions", "from_", "where"})


def yes_or_no(query: exp.Query, sql: str, allowed: Allowed, source: exp.Select) -> exp.Query:
    """Return what answers `query`, which must be of that one form, of the rows of `source`.

    Raises NotProven.
    """
    other = no("sql_form", _FORM.format(subject=allowed.grant.subject), query, sql)
    given = {name for name, part in query.args.items() if part}
    where = query.args.get("where")
    if not isinstance(query, exp.Select) or given != _PARTS or len(query.expressions) != 1:
        raise other
    if query.expressions[0].unalias() != exp.GT(this=_count(), expression=exp.Literal.number(0)):
        raise other
    terms = list(conjuncts(where.this)) if where else []
    if not all(_is_named(term) for term in terms):
        raise other
    if not any(term.this.name.lower() == allowed.grant.subject for term in terms):
        raise other
    columns = [exp.EQ(this=_bare(term.this), expression=term.expression) for term in terms]
    rows = exp.Subquery(this=source, alias=exp.TableAlias(this="allowed"))
    answer = exp.alias_(exp.GT(this=_count(), expression=exp.Literal.number(0)), "answer")
    return exp.select(answer).from_(rows).where(*columns)


def _count() -> exp.Expr:
    return exp.Count(this=exp.Star(), big_int=True)


def _is_named(term: exp.Expr) -> bool:
    return (
        isinstance(term, exp.EQ)
        and isinstance(term.this, exp.Column)
        and isinstance(term.this.this, exp.Identifier)
        and isinstance(term.expression, (exp.Literal, exp.Boolean))
    )


def _bare(column: exp.Expr) -> exp.Expr:
    return exp.column(exp.to_identifier(column.name.lower(), quoted=True))
