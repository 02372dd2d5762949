"""Puts the numbers and tables of law where a model's SQL names them, as typed literals.

Every row is reckoned by the law of its own day, so that history stays as it was judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from shuzhi.decide.models.model import Model, Parameter, Place, Table
from shuzhi.decide.sql import by_day, by_instant, dated
from shuzhi.gather.lineage import ColumnRef, Input, Node, lake_node, law_node, parse_query
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law, LawParameter, LawTable

_SPAN = ("valid_from", "valid_to")


def with_law(model: Model, law: Law, *, zone: str) -> Model:
    """Return the model with SQL in which law stands in the place of its names.

    Days begin at midnight in `zone`. Rows from before the first value of a number have NULL.

    Raises:
        RefusedError: `decide.model_law` with file and line for what is not in `law`, or is in
            another unit.
    """
    if not model.parameters and not model.tables:
        return model
    numbers = {p.name: _number(p, law, zone) for p in model.parameters}
    tables = {t.law: _table(t, law) for t in model.tables}

    def filled(node: exp.Expr) -> exp.Expr:
        if isinstance(node, (exp.Placeholder, exp.Parameter)):
            return numbers[node.name].copy()
        if isinstance(node, exp.Table) and node.name.lower() in tables:
            return _values(tables[node.name.lower()], node.alias_or_name)
        return node

    return replace(model, sql=parse_query(model.sql).transform(filled).sql("duckdb"))


def _found(parameter: Parameter, law: Law) -> LawParameter:
    """Return the law parameter that is meant, or refuse it (`decide.model_law`)."""
    found = law.parameters.get(parameter.law)
    if found is None:
        raise _refusal(parameter.place, f"there is no law parameter {parameter.law!r}")
    if problem := other_unit(parameter, found):
        raise _refusal(parameter.place, problem)
    return found


def other_unit(parameter: Parameter, found: LawParameter) -> str:
    """Say that the SQL reckons in another unit than the law states; empty when it does not."""
    if found.unit == parameter.unit:
        return ""
    return f"{found.id} is in {found.unit}, and the model reckons in {parameter.unit}"


def schemas_of(model: Model, law: Law) -> Mapping[str, Mapping[str, str]]:
    """Return the columns of the tables of law that the model reads, as lineage wants them."""
    tables = (law.tables[table.law] for table in model.tables)
    return {
        t.id: {**{c: k.value for c, k in t.columns.items()}, **dict.fromkeys(_SPAN, "date")}
        for t in tables
    }


def law_inputs(model: Model) -> tuple[Input, ...]:
    """Return what of law the model is made of, in order of id."""
    return tuple(Input(law_node(each)) for each in model.law)


def told_law(ref: ColumnRef, model: Model) -> ColumnRef:
    """Return where a column comes from; a table of law is no data set of the lake."""
    tables: dict[Node, Node] = {lake_node(t.law): law_node(t.law) for t in model.tables}
    return replace(ref, dataset=tables.get(ref.dataset, ref.dataset))


def _number(parameter: Parameter, law: Law, zone: str) -> exp.Expr:
    found = _found(parameter, law)
    table, _, name = parameter.column.rpartition(".")
    column = exp.column(name, table=table or None)
    if parameter.is_instant:
        return by_instant(dated(found.values, zone), column)
    return by_day(found.values, column)


def _table(table: Table, law: Law) -> LawTable:
    found = law.tables.get(table.law)
    if found is None:
        raise _refusal(table.place, f"there is no table of law {table.law!r}")
    return found


def _values(table: LawTable, alias: str) -> exp.Expr:
    rows = [
        (*map(exp.convert, row), exp.convert(version.since), exp.cast(exp.convert(until), "DATE"))
        for version, until in table.spans
        for row in version.rows
    ]
    return exp.values(rows, alias=alias, columns=[*table.columns, *_SPAN])


def _refusal(place: Place, problem: str) -> RefusedError:
    return RefusedError(
        "decide.model_law",
        f"{place}: {problem}.",
        next_step="Correct the model's header, or the law file.",
    )
