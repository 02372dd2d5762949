"""The organisation as one frozen value, and what makes it a tree.

Each party has at most one superior, which stands at the same level of government or higher; no
party stands above itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Party

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{2}\d{6}[0-9A-HJ-NP-RTUW-Y]{10}")


@dataclass(frozen=True)
class Organisation:
    """All parties of a city, by id."""

    parties: Mapping[PartyId, Party]

    @classmethod
    def of(cls, parties: Iterable[Party]) -> Organisation:
        """Return the organisation of `parties`; the last one wins where an id is repeated."""
        return cls({p.id: p for p in parties})

    def __contains__(self, party_id: object) -> bool:
        return party_id in self.parties

    def __iter__(self) -> Iterator[Party]:
        return iter(self.parties.values())

    def get(self, party_id: PartyId | None) -> Party | None:
        """Return the party, or None when nobody has that id."""
        return None if party_id is None else self.parties.get(party_id)

    def superiors(self, party_id: PartyId) -> tuple[Party, ...]:
        """Return the parties above `party_id`, the nearest first; a circle ends where it closes."""
        above: list[Party] = []
        seen = {party_id}
        current = self.get(party_id)
        while current and current.superior_id and current.superior_id not in seen:
            seen.add(current.superior_id)
            current = self.get(current.superior_id)
            above.extend([current] if current else [])
        return tuple(above)

    def inferiors(self, party_id: PartyId | None) -> tuple[Party, ...]:
        """Return the parties directly below `party_id`; the roots for None."""
        return self._below.get(party_id, ())

    def below(self, party_id: PartyId) -> frozenset[PartyId]:
        """Return the parties that stand below `party_id`, however deep."""
        found: set[PartyId] = set()
        waiting = [party_id] if party_id in self else []
        while waiting:
            fresh = {p.id for p in self.inferiors(waiting.pop())} - found - {party_id}
            found |= fresh
            waiting += fresh
        return frozenset(found)

    @cached_property
    def _below(self) -> dict[PartyId | None, tuple[Party, ...]]:
        below: dict[PartyId | None, tuple[Party, ...]] = {}
        for each in self:
            below[each.superior_id] = (*below.get(each.superior_id, ()), each)
        return below

    def problem(self, party: Party) -> str | None:
        """Say why `party` cannot stand in this organisation; None when it can."""
        if party.credit_code is not None and not is_credit_code(party.credit_code):
            return f"the credit code {party.credit_code!r} is not valid (GB 32100, 18 characters)"
        if party.superior_id is None:
            return None
        superior = self.get(party.superior_id)
        if superior is None:
            return f"its superior {party.superior_id!r} is not registered"
        if superior.level > party.level:
            return (
                f"its superior {superior.id!r} stands lower "
                f"({superior.level.name.lower()} below {party.level.name.lower()})"
            )
        if party.id in {superior.id, *(p.id for p in self.superiors(superior.id))}:
            return f"it would stand above itself through {superior.id!r}"
        return None


def is_credit_code(text: str) -> bool:
    """Whether `text` is a unified social credit code with a right check character (GB 32100)."""
    if not _CREDIT_CODE.fullmatch(text):
        return False
    total = sum(_CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(text[:17]))
    return _CREDIT_ALPHABET[-total % 31] == text[17]
