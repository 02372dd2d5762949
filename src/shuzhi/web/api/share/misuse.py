"""`/misuse`: what looked like fishing in verification, what was done about it, and lifting that.

All of it is for who manages sharing for the city.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from shuzhi.act.cases import CaseId
from shuzhi.app import City
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import AgreementId, agreement
from shuzhi.share.verification import Action, Finding, Kind, findings, lift, usual
from shuzhi.web.api.frame.answers import Answer, Given, Listed
from shuzhi.web.api.frame.asking import CityHere, changes, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.api.frame.siding import Manager

TAG = {
    "name": "misuse",
    "description": "核验防套取 · Misuse: what looked like fishing in verification.",
}
router = APIRouter(prefix="/misuse", tags=["misuse"])


class SuspicionAnswer(Answer):
    """Something that looked like fishing, and what was done about it."""

    id: int
    """Its number."""
    agreement: int
    """Under which agreement was asked."""
    receiver: str
    """The party that asks under it."""
    asker: str
    """Who asked; `everybody` where it is about all who ask under it."""
    kind: Kind
    """What was noticed."""
    measured: str
    """How much of it."""
    is_of_one: bool
    """Whether it is about one subject; else about all."""
    action: Action
    """What was done."""
    at: datetime
    """When it was noticed."""
    until: datetime
    """Until when what was done lasts, unless it is lifted."""
    stands: bool
    """Whether it lasts now."""
    case: int | None
    """The case that it opened or joined; null where there is none."""
    lifted_at: datetime | None
    """When it was lifted; null where it was not."""
    lifted_by: str | None
    """Who lifted it."""

    @classmethod
    def told(cls, city: City, found: Finding, case: CaseId | None) -> SuspicionAnswer:
        """Return a finding of misuse, with the case about it."""
        what = found.what
        held = agreement(city.sharing_office, AgreementId(what.agreement)).agreement
        named = ("agreement", "asker", "kind", "measured", "action", "at", "until")
        return cls.about(
            found,
            **{name: getattr(what, name) for name in named},
            receiver=held.terms.assignee,
            is_of_one=what.subject is not None,
            stands=found.stands(city.clock()),
            case=case,
        )


class Suspicions(Listed):
    """A page of what looked like fishing, the newest first."""

    items: tuple[SuspicionAnswer, ...]
    """What was noticed."""


class RateAnswer(Answer):
    """A rate of questions, or of rows of lists."""

    per_second: float
    """How many a second for long."""
    at_once: int
    """How many at once."""


class NamesAnswer(Answer):
    """When two names are alike, 0 to 100."""

    same_at: float
    """From which likeness they are the same."""
    near_at: float
    """From which likeness they are near."""


class GuessingAnswer(Answer):
    """When claims about one subject are guesses."""

    tries: int
    """How many different claims may fail."""
    hours: float
    """Within how many hours."""
    action: Action
    """What is done then."""


class WindowAnswer(Answer):
    """Of which questions shares are taken."""

    questions: int
    """Of how many of the newest."""
    at_least: int
    """From how many on."""


class ShareRuleAnswer(Answer):
    """From which share of the newest questions something is suspicious."""

    share: float
    """From which share on, 0 to 1."""
    action: Action
    """What is done then."""


class VolumeAnswer(Answer):
    """When a day has suspiciously many questions."""

    times: float
    """How many times those of a usual day."""
    at_least: int
    """From how many on."""
    action: Action
    """What is done then."""


class LimitsAnswer(Answer):
    """How fast may be asked, and what looks like fishing; null where nothing bounds it."""

    agreement: RateAnswer | None
    """Of all who ask under an agreement."""
    asker: RateAnswer | None
    """Of one who asks under it."""
    lists: RateAnswer | None
    """Of the rows of lists under an agreement."""
    most_a_day: int | None
    """How many questions a day has at most."""
    most_of_a_batch: int | None
    """How many questions a batch has at most."""
    names: NamesAnswer | None
    """When two names are alike."""
    guessing: GuessingAnswer | None
    """When claims about one subject are guesses."""
    window: WindowAnswer | None
    """Of which questions shares are taken."""
    enumeration: ShareRuleAnswer | None
    """Ids beside each other."""
    absence: ShareRuleAnswer | None
    """Subjects that are not there."""
    misses: ShareRuleAnswer | None
    """Claims that do not hold."""
    volume: VolumeAnswer | None
    """When a day has suspiciously many questions."""
    slow_to: float | None
    """Which share of its rate is left to what is slowed, 0 to 1."""
    hold_hours: float | None
    """How many hours lasts what is done."""


class MisuseLimits(Answer):
    """The limits in force."""

    source: str
    """Where the limits come from that a city does not set itself."""
    is_verified: bool
    """Whether somebody compared them with a text."""
    limits: LimitsAnswer
    """For every agreement."""
    agreements: Mapping[int, LimitsAnswer]
    """For agreements that have limits of their own, by number."""


class Lifting(Given):
    """That something does not count any more: there is nothing more to say."""


@router.get("/findings", **reads(Right.OVERSEE))
def list_suspicions(
    city: CityHere,
    _manager: Manager,
    page: PageAsked,
    agreement: Annotated[
        int | None, Query(ge=1, lt=2**62, description="Under this agreement.")
    ] = None,
    standing: Annotated[
        bool, Query(description="Only those that something is done about now.")
    ] = False,
) -> Suspicions:
    """List what looked like fishing, and what was done about it, the newest first."""
    found = findings(
        city.verification_desk.office,
        agreement=agreement,
        standing=standing,
        before=page.number,
        limit=page.limit + 1,
    )
    shown, following = page.cut(found, lambda one: one.id)
    return Suspicions(items=_told(city, shown), next=following)


@router.post("/findings/{finding}/liftings", **changes(Right.OVERSEE))
def lift_suspicion(
    city: CityHere,
    manager: Manager,
    finding: Annotated[int, InPath(ge=1, lt=2**62, description="The number of the finding.")],
    _given: Lifting,
) -> SuspicionAnswer:
    """Say that what looked like fishing was none: what was held back goes on."""
    (told,) = _told(city, [lift(city.verification_desk, finding, by=manager)])
    return told


@router.get("/limits", **reads(Right.OVERSEE))
def show_limits(city: CityHere, _manager: Manager) -> MisuseLimits:
    """Show how fast may be asked, and what looks like fishing."""
    declared, known = city.verification_desk.office.declared, usual()
    return MisuseLimits(
        source=known.source,
        is_verified=known.verified,
        limits=LimitsAnswer.about(declared.limits),
        agreements={
            number: LimitsAnswer.about(terms.limits)
            for number, terms in declared.agreements.items()
        },
    )


def _told(city: City, found: Iterable[Finding]) -> tuple[SuspicionAnswer, ...]:
    held = tuple(found)
    cases = city.cases_of_findings(each.id for each in held)
    return tuple(SuspicionAnswer.told(city, each, cases.get(each.id)) for each in held)
