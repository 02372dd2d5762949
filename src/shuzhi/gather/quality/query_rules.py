"""ODCS `type: sql` rules: one read-only SELECT whose single number is held against the limits.

A query comes from whoever writes the contract, so it is parsed and may read only data sets of the
lake: no other statement, no table function, no file by name.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shuzhi.gather.contracts.model import Dimension, QualityRule, Table
from shuzhi.gather.quality.library import limits_problem, refused, rule_check
from shuzhi.gather.quality.model import Kind
from shuzhi.gather.quality.probe import Probe
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, dataset_name


def query_probe(table: Table, rule: QualityRule) -> Probe:
    """Return the probe of a `type: sql` rule; one with a `problem` when it cannot be run safely."""
    wrong = limits_problem(rule)
    if wrong:
        return refused(table, rule, wrong)
    parsed = _parse(_filled(table, rule))
    if isinstance(parsed, str):
        return refused(table, rule, parsed)
    reads = _datasets(parsed)
    title = rule.description or rule.name or parsed.sql(dialect="duckdb")
    check = rule_check(table, rule, "sql", (title, title), Dimension.CONSISTENCY, Kind.TABLE)
    others = tuple(DatasetName(name) for name in sorted(reads - {table.name}))
    return Probe(check, query=_as_number(parsed), datasets=others)


def _as_number(query: exp.Query) -> str:
    alias = exp.TableAlias(this=exp.to_identifier("asked"), columns=[exp.to_identifier("value")])
    answer = exp.Subquery(this=query, alias=alias)
    number = exp.cast(exp.column("value"), "DOUBLE").as_("value")
    return exp.select(number).from_(answer).sql(dialect="duckdb")


def _filled(table: Table, rule: QualityRule) -> str:
    query = rule.query or ""
    known: dict[str, str] = {"object": table.name, "table": table.name}
    if rule.column:
        known |= {"property": rule.column, "column": rule.column}
    for name, word in known.items():
        quoted = exp.to_identifier(word, quoted=True).sql(dialect="duckdb")
        query = query.replace(f"${{{name}}}", quoted).replace(f"{{{name}}}", quoted)
    return query


def _parse(query: str) -> exp.Query | str:
    try:
        statements = [s for s in sqlglot.parse(query, dialect="duckdb") if s is not None]
    except SqlglotError as error:
        return f"the query cannot be parsed: {str(error).splitlines()[0]}"
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return "the query must be one SELECT"
    statement = statements[0]
    if len(statement.selects) != 1:
        return "the query must give one number: select one column"
    return _forbidden(statement) or statement


def _forbidden(statement: exp.Query) -> str:
    if any(statement.find_all(*_WRITES)):
        return "the query must only read"
    for source in statement.find_all(exp.Table):
        if source.db or source.catalog or not _is_plain(source.this):
            return f"the query may only read data sets of the lake, not {source.sql('duckdb')}"
    for own in statement.find_all(exp.CTE):
        # A name that could be a file's must not hide among the query's own.
        if not _can_name_a_dataset(own.alias):
            return f"{own.alias!r} cannot name a part of the query; use small letters, digits and _"
    return ""


_WRITES = (exp.DML, exp.DDL, exp.Command, exp.Into)


def _is_plain(name: exp.Expression) -> bool:
    return isinstance(name, exp.Identifier) and _can_name_a_dataset(name.name)


def _can_name_a_dataset(name: str) -> bool:
    try:
        return dataset_name(name) == name
    except RefusedError:
        return False


def _datasets(statement: exp.Query) -> set[str]:
    own = {cte.alias for cte in statement.find_all(exp.CTE)}
    return {t.name for t in statement.find_all(exp.Table)} - own
