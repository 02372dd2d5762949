"""Whose matters somebody sees: never those of a party that is neither theirs nor below it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    AUDIT,
    CASES,
    EVERYTHING,
    RIGHTS,
    SHARING,
    AccountName,
    Right,
    Role,
    RoleGrant,
    Room,
    Sight,
    Standing,
    names,
    sight,
)

# Who stands directly below whom.
BELOW = {"city": ("east", "west", "office"), "east": ("old_town",)}
PARTIES = ("city", "east", "west", "office", "old_town")
OFFICE = frozenset({PartyId("office"), PartyId("city")})
GRANTS = st.frozensets(st.tuples(st.sampled_from(PARTIES), st.sampled_from(Role)), max_size=6)
ROOMS = st.sampled_from((CASES, SHARING, AUDIT))
SCOPES = st.none() | st.frozensets(st.sampled_from(Right), max_size=5)


def under(party: PartyId) -> tuple[PartyId, ...]:
    direct = tuple(map(PartyId, BELOW.get(party, ())))
    return direct + tuple(each for one in direct for each in under(one))


def standing(
    grants: frozenset[tuple[str, Role]], scopes: frozenset[Right] | None = None
) -> Standing:
    account = AccountName("chen")
    held = tuple(RoleGrant(account, PartyId(party), role) for party, role in sorted(grants))
    return Standing(account, "Chen", PartyId("west"), held, scopes=scopes)


def seen(who: Standing, room: Room) -> Sight:
    return sight(who, room, office=OFFICE, below=under)


@given(GRANTS, ROOMS, SCOPES)
def test_a_party_is_seen_by_its_own_people_and_its_managers_alone(
    grants: frozenset[tuple[str, Role]], room: Room, scopes: frozenset[Right] | None
) -> None:
    whose = seen(standing(grants, scopes), room)
    rights = {party: _rights(grants, party, scopes) for party in PARTIES}
    sees_all = any(rights[party] & room.managing for party in OFFICE)
    assert (whose == EVERYTHING) == sees_all
    for party in map(PartyId, PARTIES):
        above = [one for one in PARTIES if party in under(PartyId(one))]
        is_theirs = bool(rights[party] & (room.own | room.managing))
        is_managed = any(rights[one] & room.managing for one in above)
        assert whose.covers(party) == (sees_all or is_theirs or is_managed)


def _rights(
    grants: frozenset[tuple[str, Role]], party: str, scopes: frozenset[Right] | None
) -> frozenset[Right]:
    held = frozenset(right for at, role in grants if at == party for right in RIGHTS[role])
    return held if scopes is None else held & scopes


@given(GRANTS, GRANTS, ROOMS)
def test_a_role_more_never_hides_anything(
    some: frozenset[tuple[str, Role]], more: frozenset[tuple[str, Role]], room: Room
) -> None:
    less, both = seen(standing(some), room), seen(standing(some | more), room)
    assert all(both.covers(PartyId(p)) for p in PARTIES if less.covers(PartyId(p)))


@pytest.mark.parametrize(
    ("role", "party", "cases", "sharing", "log"),
    [
        (Role.STEWARD, "west", {"west"}, {"west"}, {"west"}),
        (Role.ANALYST, "city", {"city"}, {"city"}, {"city"}),
        (Role.DUTY_OFFICER, "east", {"east", "old_town"}, {"east"}, {"east"}),
        (Role.MANAGER, "east", *[{"east", "old_town"}] * 3),
        (Role.DUTY_OFFICER, "office", None, {"office"}, {"office"}),
        (Role.MANAGER, "office", None, None, None),
        (Role.COMPANY, "west", {"west"}, set(), set()),
        (Role.CITIZEN, "west", set(), set(), set()),
        (Role.ADMINISTRATOR, "office", set(), set(), {"office"}),
    ],
)
def test_what_each_role_sees(
    role: Role,
    party: str,
    cases: set[str] | None,
    sharing: set[str] | None,
    log: set[str] | None,
) -> None:
    who = standing(frozenset({(party, role)}))
    found = [seen(who, room).parties for room in (CASES, SHARING, AUDIT)]
    assert found == [None if each is None else each for each in (cases, sharing, log)]


def test_a_matter_of_nobody_is_seen_by_who_sees_all() -> None:
    assert EVERYTHING.covers(None)
    assert not Sight(frozenset({PartyId("west")})).covers(None)


def test_facts_name_a_party_however_deep_and_never_in_part() -> None:
    west = frozenset({PartyId("west")})
    assert names({"tasks": [{"party": "west"}]}, west)
    assert not names({"party": "west_side", "west": "east", "count": 1}, west)
