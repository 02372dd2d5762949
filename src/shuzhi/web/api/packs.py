"""`/packs`: the scenarios that are installed, and what each declares."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.packs import Manifest, Pack, installed_packs, read_manifest, read_pack
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Answer, Name, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.problems import WebError

TAG = {"name": "packs", "description": "场景包 · Packs: scenarios, and what they declare."}
router = APIRouter(prefix="/packs", tags=["packs"])
# What is installed does not change under a process that runs.
_known = cache(installed_packs)
_manifest, _whole = cache(read_manifest), cache(read_pack)
_ALWAYS = "platform"
_KINDS = ("contracts", "models", "indicators", "rules", "forecasters", "tracings", "case_kinds",
          "schemes", "sources")  # fmt: skip


class PackLine(Answer):
    """A scenario that is installed."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    description: Title
    """What it is for."""
    version: str
    """Its version."""
    owner: str | None
    """Who answers for it."""
    is_running: bool
    """Whether this city runs it."""


class Packs(Answer):
    """The packs that are installed."""

    items: tuple[PackLine, ...]
    """The packs, by id."""


class PackAnswer(PackLine):
    """A scenario, and what it declares."""

    reads: tuple[str, ...]
    """Data sets of others that it needs."""
    writes: tuple[str, ...]
    """Data sets that it answers for."""
    declares: Mapping[str, tuple[str, ...]]
    """The ids of what it declares, by kind."""
    law: tuple[str, ...]
    """The legal parameters and tables that it states."""

    @classmethod
    def told(cls, pack: Pack, city: City) -> PackAnswer:
        """Return a pack with what it declares."""
        declared = {kind: tuple(sorted(getattr(pack.declared, kind))) for kind in _KINDS}
        law = tuple(sorted({*pack.declared.law.parameters, *pack.declared.law.tables}))
        runs = _runs(city, pack.manifest)
        return cls.about(pack.manifest, is_running=runs, declares=declared, law=law)


@router.get("", **reads(Right.READ))
def list_packs(city: CityHere) -> Packs:
    """List the packs that are installed, by id."""
    found = (_manifest(folder) for _, folder in sorted(_known().items()))
    return Packs(items=tuple(PackLine.about(m, is_running=_runs(city, m)) for m in found))


@router.get("/{pack}", **reads(Right.READ))
def show_pack(
    city: CityHere, pack: Annotated[Name, InPath(description="The id of the pack.")]
) -> PackAnswer:
    """Show a pack with what it declares."""
    folder = _known().get(pack)
    if folder is None:
        raise WebError(
            "web.not_found",
            f"There is no pack {pack[:60]!r}.",
            next_step="See them all with list_packs.",
        )
    return PackAnswer.told(_whole(folder), city)


def _runs(city: City, manifest: Manifest) -> bool:
    return manifest.id in (_ALWAYS, *city.settings.city.packs)
