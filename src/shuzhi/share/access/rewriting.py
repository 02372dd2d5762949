"""From SQL of a user to SQL that is inside the grants, or a refusal with its place.

The result reads nothing but governed sub-queries. Each form of answer has its own way there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from shuzhi.share.access.aggregates import figures
from shuzhi.share.access.failing import may_fail
from shuzhi.share.access.governed import KEY, governed, table_called
from shuzhi.share.access.model import Allowed, Form, Refusal
from shuzhi.share.access.reading import NotProven, read, resolve, title
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.yes_no import yes_or_no

DIALECT = "duckdb"


@dataclass(frozen=True)
class Statement:
    """SQL of ours; `needs_key` is whether the parameter `shuzhi_mask_key` stands in it."""

    sql: str
    needs_key: bool

    @classmethod
    def of(cls, tree: exp.Expr) -> Statement:
        """Write a tree, without what was remarked in the text it came from."""
        needs_key = any(node.name == KEY for node in tree.find_all(exp.Placeholder))
        return cls(tree.sql(DIALECT, identify=True, comments=False), needs_key)


@dataclass(frozen=True)
class Plan:
    """What to run in the place of a user's SQL: `setup` in its order, then `question`.

    `tables` says under which name each data set must be there.
    """

    setup: tuple[Statement, ...]
    question: Statement
    tables: Mapping[str, str]


def plan(sql: str, allowed: Sequence[Allowed], *, salt: str) -> Plan | Refusal:
    """Return what answers `sql` from what is `allowed` and nothing else.

    `salt` is random: it goes into the names of the tables, so that no text can be written that
    speaks of them. All of `allowed` must be for one assignee, one for each data set.
    """
    if not allowed:
        return refused("no_grant")
    if len({each.grant.assignee for each in allowed}) > 1:
        return refused("not_the_assignee")
    by_name = {str(each.dataset): each for each in allowed}
    try:
        query = read(sql)
        read_by = resolve(query, sql, by_name)
        return _plan(query, sql, read_by, salt)
    except NotProven as refusal:
        return refusal.refusal
    except RecursionError:
        return refused("sql_not_read", "It is nested too deeply.")


def _plan(query: exp.Query, sql: str, read_by: Mapping[int, Allowed], salt: str) -> Plan:
    used = {str(each.dataset): each for each in read_by.values()}
    tables = {name: f"{salt} {name}" for name in used}
    forms = {each.grant.form for each in used.values()}
    if forms <= {Form.ROWS}:
        return _rows(query, read_by, used, tables)
    if len(read_by) != 1:
        raise NotProven(refused("sql_mixed_forms"))
    ((name, allowed),) = used.items()
    form = figures if allowed.grant.form is Form.AGGREGATE else yes_or_no
    return Plan((), Statement.of(form(query, sql, allowed, tables[name])), tables)


def _rows(
    query: exp.Query,
    read_by: Mapping[int, Allowed],
    used: Mapping[str, Allowed],
    tables: Mapping[str, str],
) -> Plan:
    _name_outputs(query)
    needed = _needed(query)
    inner = {name: governed(each, tables[name], only=needed) for name, each in used.items()}
    setup: list[exp.Expr] = []
    if any(each.rows is not None for each in used.values()) and may_fail(query, used.values()):
        for name, source in inner.items():
            apart = table_called(f"{tables[name]} apart")
            properties = exp.Properties(expressions=[exp.TemporaryProperty()])
            setup.append(
                exp.Create(this=apart, kind="TABLE", expression=source, properties=properties)
            )
            inner[name] = exp.select("*").from_(apart.copy())
    for table in list(query.find_all(exp.Table)):
        if id(table) in read_by:
            alias = exp.to_identifier(table.alias_or_name, quoted=True)
            source = inner[str(read_by[id(table)].dataset)].copy()
            table.replace(exp.Subquery(this=source, alias=exp.TableAlias(this=alias)))
    return Plan(tuple(map(Statement.of, setup)), Statement.of(query), tables)


def _name_outputs(query: exp.Query) -> None:
    """Name every output as it was written, for the database would name it as it was rewritten."""
    for select in list(query.find_all(exp.Select)):
        for output in list(select.expressions):
            if not isinstance(output, (exp.Alias, exp.Column, exp.Star)):
                named = exp.Alias(alias=exp.to_identifier(title(output), quoted=True))
                output.replace(named)
                named.set("this", output)


def _needed(query: exp.Query) -> frozenset[str] | None:
    """Return the columns that `query` can speak of, in lower case; None where a star stands."""
    if any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star)):
        return None
    using = {n.name.lower() for j in query.find_all(exp.Join) for n in j.args.get("using") or ()}
    return frozenset(using | {column.name.lower() for column in query.find_all(exp.Column)})
