"""Linkages (关联): what is declared, models and runs, what was asked for, and asking for more."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.share import linkage as room
from shuzhi.share.linkage import (
    Kept,
    Linkage,
    LinkageOffice,
    ModelState,
    Run,
    Title,
    Work,
    WorkKind,
    WorkState,
)
from shuzhi.web.pages.frame.sending import FieldError, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.sides import sharing_manager
from shuzhi.web.visitors import visitor_of

_MOST_RUNS, _MOST_WORKS = 20, 20
# More than any city has people for; all are counted.
ALL_WAITING = 10**9
_OPEN = (WorkState.WAITING, WorkState.RUNNING)


@dataclass(frozen=True)
class Standing:
    """How a linkage stands: its models, runs and works, the newest first, and how many pairs wait.

    `in_use` is the model that links.
    """

    declared: Linkage
    models: tuple[Kept, ...]
    runs: tuple[Run, ...]
    works: tuple[Work, ...]
    waiting: int

    @property
    def in_use(self) -> Kept | None:
        """The model that links, None before one was accepted."""
        return next((kept for kept in self.models if kept.state is ModelState.ACCEPTED), None)

    @property
    def under_way(self) -> Work | None:
        """What was asked for and has not ended."""
        return next((work for work in self.works if work.state in _OPEN), None)

    @property
    def failed(self) -> Work | None:
        """The newest work, where it failed."""
        return self._newest(WorkState.FAILED)

    @property
    def done(self) -> Work | None:
        """The newest work, where something came of it."""
        return self._newest(WorkState.DONE)

    def _newest(self, state: WorkState) -> Work | None:
        newest = next(iter(self.works), None)
        return newest if newest and newest.state is state else None

    def lacking(self, kept: Kept) -> tuple[tuple[Title, tuple[Title, ...]], ...]:
        """Return what to do about what the training of a model could not do."""
        return room.by_advice(room.shortcomings(self.declared, kept.trained))

    def part(self, name: str) -> Title | None:
        """Return what a part is called; None where it is not compared."""
        is_compared = any(part.name == name for part in self.declared.parts)
        return room.part_title(self.declared, name) if is_compared else None

    @property
    def blocks(self) -> tuple[Title, ...]:
        """In what two records agree that are compared."""
        return tuple(room.block_title(self.declared, block) for block in self.declared.blocks)

    @property
    def numbers(self) -> dict[int, int]:
        """The number of each model by its id."""
        return {kept.id: kept.number for kept in self.models}


def routes(site: Site) -> APIRouter:
    """Return the routes of linkages."""
    router = APIRouter()

    @router.get("/linkages")
    def listed(request: Request) -> Response:
        sharing_manager(visitor_of(request), site.city)
        office = site.city.linkage_office
        found = [standing(office, name) for name in sorted(office.linkages)]
        return site.page(request, "linkages.html", found=found)

    @router.get("/linkages/{linkage}")
    def show(request: Request, linkage: str) -> Response:
        return _page(site, request, linkage)

    @router.post("/linkages/{linkage}")
    async def act(request: Request, linkage: str) -> Response:
        def do(typed: Typed) -> str:
            by = sharing_manager(visitor_of(request), site.city)
            return _act(site, linkage, typed, by)

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, linkage, typed, error)

        return await send(site, request, do, again)

    return router


def standing(office: LinkageOffice, name: str) -> Standing:
    """Return how a linkage stands; LinkageError `share.linkage_unknown`."""
    return Standing(
        office.linkage(name),
        room.models(office, name),
        room.runs(office, name, limit=_MOST_RUNS),
        room.works(office, name, limit=_MOST_WORKS),
        len(room.review(office, name, limit=ALL_WAITING)),
    )


def _page(
    site: Site,
    request: Request,
    linkage: str,
    typed: Typed | None = None,
    error: RefusedError | None = None,
) -> Response:
    sharing_manager(visitor_of(request), site.city)
    held = standing(site.city.linkage_office, linkage)
    return shown(site, request, "linkage.html", typed, error, {}, held=held)


def _act(site: Site, linkage: str, typed: Typed, by: str) -> str:
    """Do what was asked; return where to see what came of it."""
    office, verb = site.city.linkage_office, typed.one("verb")
    kinds = {"train": WorkKind.TRAINING, "run": WorkKind.RUN}
    if verb in kinds:
        origin = f"page:{by}:{typed.one('key')}"
        made = room.ask(office, linkage, kinds[verb], by=by, origin=origin)
        return f"/linkages/{linkage}#work-{made.id}"
    number = typed.number("model")
    if not verb.startswith("accept") or number is None:
        raise FieldError("web.bad_choice", "verb", "Choose what is to be done.")
    room.accept(office, linkage, number, by=by)
    return f"/linkages/{linkage}#model-{number}"
