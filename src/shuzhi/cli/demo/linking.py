"""Knows people who are made up again across registers; some pairs wait for a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shuzhi.share.linkage import accept, models, run, train

if TYPE_CHECKING:
    from shuzhi.app import City

LINKAGE = "residents"
_STEWARD, _MANAGER = "simulated.steward", "simulated.manager"


def link(city: City) -> None:
    """Train, accept and run the linkage of the demonstration, unless that was done before."""
    office = city.linkage_office
    if models(office, LINKAGE):
        return
    trained = train(office, LINKAGE, by=_STEWARD)
    accept(office, LINKAGE, trained.model.number, by=_MANAGER)
    run(office, LINKAGE, by=_STEWARD)
