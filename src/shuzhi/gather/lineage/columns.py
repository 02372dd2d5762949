"""Which columns a query's columns come from, worked out from its text alone.

SQLGlot parses, expands stars and says which name belongs to which table; what each use of a
column means is decided here, in the words of OpenLineage's ColumnLineageDatasetFacet 1-2-0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from shuzhi.gather.lineage.errors import SqlError, sql_error
from shuzhi.gather.lineage.model import ColumnRef, Kind, Subtype, lake_node
from shuzhi.gather.lineage.queries import (
    Schemas,
    parse_query,
    qualified_query,
    unknown_column,
    unread,
)

_Frozen = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
_ANSWERS_KEPT = 512
_ORDER = (Subtype.IDENTITY, Subtype.TRANSFORMATION, Subtype.AGGREGATION)
_CLAUSES = (
    ("where", Subtype.FILTER),
    ("having", Subtype.FILTER),
    ("qualify", Subtype.FILTER),
    ("order", Subtype.SORT),
    ("distinct", Subtype.GROUP_BY),
)


class _Use(NamedTuple):
    kind: Kind
    subtype: Subtype


_AS_IS = _Use(Kind.DIRECT, Subtype.IDENTITY)


@dataclass(frozen=True)
class _Flow:
    """What a query's columns come from, and what decides which rows there are."""

    columns: Mapping[str, frozenset[ColumnRef]]
    rows: frozenset[ColumnRef]


def columns_of(sql: str, schemas: Schemas) -> Mapping[str, tuple[ColumnRef, ...]]:
    """Return each output column of `sql`, in order, with the lake's columns that decide it.

    `schemas` maps data sets to their columns and types. A column that filters, joins, groups or
    sorts counts for every output column, as INDIRECT.

    Raises:
        SqlError: `gather.sql_not_read` as `parse_query`; `gather.sql_unknown_dataset` and
            `gather.sql_unknown_column` for names that are not in `schemas`;
            `gather.sql_unnamed_column` for an output column without a name of its own;
            `gather.sql_not_traced` for constructs whose columns the text does not tell.
    """
    frozen = tuple((name, tuple(columns.items())) for name, columns in schemas.items())
    return _columns_of(sql, frozen)


# Rules and models ask the same of the same columns whenever they run.
@lru_cache(maxsize=_ANSWERS_KEPT)
def _columns_of(sql: str, frozen: _Frozen) -> Mapping[str, tuple[ColumnRef, ...]]:
    schemas = {name: dict(columns) for name, columns in frozen}
    query = parse_query(sql)
    try:
        qualified = qualified_query(query, sql, schemas)
        flow = _Tracer(sql, schemas).flow(_root(qualified))
    except RecursionError:
        raise unread("the query is nested too deeply") from None
    names = _output_names(query, sql, qualified, schemas)
    found = zip(names, flow.columns.values(), strict=True)
    return MappingProxyType({name: tuple(sorted(refs, key=_by_weight)) for name, refs in found})


def _by_weight(ref: ColumnRef) -> tuple[object, ...]:
    return (ref.kind, ref.dataset, ref.column, list(Subtype).index(ref.subtype))


def _output_names(query: exp.Query, sql: str, qualified: exp.Query, schemas: Schemas) -> list[str]:
    """Give the names back in the spelling of the query or of the data set that has them."""
    spelled = {c.lower(): c for columns in schemas.values() for c in columns}
    spelled |= {i.name.lower(): i.name for i in query.find_all(exp.Identifier)}
    names: list[str] = []
    for projection in qualified.selects:
        name = projection.alias_or_name
        if name not in spelled or name in (n.lower() for n in names):
            raise sql_error(
                "gather.sql_unnamed_column",
                f"an output column has no name of its own, or one that is taken ({name!r}).",
                node=projection,
                sql=sql,
                next_step="Name every column once, with AS.",
            )
        names.append(spelled[name])
    return names


def _root(query: exp.Query) -> Scope:
    scope = build_scope(query)
    if scope is None:
        raise unread("one SELECT is needed and nothing else")
    return scope


def _selects(scope: Scope) -> list[exp.Expr]:
    return scope.expression.selects if isinstance(scope.expression, exp.Query) else []


