"""Whose matters somebody sees: one decision for every page, list, stream and interface.

The catalogue and what is public are for all; what is about one party is for those who work for
it, for those who manage it, and for the office that the city gave the whole to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts.model import Standing
from shuzhi.share.accounts.rights import Right


@dataclass(frozen=True)
class Room:
    """A kind of matters, and the rights by which one sees them.

    By a right of `own` one sees those of the party for which one has it; by one of `managing`,
    those of the parties below it as well.
    """

    own: frozenset[Right]
    managing: frozenset[Right]


CASES = Room(
    frozenset({Right.READ, Right.CASE_HANDLE}),
    frozenset({Right.CASE_DESK, Right.CASE_DISPATCH, Right.CASE_CHECK, Right.OVERSEE}),
)
SHARING = Room(frozenset({Right.READ}), frozenset({Right.OVERSEE}))
AUDIT = Room(frozenset({Right.READ_AUDIT}), frozenset({Right.OVERSEE}))


@dataclass(frozen=True)
class Sight:
    """The parties whose matters somebody sees; None for those of everybody."""

    parties: frozenset[PartyId] | None

    def covers(self, *parties: PartyId | None) -> bool:
        """Tell whether a matter between `parties` is seen; without any, by who sees all alone."""
        return self.parties is None or not self.parties.isdisjoint(parties)

    @property
    def name(self) -> str:
        """A text that two sights have in common when they see the same."""
        return "*" if self.parties is None else " ".join(sorted(self.parties))


EVERYTHING = Sight(None)


def sight(
    standing: Standing,
    room: Room,
    *,
    office: frozenset[PartyId],
    below: Callable[[PartyId], Iterable[PartyId]],
) -> Sight:
    """Return whose matters of a `room` the holder of a standing sees.

    Whoever manages for the `office` sees those of everybody; `below` gives all parties that stand
    under one, however deep.
    """
    own = _parties(standing, room.own)
    managed = _parties(standing, room.managing)
    if managed & office:
        return EVERYTHING
    return Sight(own | managed | frozenset(p for party in managed for p in below(party)))


def names(content: object, parties: frozenset[PartyId]) -> bool:
    """Tell whether facts, nested as they are, name one of `parties`."""
    if isinstance(content, str):
        return content in parties
    if isinstance(content, dict):
        return any(names(value, parties) for value in content.values())
    return isinstance(content, list) and any(names(value, parties) for value in content)


def _parties(standing: Standing, rights: Iterable[Right]) -> frozenset[PartyId]:
    return frozenset(party for right in rights for party in standing.parties(right))
