"""Which SQL can be built grain by grain: each row of its answer comes of rows of one grain alone.

Only such SQL may be incremental, so that computing the grains that changed gives what computing
everything would give.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from shuzhi.decide.models.model import Grain
from shuzhi.gather.lineage import parse_query
from shuzhi.gather.lineage.errors import SqlError, sql_error

# A unit lies within each that comes after it; weeks do not lie within months.
_UNITS = ("second", "minute", "hour", "day", "month", "quarter", "year")
_Problem = tuple[exp.Expr, str]
_INSTEAD = "Write it plainer, or leave `incremental` out and let it be built whole."


def grain_column(sql: str, dataset: str, by: str, grain: Grain) -> str:
    """Return the column of the answer to `sql` that tells the grain of each row.

    Raises:
        SqlError: `decide.model_not_by_grain` with its place, when rows of different grains of
            `dataset` can meet in one row of the answer, or one cannot be sure that they do not.
    """
    query = parse_query(sql)
    if not isinstance(query, exp.Select):
        raise _refusal(query, "it is a union of queries", sql)
    reading = _Reading(query, dataset.lower(), by.lower(), grain)
    problem = next(reading.problems(), None)
    if problem is not None:
        raise _refusal(*problem, sql)
    return reading.column


def _refusal(node: exp.Expr, problem: str, sql: str) -> SqlError:
    return sql_error(
        "decide.model_not_by_grain",
        f"it cannot be built by grain: {problem}.",
        node=node,
        sql=sql,
        next_step=_INSTEAD,
    )


class _Reading:
    """A SELECT that reads a data set whose time `by` is looked at grain by grain."""

    def __init__(self, query: exp.Select, dataset: str, by: str, grain: Grain) -> None:
        self.query = query
        self.dataset = dataset
        self.by = by
        self.grain = grain
        self.tables = [t for t in query.find_all(exp.Table) if t.name.lower() == dataset]
        self.alias = self.tables[0].alias_or_name.lower() if self.tables else dataset

    @property
    def column(self) -> str:
        """The first column of the answer that lies within a grain; none is a problem."""
        named = (s for s in self.query.selects if not s.is_star)
        return next((s.alias_or_name for s in named if self._is_within(s.unalias())), "")

    def problems(self) -> Iterator[_Problem]:
        """Yield why the query cannot be built grain by grain."""
        yield from self._of_tables()
        yield from self._of_all_rows()
        yield from self._of_joins()
        yield from self._of_groups()
        yield from self._of_windows()
        if not self.column:
            yield self.query, f"no column of its answer is {self._what()}"

    def _of_tables(self) -> Iterator[_Problem]:
        for table in self.tables[1:]:
            yield table, f"it reads {self.dataset} more than once"
        for table in self.tables:
            if not self._is_own(table):
                yield table, f"it reads {self.dataset} in a sub-query"
        for sample in self.query.find_all(exp.TableSample):
            yield sample, "it draws a sample"

    def _of_all_rows(self) -> Iterator[_Problem]:
        for key in ("limit", "offset", "qualify"):
            if self.query.args.get(key):
                yield self.query.args[key], f"it has {key.upper()}, which is about all rows"
        distinct = self.query.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            yield distinct, "it has DISTINCT ON, which is about all rows"

    def _of_joins(self) -> Iterator[_Problem]:
        for join in self.query.args.get("joins") or ():
            is_this = isinstance(join.this, exp.Table) and join.this.name.lower() == self.dataset
            if join.side in ("RIGHT", "FULL") or (join.side and is_this):
                yield join, f"a {join.side} JOIN brings rows that are not of {self.dataset}"

    def _of_groups(self) -> Iterator[_Problem]:
        group = self.query.args.get("group")
        if group is None:
            sums = (a for a in self.query.find_all(exp.AggFunc) if self._is_own(a))
            for each in sums:
                if not isinstance(each.parent, exp.Window):
                    yield each, "it sums up over all rows"
            return
        for several in group.find_all(exp.Rollup, exp.Cube, exp.GroupingSets):
            yield several, "it groups in more than one way"
        named = (self._named(part) for part in group.expressions)
        if not group.args.get("all") and not any(map(self._is_within, named)):
            yield group, f"it does not group by {self._what()}"

    def _of_windows(self) -> Iterator[_Problem]:
        for window in self.query.find_all(exp.Window):
            parts = window.args.get("partition_by") or ()
            if self._is_own(window) and not any(map(self._is_within, parts)):
                yield window, f"a window is not partitioned by {self._what()}"

    def _is_own(self, node: exp.Expr) -> bool:
        return node.find_ancestor(exp.Select) is self.query

    def _what(self) -> str:
        return f"{self.by} or a date_trunc of it to one {self.grain} or less"

    def _named(self, part: exp.Expr) -> exp.Expr:
        """Return what a GROUP BY means: a number and the name of a column of the answer too."""
        if isinstance(part, exp.Literal) and not part.is_string:
            return self.query.selects[int(part.name) - 1].unalias()
        if isinstance(part, exp.Column) and not part.table:
            own = (s for s in self.query.selects if s.alias.lower() == part.name.lower())
            return next((s.unalias() for s in own), part)
        return part

    def _is_within(self, node: exp.Expr) -> bool:
        unit = self._unit(node)
        return unit is not None and unit <= _UNITS.index(self.grain.value)

    def _unit(self, node: exp.Expr) -> int | None:
        """Return the place of the unit to which `node` cuts the time; None when it does not."""
        if isinstance(node, exp.Paren):
            return self._unit(node.this)
        if isinstance(node, exp.Column):
            is_its = node.table.lower() in ("", self.alias)
            return 0 if is_its and node.name.lower() == self.by else None
        if isinstance(node, (exp.TimestampTrunc, exp.DateTrunc)):
            unit = str(node.args["unit"].name).lower()
            return self._cut(node.this, unit)
        if isinstance(node, exp.Cast) and node.to.is_type("date"):
            return self._cut(node.this, "day")
        return None

    def _cut(self, inner: exp.Expr, unit: str) -> int | None:
        found = self._unit(inner)
        return None if found is None or unit not in _UNITS else max(found, _UNITS.index(unit))
