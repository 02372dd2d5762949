"""From SQL of a user to SQL that is inside the grants, or a refusal with its place.

The result reads nothing but governed sub-queries. Each form of answer has its own way there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from shuzhi.share.access.aggregates import figures
from shuzhi.share.access.apart import behind_limit, copied, hold_back, passed_apart
from shuzhi.share.access.cells import large_cells
from shuzhi.share.access.failing import may_fail
from shuzhi.share.access.flattening import flatten
from shuzhi.share.access.governed import KEY, governed, table_called
from shuzhi.share.access.marks import SUBJECT
from shuzhi.share.access.model import Allowed, Form, Refusal
from shuzhi.share.access.proving import proof
from shuzhi.share.access.reading import NotProven, only_counted, read, resolve, title
from shuzhi.share.access.reasons import refused
from shuzhi.share.access.waiting import waiting
from shuzhi.share.access.yes_no import yes_or_no

DIALECT = "duckdb"


@dataclass(frozen=True)
class Statement:
    """SQL of ours; `needs_key` is whether the parameter `shuzhi_mask_key` stands in it."""

    sql: str
    needs_key: bool

    @classmethod
    def of(cls, tree: exp.Expr) -> Statement:
        """Write a tree, which is spent then, without what was remarked in its text."""
        needs_key = any(node.name == KEY for node in tree.find_all(exp.Placeholder))
        return cls(tree.sql(DIALECT, identify=True, comments=False, copy=False), needs_key)


@dataclass(frozen=True)
class Plan:
    """What to run in the place of a user's SQL: `setup` in its order, then `question`.

    `tables` says under which name each data set must be there. Where the plan is frail, the
    connection must not foresee: the question may fail, and not on rows that are hidden. With
    `tells_doubts`, the last column is no part of the answer, which holds only where there are rows
    and the column is zero in them; else plan again, and say after how many tries.
    """

    setup: tuple[Statement, ...]
    question: Statement
    tables: Mapping[str, str]
    is_frail: bool = False
    tells_doubts: bool = False


@dataclass(frozen=True)
class Most:
    """How much is looked at: `rows` of the answer, and `first_rows` to tell cells of figures by.

    `tries` is how many plans left doubts before.
    """

    rows: int = 100_000
    first_rows: int = 0
    tries: int = 0


def plan(sql: str, allowed: Sequence[Allowed], *, salt: str, most: Most = Most()) -> Plan | Refusal:
    """Return what answers `sql` from what is `allowed` and nothing else.

    `salt` is random: it goes into the names of the tables, so that no text can be written that
    speaks of them. All of `allowed` must be for one assignee, one for each data set. With
    `first_rows`, cells of figures are told by at most so many rows where that is likely enough.
    """
    if not allowed:
        return refused("no_grant")
    if len({each.grant.assignee for each in allowed}) > 1:
        return refused("not_the_assignee")
    by_name = {str(each.dataset): each for each in allowed}
    try:
        query = read(sql)
        return _plan(query, sql, resolve(query, sql, by_name), salt, most)
    except NotProven as refusal:
        return refusal.refusal
    except RecursionError:
        return refused("sql_not_read", "It is nested too deeply.")


def _plan(
    query: exp.Query, sql: str, read_by: Mapping[int, Allowed], salt: str, most: Most
) -> Plan:
    used = {str(each.dataset): each for each in read_by.values()}
    tables = {name: f"{salt} {name}" for name in used}
    forms = {each.grant.form for each in used.values()}
    if not forms <= {Form.ROWS}:
        if len(read_by) != 1:
            raise NotProven(refused("sql_mixed_forms"))
        (only,) = used.values()
        way = _figures if only.grant.form is Form.AGGREGATE else _yes_or_no
        return way(query, sql, only, tables, most)
    _name_outputs(query)
    is_frail = _is_frail(query, used)
    if is_frail:
        flatten(query, {name: {c.name for c in each.columns} for name, each in used.items()})
        is_frail = _is_frail(query, used)
    held = waiting(query, used.values(), most.rows) if is_frail else None
    inner = {name: _allowed_rows(query, each, tables[name]) for name, each in used.items()}
    setup = _set_apart(inner, tables) if is_frail and held is None else []
    _read_rows(query, read_by, inner)
    if held is not None and held.lists:
        setup = [passed_apart(held, f"{salt} passed")]
    elif held is not None:
        hold_back(held)
    return Plan(_written(setup), Statement.of(query), tables, is_frail)


def _is_frail(query: exp.Query, used: Mapping[str, Allowed]) -> bool:
    """Whether `query` may fail on a row, and there are some that are hidden."""
    return any(each.rows for each in used.values()) and may_fail(query, used.values())


def _figures(
    query: exp.Query, sql: str, only: Allowed, tables: Mapping[str, str], most: Most
) -> Plan:
    (table,) = tables.values()
    rows, fails = _allowed_rows(query, only, table), may_fail(query, [only])
    question = figures(query, sql, only)
    if most.first_rows and not fails:
        found = proof(question, rows, most.first_rows, most.tries)
        if found is not None:
            return Plan((), Statement.of(found), tables, tells_doubts=True)
    is_frail = fails and bool(only.rows)
    source = behind_limit(rows) if is_frail else rows
    return Plan((), Statement.of(large_cells(question, source)), tables, is_frail)


def _yes_or_no(
    query: exp.Query, sql: str, only: Allowed, tables: Mapping[str, str], _: Most
) -> Plan:
    ((name, table),) = tables.items()
    inner, is_frail = {name: _allowed_rows(query, only, table)}, _is_frail(query, {name: only})
    setup = _set_apart(inner, tables) if is_frail else []
    told = yes_or_no(query, sql, only, inner[name])
    return Plan(_written(setup), Statement.of(told), tables, is_frail)


def _set_apart(inner: dict[str, exp.Select], tables: Mapping[str, str]) -> list[exp.Expr]:
    """Return the statements that copy all rows, and let `inner` read the copies."""
    setup: list[exp.Expr] = []
    for name, source in inner.items():
        apart = f"{tables[name]} apart"
        setup.append(copied(source, apart))
        inner[name] = exp.select("*").from_(table_called(apart))
    return setup


def _written(setup: list[exp.Expr]) -> tuple[Statement, ...]:
    return tuple(map(Statement.of, setup))


def _allowed_rows(query: exp.Query, allowed: Allowed, table: str) -> exp.Select:
    subject = SUBJECT if allowed.grant.form is Form.AGGREGATE else None
    needed, counted = _needed(query), only_counted(query)
    return governed(allowed, table, only=needed, counted=counted, subject=subject)


def _read_rows(
    query: exp.Query, read_by: Mapping[int, Allowed], inner: Mapping[str, exp.Select]
) -> None:
    for table in list(query.find_all(exp.Table)):
        if id(table) in read_by:
            alias = exp.to_identifier(table.alias_or_name, quoted=True)
            source = inner[str(read_by[id(table)].dataset)].copy()
            table.replace(exp.Subquery(this=source, alias=exp.TableAlias(this=alias)))


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
