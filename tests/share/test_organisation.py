"""The organisation as a tree: who stands below whom is told the same from both ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party
from shuzhi.share.parties import Organisation

_NAMES = ["a", "b", "c", "d", "e", "f"]


def party(name: str, superior: str | None) -> Party:
    above = None if superior is None else PartyId(superior)
    return Party(PartyId(name), name, name, Level.DISTRICT, superior_id=above)


@given(st.dictionaries(st.sampled_from(_NAMES), st.none() | st.sampled_from(_NAMES)))
def test_below_a_party_are_those_that_it_stands_above(superiors: dict[str, str | None]) -> None:
    """Circles and superiors that nobody registered are no exception."""
    organisation = Organisation.of(party(name, above) for name, above in superiors.items())
    for name in map(PartyId, _NAMES):
        above = {p.id for p in organisation if name in {s.id for s in organisation.superiors(p.id)}}
        assert organisation.below(name) == above