def _all(columns: Mapping[str, frozenset[ColumnRef]], subtype: Subtype) -> frozenset[ColumnRef]:
    """Return what all `columns` come from, as deciding which rows there are."""
    use = _Use(Kind.INDIRECT, subtype)
    return frozenset(_through(ref, use) for refs in columns.values() for ref in refs)


class _Tracer:
    """Follows columns through the scopes of one qualified query."""

    def __init__(self, sql: str, schemas: Schemas) -> None:
        self.sql = sql
        self.schemas = {d.lower(): {c.lower(): c for c in cs} for d, cs in schemas.items()}
        self._flows: dict[int, _Flow] = {}

    def flow(self, scope: Scope) -> _Flow:
        if id(scope) not in self._flows:
            is_union = isinstance(scope.expression, exp.SetOperation)
            self._flows[id(scope)] = self._union(scope) if is_union else self._select(scope)
        return self._flows[id(scope)]

    def _union(self, scope: Scope) -> _Flow:
        left, right = map(self.flow, scope.set_operation_scopes)
        if len(left.columns) != len(right.columns):
            raise unread("the two sides of a UNION differ in their number of columns")
        pairs = zip(left.columns.items(), right.columns.values(), strict=True)
        columns = {name: refs | other for (name, refs), other in pairs}
        rows = left.rows | right.rows
        if not isinstance(scope.expression, exp.Union):
            # EXCEPT and INTERSECT: values come from the left, the right only decides which rows.
            rows, columns = rows | _all(columns, Subtype.FILTER), dict(left.columns)
        elif scope.expression.args.get("distinct"):
            rows |= _all(columns, Subtype.GROUP_BY)
        own = _Flow(columns, rows)
        return self._with_rows(own, self._clauses(scope, own))

    def _select(self, scope: Scope) -> _Flow:
        sources = [source for _, source in scope.selected_sources.values()]
        inner = [self.flow(s) for s in sources if isinstance(s, Scope)]
        rows = frozenset[ColumnRef]().union(*(f.rows for f in inner))
        columns = {
            p.alias_or_name: frozenset(self._refs(scope, p, _AS_IS)) for p in _selects(scope)
        }
        rows |= self._joins(scope) | self._groups(scope)
        distinct = scope.expression.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is None:
            rows |= _all(columns, Subtype.GROUP_BY)
        own = _Flow(columns, frozenset())
        return self._with_rows(own, rows | self._clauses(scope, own))

    @staticmethod
    def _with_rows(flow: _Flow, rows: frozenset[ColumnRef]) -> _Flow:
        all_rows = flow.rows | rows
        return _Flow({name: refs | all_rows for name, refs in flow.columns.items()}, all_rows)

    def _clauses(self, scope: Scope, own: _Flow) -> frozenset[ColumnRef]:
        found: set[ColumnRef] = set()
        for key, subtype in _CLAUSES:
            clause = scope.expression.args.get(key)
            if isinstance(clause, exp.Expr):
                found |= set(self._refs(scope, clause, _Use(Kind.INDIRECT, subtype), own))
        return frozenset(found)

    def _joins(self, scope: Scope) -> frozenset[ColumnRef]:
        use = _Use(Kind.INDIRECT, Subtype.JOIN)
        ons = [j.args["on"] for j in scope.expression.args.get("joins") or () if j.args.get("on")]
        return frozenset(ref for on in ons for ref in self._refs(scope, on, use))

    def _groups(self, scope: Scope) -> frozenset[ColumnRef]:
        group = scope.expression.args.get("group")
        if group is None:
            return frozenset()
        keys = [group]
        if group.args.get("all"):
            keys = [p for p in _selects(scope) if not p.find(exp.AggFunc)]
        use = _Use(Kind.INDIRECT, Subtype.GROUP_BY)
        return frozenset(ref for key in keys for ref in self._refs(scope, key, use))

    def _refs(
        self, scope: Scope, node: exp.Expr, use: _Use, own: _Flow | None = None
    ) -> Iterator[ColumnRef]:
        """Yield what `node`, used as `use`, comes from; `own` resolves the query's own names."""
        if isinstance(node, exp.Column):
            yield from (_through(ref, use) for ref in self._column(scope, node, own))
        elif isinstance(node, (exp.Select, exp.SetOperation)):
            yield from self._subquery(scope, node, use)
        else:
            for part, part_use in _parts(scope, node, use):
                yield from self._refs(scope, part, part_use, own)

    def _subquery(self, scope: Scope, query: exp.Expr, use: _Use) -> Iterator[ColumnRef]:
        inner = next(s for s in scope.subquery_scopes if s.expression is query)
        flow = self.flow(inner)
        for refs in (*flow.columns.values(), flow.rows):
            yield from (_through(ref, use) for ref in refs)

    def _column(self, scope: Scope, column: exp.Column, own: _Flow | None) -> frozenset[ColumnRef]:
        at: Scope | None = scope
        while at is not None and column.table not in at.sources:
            at = at.parent
        source = None if at is None else at.sources[column.table]
        known = self._known(source)
        if column.name in known:
            return known[column.name]
        if not column.table and own is not None and column.name in own.columns:
            return own.columns[column.name]
        raise self._unresolved(scope, column, known)

    def _unresolved(self, scope: Scope, column: exp.Column, known: Iterable[str]) -> SqlError:
        sources = {name: self._known(s) for name, (_, s) in scope.selected_sources.items()}
        if column.table and not known:
            return unknown_column(column.args["table"], self.sql, sources, what="table")
        holders = sorted(name for name, columns in sources.items() if column.name in columns)
        if column.table or not holders:
            near = known or {name for columns in sources.values() for name in columns}
            return unknown_column(column, self.sql, near)
        return sql_error(
            "gather.sql_unknown_column",
            f"{column.name!r} is a column of {' and of '.join(holders)}.",
            node=column,
            sql=self.sql,
            next_step=f"Write {holders[0]}.{column.name} or the like.",
        )

    def _known(self, source: object) -> Mapping[str, frozenset[ColumnRef]]:
        if isinstance(source, Scope):
            return self.flow(source).columns
        if isinstance(source, exp.Table):
            node = lake_node(source.name)
            spelled = self.schemas[source.name]
            return {low: frozenset({ColumnRef(node, name)}) for low, name in spelled.items()}
        return {}


