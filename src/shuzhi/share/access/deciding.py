"""The one decision: what a user may see of a data set, now, for a purpose.

Pure: everything it depends on comes in, nothing is read or remembered. The default is no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

from shuzhi.share.access.conditions import Condition, both, terms
from shuzhi.share.access.masks import KEEP, Mask, MaskTable
from shuzhi.share.access.model import (
    Allowed,
    AllowedColumn,
    DatasetFacts,
    Grant,
    Refusal,
    Request,
)
from shuzhi.share.access.reasons import refused


def decide(
    grant: Grant | None, request: Request, facts: DatasetFacts, masks: MaskTable
) -> Allowed | Refusal:
    """Return what `grant` allows of `request`, or why nothing.

    Columns that are asked for by name must all be allowed; with none named, those that have no
    mask are withheld. The grant's rows and the request's must both hold.
    """
    if grant is None:
        return refused("no_grant")
    if refusal := _outside(grant, request, facts):
        return refusal
    shown = _Shown.of(grant, request, facts, masks)
    asked = grant.columns if request.columns is None else request.columns
    columns: list[AllowedColumn] = []
    withheld: list[str] = []
    for name in asked:
        column = shown.column(name)
        if isinstance(column, AllowedColumn):
            columns.append(column)
        elif request.columns is None and column.reason == "no_mask_rule":
            withheld.append(name)
        else:
            return column
    if not columns:
        return refused("no_mask_rule", ", ".join(withheld))
    if refusal := _bad_rows(grant, request, facts, shown):
        return refusal
    return Allowed(grant, tuple(columns), both(grant.rows, request.rows), tuple(withheld))


def _outside(grant: Grant, request: Request, facts: DatasetFacts) -> Refusal | None:
    """Refuse what lies outside of the grant whatever columns and rows are asked for."""
    if grant.assignee != request.user.party:
        return refused("not_the_assignee")
    if grant.dataset != request.dataset or facts.name != request.dataset:
        return refused("not_the_dataset")
    if _main_version(grant.contract_version) != _main_version(facts.contract_version):
        return refused("contract_changed")
    if not grant.since <= request.at < grant.until:
        return refused("not_yet" if request.at < grant.since else "expired")
    return _outside_terms(grant, request)


def _outside_terms(grant: Grant, request: Request) -> Refusal | None:
    if request.role not in request.user.roles:
        return refused("role_not_held", request.role)
    if request.role not in grant.roles:
        return refused("role_not_covered", request.role)
    if request.purpose not in grant.purposes:
        return refused("purpose_not_covered", request.purpose)
    if grant.budget is not None and request.asked >= grant.budget:
        return refused("budget_spent")
    return None


def _main_version(version: str) -> str:
    return version.partition(".")[0]


class _Shown(NamedTuple):
    """What one asker is shown of the columns of one grant."""

    granted: frozenset[str]
    facts: DatasetFacts
    mask: Callable[[str, str | None], Mask | None]

    @classmethod
    def of(cls, grant: Grant, request: Request, facts: DatasetFacts, masks: MaskTable) -> _Shown:
        # Columns of one grade and kind are many, and a decision is made for each question.
        mask = cache(masks.of(request.role, request.purpose).mask)
        return cls(frozenset(grant.columns), facts, mask)

    def column(self, name: str) -> AllowedColumn | Refusal:
        """Return the column through its mask, or why it cannot be seen."""
        known = self.facts.columns.get(name)
        if known is None or name not in self.granted:
            return refused("column_not_granted", name)
        mask = self.mask(known.grade, known.kind)
        if mask is None:
            return refused("no_mask_rule", name)
        if known.logical_type not in mask.fits:
            return refused("mask_unfit", name)
        return AllowedColumn(name, known.logical_type, mask)


def _bad_rows(grant: Grant, request: Request, facts: DatasetFacts, shown: _Shown) -> Refusal | None:
    """Refuse conditions that do not fit their columns, and the request's on what it cannot see."""
    needed = () if grant.subject is None else (grant.subject,)
    for name in (*needed, *_columns(grant.rows), *_columns(request.rows)):
        if name not in facts.columns:
            return refused("condition_unfit", name)
    for term in (*terms(grant.rows), *terms(request.rows)):
        if term.problem(facts.columns[term.column].logical_type):
            return refused("condition_unfit", term.column)
    for name in _columns(request.rows):
        column = shown.column(name)
        if isinstance(column, Refusal):
            return column
        if column.mask != KEEP:
            return refused("masked_condition", name)
    return None


def _columns(condition: Condition | None) -> Iterable[str]:
    return (term.column for term in terms(condition))
