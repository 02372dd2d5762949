"""`/rules`: what looks for trouble, how its warnings turned out, and whether it is on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import Field

from shuzhi.app import City
from shuzhi.decide.rules import Rule, Severity, Standing
from shuzhi.decide.warnings import Forecaster, Score
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import Acting, VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Answer, Name, Title, Words, YesNo
from shuzhi.web.api.frame.asking import CityHere, changes, reads, refusal

TAG = {
    "name": "rules",
    "description": "规则 · Rules: what looks for trouble, and how it turned out.",
}
router = APIRouter(prefix="/rules", tags=["rules"])
RuleName = Annotated[Name, InPath(description="The id of a rule or forecaster.")]


class RuleAnswer(Answer):
    """A rule or a forecaster, as it stands."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    is_forecaster: bool
    """Whether it looks ahead."""
    dataset: str
    """The data set that it judges."""
    owner: str
    """Who answers for it."""
    severity: Severity | None
    """How grave what it finds is; null where each row says so."""
    case_kind: str | None
    """The kind of case that its warnings open."""
    legal_basis: str | None
    """The legal parameter that it holds data against."""
    values: Mapping[str, str]
    """The values that a rehearsal may set otherwise; a forecaster has none."""
    version: int | None
    """The version of its wording; null before it was registered."""
    is_on: bool
    """Whether it judges."""
    off_reason: str | None
    """Why it does not."""
    looked_at: datetime | None
    """When it looked last; null for rules that judge rows as they come."""


class Rules(Answer):
    """The rules and forecasters of the city."""

    items: tuple[RuleAnswer, ...]
    """Rules by id, then forecasters by id."""


class ShareAnswer(Answer):
    """A share, with the numbers that it comes from."""

    count: int
    """How many."""
    of: int
    """Of how many."""
    value: float | None
    """The share, 0 to 1."""


class LeadAnswer(Answer):
    """How long before the event warnings came."""

    count: int
    """Of how many warnings that is known."""
    median_s: float
    """The median, in seconds."""
    p10_s: float
    """What nine of ten exceed, in seconds."""


class OutcomesAnswer(Answer):
    """How the warnings of a rule turned out."""

    rule_id: str
    """Of which rule."""
    warnings: int
    """How many warnings it raised."""
    open: int
    """Of how many nobody knows yet."""
    first_raised_at: datetime | None
    """When it raised the first."""
    precision: ShareAnswer
    """How many were right, of those that are known."""
    false_alarms: ShareAnswer
    """How many were wrong."""
    acted_upon: ShareAnswer
    """How many led to something."""
    closed: ShareAnswer
    """Of how many is known what they were."""
    lead_times: LeadAnswer | None
    """How long before the event they came."""
    retire: str | None
    """Why the rule should go; null where it should stay."""

    @classmethod
    def told(cls, score: Score) -> OutcomesAnswer:
        """Return how the warnings of a rule turned out."""
        lead = score.lead_times
        seconds = lead and LeadAnswer(
            count=lead.count,
            median_s=lead.median.total_seconds(),
            p10_s=lead.p10.total_seconds(),
        )
        names = ("precision", "false_alarms", "acted_upon", "closed")
        shares = {name: ShareAnswer.about(getattr(score, name)) for name in names}
        return cls.about(score, lead_times=seconds, **shares)


class Switch(Acting):
    """Whether a rule shall judge."""

    is_on: YesNo
    """Whether it shall."""
    reason: Annotated[Words, Field(max_length=1_000)] = ""
    """Why not."""


@router.get("", **reads(Right.READ))
def list_rules(city: CityHere) -> Rules:
    """List the rules and forecasters that are declared."""
    standings = city.standings()
    found = (*city.rules(), *city.forecasters())
    return Rules(items=tuple(_rule(one, standings.get(one.id)) for one in found))


@router.get("/{rule}", **reads(Right.READ))
def show_rule(city: CityHere, rule: RuleName) -> RuleAnswer:
    """Show a rule or a forecaster."""
    return _shown(city, rule)


@router.get("/{rule}/outcomes", **reads(Right.READ))
def show_outcomes(city: CityHere, rule: RuleName) -> OutcomesAnswer:
    """Show how the warnings of a rule or forecaster turned out."""
    found = _found(city, rule)
    (score,) = (score for score in city.warning_scores() if score.rule_id == found.id)
    return OutcomesAnswer.told(score)


@router.post("/{rule}/switch", **changes(Right.SWITCH_RULE))
def switch_rule(city: CityHere, visitor: VisitorHere, rule: RuleName, given: Switch) -> RuleAnswer:
    """Switch a rule or forecaster on or off."""
    party = party_of(visitor, given)
    if not visitor.may(Right.SWITCH_RULE, party):
        raise refusal(visitor, party)
    person = person_of(visitor, given)
    city.switch_rule(rule, is_on=given.is_on, by=person, reason=given.reason)
    return _shown(city, rule)


def _shown(city: City, rule: str) -> RuleAnswer:
    found = _found(city, rule)
    return _rule(found, city.standings().get(found.id))


def _found(city: City, rule: str) -> Rule | Forecaster:
    return city.declared.forecasters.get(rule) or city.rule(rule)


def _rule(one: Rule | Forecaster, standing: Standing | None) -> RuleAnswer:
    return RuleAnswer.about(
        one,
        title=Title.both(one),
        is_forecaster=isinstance(one, Forecaster),
        values={} if isinstance(one, Forecaster) else {n: str(v) for n, v in one.values.items()},
        severity=one.severity if isinstance(one.severity, Severity) else None,
        version=standing and standing.version,
        is_on=standing is not None and standing.is_on,
        off_reason=standing and standing.off_reason,
        looked_at=standing and standing.looked_at,
    )
