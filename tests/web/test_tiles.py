"""Tiles of the operations centre: read again when a number was computed, or after a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shuzhi.app import City
from shuzhi.kernel.instant import Instant
from shuzhi.web.pages.frame.tiles import Tiles


@pytest.fixture(scope="module")
def city(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return build(tmp_path_factory.mktemp("tiles") / "city")


def test_tiles_are_kept_until_something_was_computed_or_time_went_by(city: City) -> None:
    now = city.clock()
    still = replace(city, clock=lambda: now)
    tiles = Tiles()
    first = tiles.shown(still)
    assert first
    assert tiles.shown(still) is first
    later = replace(city, clock=lambda: Instant(now + timedelta(seconds=30)))
    second = tiles.shown(later)
    assert second is not first
    computed = later.compute_indicators()
    assert computed
    third = tiles.shown(later)
    assert third is not second
    assert {leaf.indicator.id for leaf, _ in third} == {leaf.indicator.id for leaf, _ in second}
    ranks = [leaf.colour.rank for leaf, _ in third]
    assert ranks == sorted(ranks, reverse=True)
