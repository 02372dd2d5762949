"""No role, no right: for every right, every role and whatever else somebody holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level, Party
from shuzhi.share.accounts import (
    RIGHTS,
    AccountError,
    AccountName,
    Right,
    Role,
    RoleGrant,
    Standing,
    manages,
    reaches,
    right_of,
    role_of,
)
from shuzhi.share.parties import Organisation

TREE = Organisation.of(
    Party(PartyId(name), name, name, level, None, above and PartyId(above))
    for name, level, above in (
        ("city", Level.CITY, None),
        ("east", Level.DISTRICT, "city"),
        ("west", Level.DISTRICT, "city"),
        ("old_town", Level.TOWN, "east"),
    )
)
PARTIES = [party.id for party in TREE]
LI = AccountName("li")
_GRANTS = st.frozensets(st.tuples(st.sampled_from(PARTIES), st.sampled_from(Role)), max_size=6)


def standing(held: frozenset[tuple[PartyId, Role]], **more: Any) -> Standing:
    return Standing(LI, "Li", PartyId("east"), tuple(RoleGrant(LI, *g) for g in held), **more)


@given(_GRANTS, st.sampled_from(Right), st.sampled_from(PARTIES))
def test_a_right_is_held_by_a_role_for_that_party_alone(
    held: frozenset[tuple[PartyId, Role]], right: Right, party: PartyId
) -> None:
    expected = any(at == party and right in RIGHTS[role] for at, role in held)
    assert standing(held).may(right, party) is expected


@given(_GRANTS, st.frozensets(st.sampled_from(Right)), st.sampled_from(PARTIES))
def test_a_key_gives_no_more_than_its_owner_has_and_was_made_for(
    held: frozenset[tuple[PartyId, Role]], scopes: frozenset[Right], party: PartyId
) -> None:
    key = standing(held, scopes=scopes, key_party=party)
    for right in Right:
        for at in PARTIES:
            expected = at == party and right in scopes and standing(held).may(right, at)
            assert key.may(right, at) is expected


@given(_GRANTS, st.sampled_from(Right))
def test_who_has_to_change_a_password_may_do_nothing(
    held: frozenset[tuple[PartyId, Role]], right: Right
) -> None:
    assert not standing(held, must_change=True).may(right)


@pytest.mark.parametrize("right", list(Right))
def test_without_a_role_there_is_no_right(right: Right) -> None:
    assert not standing(frozenset()).may(right)
    assert [role for role in Role if right in RIGHTS[role]]


@given(_GRANTS, st.sampled_from(PARTIES))
def test_reach_comes_from_the_party_itself_or_from_above(
    held: frozenset[tuple[PartyId, Role]], party: PartyId
) -> None:
    line = {party, *(above.id for above in TREE.superiors(party))}
    expected = any(at in line and role is Role.ADMINISTRATOR for at, role in held)
    assert reaches(standing(held), Right.MANAGE_ACCOUNTS, party, TREE) is expected


def test_nobody_manages_an_account_that_stands_for_more_than_they_reach(people: Any) -> None:
    wang = people.add("wang")
    east = standing(frozenset({(PartyId("east"), Role.ADMINISTRATOR)}))
    own = [RoleGrant(wang.name, PartyId("old_town"), Role.STEWARD)]
    assert manages(east, wang, own, TREE)
    beyond = [*own, RoleGrant(wang.name, PartyId("west"), Role.STEWARD)]
    assert not manages(east, wang, beyond, TREE)
    assert not manages(east, people.add("li"), [], TREE)


def test_the_administrator_of_accounts_holds_no_right_over_data_or_cases() -> None:
    rooms = {right.value.partition(".")[0] for right in RIGHTS[Role.ADMINISTRATOR]}
    assert rooms == {"accounts", "audit"}


def test_unknown_roles_and_rights_are_refused_by_name() -> None:
    with pytest.raises(AccountError, match=r"share\.role_unknown"):
        role_of("king")
    with pytest.raises(AccountError, match=r"share\.right_unknown"):
        right_of("data.everything")
