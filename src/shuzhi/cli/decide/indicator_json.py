"""Indicators as programs read them: no colours of a terminal, no texts of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shuzhi.decide.indicators import Branch, Drilled, Indicator, Leaf, Run, Tree


def tree_json(tree: Tree) -> dict[str, Any]:
    """Return a goal with its dimensions and their indicators."""
    goal = tree.goal
    return {
        "goal": goal.id,
        "title": {"zh": goal.title_zh, "en": goal.title_en},
        "at": tree.at,
        "colour": tree.colour,
        "score": tree.score,
        "dimensions": [_branch(branch) for branch in tree.branches],
    }


def leaf_json(leaf: Leaf) -> dict[str, Any]:
    """Return an indicator with its newest computation."""
    return {
        **indicator_json(leaf.indicator),
        "colour": leaf.colour,
        "score": leaf.score,
        "problem": leaf.problem,
        "stale": leaf.stale,
        "data_items": leaf.items,
        "run": None if leaf.run is None else run_json(leaf.run),
    }


def indicator_json(indicator: Indicator) -> dict[str, Any]:
    """Return what a file says of an indicator, without its queries."""
    return {
        "indicator": indicator.id,
        "title": {"zh": indicator.title_zh, "en": indicator.title_en},
        "kind": indicator.kind,
        "unit": indicator.unit,
        "owner": indicator.owner,
        "refresh_s": indicator.refresh.total_seconds(),
        "weight": indicator.weight,
        "reads": indicator.reads,
        "group_by": indicator.formula.group_by,
    }


def run_json(run: Run) -> dict[str, Any]:
    """Return a computation with its values."""
    names = ("id", "indicator", "computed_at", "confirmed_at", "as_of", "versions", "colour")
    return {name: getattr(run, name) for name in (*names, "problem", "bounds", "values")}


def drilled_json(drilled: Drilled) -> dict[str, Any]:
    """Return what stands behind a value."""
    names = ("value", "rows", "has_more", "cases", "warnings", "below")
    head = {"indicator": drilled.indicator.id, "versions": drilled.run.versions}
    return {**head, **{name: getattr(drilled, name) for name in names}}


def _branch(branch: Branch) -> dict[str, Any]:
    dimension = branch.dimension
    return {
        "dimension": dimension.id,
        "title": {"zh": dimension.title_zh, "en": dimension.title_en},
        "weight": dimension.weight,
        "colour": branch.colour,
        "score": branch.score,
        "indicators": [leaf_json(leaf) for leaf in branch.leaves],
    }
