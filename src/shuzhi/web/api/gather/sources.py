"""`/sources`: where rows come from, how each run went, and why rows were kept out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.gather.sources import RunReport, State
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Name
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.owning import answers_for
from shuzhi.web.pages.gather.feeds import Feed, Health, feeds
from shuzhi.web.problems import WebError

TAG = {"name": "sources", "description": "数据来源 · Sources: runs, and what was kept out."}
router = APIRouter(prefix="/sources", tags=["sources"])
SourceName = Annotated[Name, InPath(description="The name of the source.")]


class RunAnswer(Answer):
    """One reading of a source."""

    run_id: str
    """What the run is known by."""
    state: State
    """How far it came."""
    started_at: datetime
    """When it began."""
    ended_at: datetime | None
    """When it ended; null while it runs."""
    read: int
    """How many rows were read."""
    inserted: int
    """How many of them were new."""
    updated: int
    """How many changed a row that was there."""
    unchanged: int
    """How many were there already."""
    quarantined: int
    """How many were kept out."""
    error_code: str | None
    """Why it failed."""

    @classmethod
    def told(cls, run: RunReport) -> RunAnswer:
        """Return a run."""
        counts = ("read", "inserted", "updated", "unchanged", "quarantined")
        told = {name: getattr(run.outcome, name) for name in counts}
        return cls.about(run, run_id=str(run.run_id), **told)


class SourceAnswer(Answer):
    """A source, and how it stands."""

    name: str
    """Its name."""
    dataset: str
    """The data set that its rows go to."""
    provider: str
    """Who provides it."""
    kind: str
    """What it is: file, sql or http."""
    every: str | None
    """How often it is read; null for one that is read by hand."""
    health: Health
    """Whether it is read as it should be."""
    run: RunAnswer | None
    """Its newest run."""

    @classmethod
    def told(cls, feed: Feed) -> SourceAnswer:
        """Return a source with its newest run."""
        run = None if feed.run is None else RunAnswer.told(feed.run)
        return cls.about(feed.source, health=feed.health, run=run)


class Sources(Answer):
    """The sources of the city."""

    items: tuple[SourceAnswer, ...]
    """The sources, by name."""


class Runs(Answer):
    """Runs of a source, the newest first."""

    items: tuple[RunAnswer, ...]
    """The runs."""


class ReasonAnswer(Answer):
    """Why rows were kept out, and one of them."""

    column: str | None
    """In which column the fault stands; null where a row could not be cut into cells."""
    code: str
    """What kind of fault it is."""
    rows: int
    """How many rows have it."""
    reason_en: str | None
    """What is wrong; only for who answers for the data."""
    reason_zh: str | None
    """What is wrong, in Chinese; only for who answers for the data."""
    origin: str | None
    """Where one of them stands; only for who answers for the data."""
    row_number: int | None
    """Its number there, from 1; only for who answers for the data."""
    value: str | None
    """What stands there; only for who answers for the data."""


class Quarantine(Answer):
    """What the newest run kept out."""

    run: RunAnswer | None
    """The newest run; null before the first."""
    items: tuple[ReasonAnswer, ...]
    """The reasons, the most frequent first."""


@router.get("", **reads(Right.READ))
def list_sources(city: CityHere) -> Sources:
    """List the sources of the city with their newest runs."""
    return Sources(items=tuple(map(SourceAnswer.told, feeds(city))))


@router.get("/{source}", **reads(Right.READ))
def show_source(city: CityHere, source: SourceName) -> SourceAnswer:
    """Show a source with its newest run."""
    return SourceAnswer.told(_feed(city, source))


@router.get("/{source}/runs", **reads(Right.READ))
def list_runs(city: CityHere, source: SourceName) -> Runs:
    """List the newest runs of a source."""
    _feed(city, source)
    return Runs(items=tuple(map(RunAnswer.told, city.runs(source))))


@router.get("/{source}/quarantine", **reads(Right.READ))
def show_quarantine(city: CityHere, visitor: VisitorHere, source: SourceName) -> Quarantine:
    """Show why the newest run kept rows out; what stands in them to their provider alone."""
    feed = _feed(city, source)
    if feed.run is None:
        return Quarantine(run=None, items=())
    is_own = answers_for(visitor, city, [feed.source.dataset])
    hidden = () if is_own else ("reason_en", "reason_zh", "origin", "row_number", "value")
    items = tuple(
        ReasonAnswer.about(reason, **dict.fromkeys(hidden)) for reason in city.reasons(feed.run)
    )
    return Quarantine(run=RunAnswer.told(feed.run), items=items)


def _feed(city: City, source: str) -> Feed:
    for feed in feeds(city):
        if feed.source.name == source:
            return feed
    raise WebError(
        "web.not_found",
        f"There is no source {source[:60]!r}.",
        next_step="See them all with list_sources.",
    )
