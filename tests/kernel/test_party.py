"""Parties and the level they stand at."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from shuzhi.kernel.ids import party_id
from shuzhi.kernel.party import Level, Party, Role


def test_each_level_escalates_to_the_one_above() -> None:
    ladder = [Level.TOWN, Level.DISTRICT, Level.CITY, Level.NATION]
    assert [level.superior for level in ladder] == [*ladder[1:], None]


def test_a_smaller_number_stands_higher() -> None:
    assert sorted([Level.TOWN, Level.NATION, Level.DISTRICT])[0] is Level.NATION


def test_roles_are_the_three_that_law_names() -> None:
    assert {role.value for role in Role} == {"provider", "user", "manager"}


def test_a_party_cannot_be_changed() -> None:
    party = Party(party_id("housing"), "住房局", "Housing Office", Level.CITY)
    with pytest.raises(FrozenInstanceError):
        party.level = Level.TOWN  # type: ignore[misc]
