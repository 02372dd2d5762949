"""The columns of the lake that formulas use, and the lineage that a computation leaves behind.

In lineage an indicator is a data set of its own (`indicator:GOAL.NAME`), so that `shuzhi trace`
goes on from it to the rows' sources, and from a column to every number that rests on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from shuzhi.decide.indicators.model import Composed, Goal, Indicator, Measured, Run
from shuzhi.gather import lineage
from shuzhi.gather.lake import Lake
from shuzhi.gather.lineage import ColumnRef, Input, Node, Output, columns_of, lake_node
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.ids import new_run_id

NAMESPACE = "indicator"
Columns = tuple[tuple[str, str], ...]
Refs = Mapping[str, tuple[ColumnRef, ...]]


class Schemas:
    """The columns of data sets with their types, each looked up once."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._known: dict[str, Columns] = {}

    def refs(self, formula: Measured) -> Refs:
        """Return what each column of the answer comes from; empty while that cannot be told."""
        try:
            return _refs(formula.sql, tuple((str(name), self._of(name)) for name in formula.reads))
        except ShuzhiError:
            return {}

    def _of(self, name: str) -> Columns:
        if name not in self._known:
            self._known[name] = tuple((f.name, str(f.type)) for f in self._lake.schema(name))
        return self._known[name]


def lineage_run(schemas: Schemas, goal: Goal, indicator: Indicator, run: Run) -> lineage.Run:
    """Return what lineage is told of a computation: what it read, and what its value rests on."""
    formula = indicator.formula
    return lineage.Run(
        run_id=new_run_id(),
        job=f"{NAMESPACE}:{indicator.id}",
        kind="indicator",
        inputs=tuple(_inputs(goal, formula, run)),
        outputs=(Output(_node(indicator), columns=_columns(schemas, formula)),),
        started_at=run.computed_at,
        ended_at=run.computed_at,
        is_complete=True,
        sql=formula.sql.strip() if isinstance(formula, Measured) else None,
    )


def _inputs(goal: Goal, formula: Measured | Composed, run: Run) -> list[Input]:
    if isinstance(formula, Composed):
        return [Input(_node(goal.named[name])) for name in formula.of]
    return [Input(lake_node(name), version=run.versions.get(name)) for name in formula.reads]


def _columns(schemas: Schemas, formula: Measured | Composed) -> Refs:
    return {} if isinstance(formula, Composed) else schemas.refs(formula)


def _node(indicator: Indicator) -> Node:
    return Node(NAMESPACE, indicator.id)


@lru_cache(maxsize=4096)
def _refs(sql: str, schemas: tuple[tuple[str, Columns], ...]) -> Refs:
    # A tree is looked at again and again, and working this out takes longer than all the rest.
    return columns_of(sql, {name: dict(columns) for name, columns in schemas})