def _through(ref: ColumnRef, use: _Use) -> ColumnRef:
    """Return `ref` as seen by a reader that uses the column as `use`."""
    if ref.kind is Kind.INDIRECT:
        return ref
    if use.kind is Kind.INDIRECT:
        return replace(ref, kind=use.kind, subtype=use.subtype)
    return replace(ref, subtype=max(ref.subtype, use.subtype, key=_ORDER.index))


def _stronger(use: _Use, subtype: Subtype) -> _Use:
    if use.kind is Kind.INDIRECT:
        return use
    if subtype not in _ORDER:
        return _Use(Kind.INDIRECT, subtype)
    return _Use(Kind.DIRECT, max(use.subtype, subtype, key=_ORDER.index))


def _parts(scope: Scope, node: exp.Expr, use: _Use) -> Iterator[tuple[exp.Expr, _Use]]:
    """Yield the parts of `node` and how each is used."""
    if isinstance(node, exp.Window):
        yield node.this, _stronger(use, Subtype.TRANSFORMATION)
        yield from ((p, _stronger(use, Subtype.WINDOW)) for p in _window_keys(scope, node))
        return
    inside = _stronger(use, _meaning(node))
    for key, part in ((p.arg_key, p) for p in node.iter_expressions()):
        is_condition = isinstance(node, (exp.Case, exp.If)) and key == "this"
        is_filter = isinstance(node, exp.Filter) and key == "expression"
        if is_condition:
            yield part, _stronger(use, Subtype.CONDITIONAL)
        else:
            yield part, _stronger(use, Subtype.FILTER) if is_filter else inside


def _meaning(node: exp.Expr) -> Subtype:
    if isinstance(node, exp.AggFunc):
        return Subtype.AGGREGATION
    if isinstance(node, (exp.Alias, exp.Paren, exp.Subquery)):
        return Subtype.IDENTITY
    return Subtype.TRANSFORMATION


def _window_keys(scope: Scope, window: exp.Window) -> Iterator[exp.Expr]:
    name = window.args.get("alias")
    for named in scope.expression.args.get("windows") or ():
        if name is not None and named.this.name == name.name:
            yield from (p for p in named.iter_expressions() if p.arg_key != "this")
    yield from (p for p in window.iter_expressions() if p.arg_key not in ("this", "alias"))
