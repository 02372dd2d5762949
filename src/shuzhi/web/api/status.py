"""`/status`: which city this is, whether it runs, and how its jobs go."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Answer, Title
from shuzhi.web.api.frame.asking import CityHere, reads

TAG = {"name": "status", "description": "运行状态 · Status: whether the city runs, and its jobs."}
router = APIRouter(prefix="/status", tags=["status"])


class JobAnswer(Answer):
    """What a running city does again and again."""

    name: str
    """Which job it is."""
    started_at: datetime
    """When it began last."""
    ended_at: datetime
    """When it ended last."""
    done: int
    """How much there was to do."""
    failure: str
    """Why it failed; empty where it did not."""


class StatusAnswer(Answer):
    """How the city runs."""

    name: str
    """What the city is known by."""
    title: Title
    """What it is called."""
    now: datetime
    """The time of its clock."""
    is_up: bool
    """Whether a process runs its jobs now."""
    jobs: tuple[JobAnswer, ...]
    """How each job went last."""


@router.get("", **reads(Right.READ))
def show_status(city: CityHere) -> StatusAnswer:
    """Show whether the city runs, and how each of its jobs went last."""
    settings = city.settings.city
    return StatusAnswer(
        name=settings.name,
        title=Title.both(settings),
        now=city.clock(),
        is_up=city.is_up(),
        jobs=tuple(JobAnswer.about(job) for job in city.jobs()),
    )
