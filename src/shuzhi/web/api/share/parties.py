"""`/parties`: the bodies of the city, and who stands above whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Party
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.answers import Answer, Listed, Name, Title
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.paging import PageAsked
from shuzhi.web.problems import WebError

TAG = {"name": "parties", "description": "机构 · Parties: who there is, and who stands above whom."}
router = APIRouter(prefix="/parties", tags=["parties"])


class PartyLine(Answer):
    """A body with rights and duties."""

    id: str
    """Its id."""
    title: Title
    """What it is called."""
    level: str
    """At which level of government it stands."""
    superior: str | None
    """Who stands above it."""

    @classmethod
    def told(cls, party: Party) -> PartyLine:
        """Return a party, in short."""
        return cls(
            id=party.id,
            title=Title.both(party),
            level=party.level.name.lower(),
            superior=party.superior_id,
        )


class Parties(Listed):
    """A page of parties, by id."""

    items: tuple[PartyLine, ...]
    """The parties."""


class PartyAnswer(Answer):
    """A body with its place in the city."""

    party: PartyLine
    """The body itself."""
    superiors: tuple[PartyLine, ...]
    """Who stands above it, the nearest first."""
    inferiors: tuple[PartyLine, ...]
    """Who stands directly below it."""


@router.get("", **reads(Right.READ))
def list_parties(city: CityHere, page: PageAsked) -> Parties:
    """List the parties, by id."""
    found = sorted(city.organisation(), key=lambda party: party.id)
    rest = [party for party in found if page.name is None or party.id > page.name]
    shown, following = page.cut(rest, lambda one: one.id)
    return Parties(items=tuple(map(PartyLine.told, shown)), next=following)


@router.get("/{party}", **reads(Right.READ))
def show_party(
    city: CityHere, party: Annotated[Name, InPath(description="The id of the party.")]
) -> PartyAnswer:
    """Show a party with those above and below it."""
    organisation = city.organisation()
    found = organisation.get(PartyId(party))
    if found is None:
        raise WebError(
            "web.not_found",
            f"There is no party {party[:60]!r}.",
            next_step="See them all with list_parties.",
        )
    above, below = organisation.superiors(found.id), organisation.inferiors(found.id)
    return PartyAnswer(
        party=PartyLine.told(found),
        superiors=tuple(map(PartyLine.told, above)),
        inferiors=tuple(map(PartyLine.told, below)),
    )
