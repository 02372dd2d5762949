"""`/warnings`: what rules and forecasters found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.decide import rules
from shuzhi.decide.rules import Outcome, Severity, Warning, WarningId
from shuzhi.decide.warnings.errors import unknown_warning
from shuzhi.kernel.instant import to_instant
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Listed, Moment, Name, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.seeing import case_sight

TAG = {"name": "warnings", "description": "预警 · Warnings: what rules and forecasters found."}
router = APIRouter(prefix="/warnings", tags=["warnings"])


class WarningAnswer(Answer):
    """Something that was found."""

    id: int
    """Its number."""
    rule_id: str
    """The rule or forecaster that found it."""
    rule_version: int
    """The version of that rule."""
    dataset: str
    """In which data set."""
    severity: Severity
    """How grave it is, in the four colours."""
    party: str | None
    """Who answers for it; null for the city's desk."""
    case_kind: str | None
    """The kind of case that it opens."""
    merge_key: str
    """What makes several findings one warning."""
    says: Title
    """What the pack says of it; empty where it says nothing."""
    at: datetime
    """Since when it is so."""
    last_at: datetime
    """When it was found last."""
    count: int
    """How often it was found."""
    raised_at: datetime
    """When it was raised."""
    outcome: Outcome | None
    """What it turned out to be; null while nobody knows."""
    facts: Facts
    """What was found, by the columns of the rule's answer."""

    @classmethod
    def told(cls, warning: Warning, city: City) -> WarningAnswer:
        """Return a warning with what its pack says of it."""
        zh, en = (city.says(warning.rule_id, warning.facts, which) for which in ("zh", "en"))
        return cls.about(warning, says=Title(zh=zh, en=en))


class Warnings(Listed):
    """A page of warnings, the newest first."""

    items: tuple[WarningAnswer, ...]
    """The warnings."""


@router.get("", **reads(Right.READ))
def list_warnings(
    city: CityHere,
    visitor: VisitorHere,
    page: PageAsked,
    rule: Annotated[Name | None, Query(description="Of this rule or forecaster.")] = None,
    dataset: Annotated[Name | None, Query(description="In this data set.")] = None,
    since: Annotated[
        Moment | None, Query(description="Still true at this moment or later.")
    ] = None,
) -> Warnings:
    """List the warnings that concern one's party, the newest first."""
    found = city.warnings(
        rule_id=rule,
        dataset=dataset,
        since=None if since is None else to_instant(since),
        seen_by=case_sight(visitor, city).parties,
        before=None if page.number is None else WarningId(page.number),
        limit=page.limit + 1,
    )
    shown, following = page.cut(found, lambda one: one.id)
    items = tuple(WarningAnswer.told(warning, city) for warning in shown)
    return Warnings(items=items, next=following)


@router.get("/{warning}", **reads(Right.READ))
def show_warning(
    city: CityHere,
    visitor: VisitorHere,
    warning: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the warning.")],
) -> WarningAnswer:
    """Show a warning."""
    seen_by = case_sight(visitor, city).parties
    for found in rules.warnings(city.watch, ids=[WarningId(warning)], seen_by=seen_by):
        return WarningAnswer.told(found, city)
    raise unknown_warning(WarningId(warning))
