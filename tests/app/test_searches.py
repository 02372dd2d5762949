"""Searches are kept whole: what was asked, what it stood on, and what was found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import shuzhi.migrations
from shuzhi.act.cases import CaseId
from shuzhi.app.decide.cause_store import (
    SearchId,
    Sought,
    causes_of,
    find_sought,
    newest_searches,
    save_sought,
    search_table,
)
from shuzhi.decide.tracing import (
    AirSource,
    Assumptions,
    Bad,
    Exceedance,
    Outfall,
    Place,
    Reach,
    RiverTrace,
    Wind,
    attribute,
    network,
    trace_river,
)
from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
CASE = CaseId(7)


def river(**more: object) -> Sought:
    line = (Place(106.5, 29.5), Place(106.6, 29.6))
    reaches = [Reach("up", "1", "2", 3.0, line=line, is_simulated=True), Reach("down", "2", "3", 1)]
    asked = Exceedance("w21003", "down", NOON, 3.0, 1.0, 0.5)
    works = Outfall("DW1", "工厂", "up", 1.0, PartyId("east"), loads_kg_d={"w21003": 3.0})
    trace = trace_river(network(reaches), asked, [works], Assumptions(decay_per_hour=0.01))
    kept = Sought("rivers", NOON, asked, by="chen", candidates=trace.candidates, trace=trace)
    return replace(kept, **more)  # type: ignore[arg-type]


def air() -> Sought:
    hours = [Wind(200, 3.0, 90.0), Wind(20, 3.0, None, is_simulated=True)]
    source = AirSource("DA1", "电厂", Place(106.6, 29.5))
    trace = attribute(Place(106.5, 29.5), hours, [source], threshold=150)
    asked = Bad("S1", NOON, Instant(NOON + timedelta(hours=2)), 150, "a21026")
    return Sought("winds", NOON, asked, by="li", candidates=trace.candidates, trace=trace)


@pytest.mark.parametrize("sought", [river(), air()], ids=["river", "air"])
def test_a_search_is_kept_as_it_was(control: Control, sought: Sought) -> None:
    number = save_sought(control, sought, origin="one")
    assert find_sought(control, number) == replace(sought, id=number)
    assert find_sought(control, SearchId(number + 1)) is None


def test_a_search_that_was_kept_before_zones_were_told_is_read_in_utc(control: Control) -> None:
    number = save_sought(control, river(), origin="one")
    with control.transaction() as connection:
        (told,) = connection.execute(sa.select(search_table.c.trace)).scalars()
        older = json.loads(told)
        del older["assumptions"]["zone"]
        connection.execute(sa.update(search_table).values(trace=json.dumps(older)))
    kept = find_sought(control, number)
    assert kept is not None
    assert isinstance(kept.trace, RiverTrace)
    assert kept.trace.assumptions == Assumptions(decay_per_hour=0.01, zone="UTC")


def test_what_is_sent_twice_is_kept_once(control: Control) -> None:
    first = save_sought(control, river(), origin="one")
    assert save_sought(control, air(), origin="one") == first
    assert save_sought(control, air(), origin="two") != first


def test_each_tracing_answers_once_for_a_case(control: Control) -> None:
    number = save_sought(control, river(case_id=CASE, by=""))
    assert save_sought(control, Sought("rivers", NOON, case_id=CASE, failure="again")) == number
    other = save_sought(control, Sought("winds", NOON, case_id=CASE, failure="no wind"))
    assert [each.id for each in causes_of(control, CASE)] == [number, other]
    assert causes_of(control, CaseId(8)) == ()


def test_lists_go_back_from_the_newest(control: Control) -> None:
    numbers = [save_sought(control, river(), origin=f"{i}") for i in range(3)]
    save_sought(control, Sought("winds", NOON, case_id=CASE, failure="no wind"))
    newest, *_, oldest = newest_searches(control, before=None, limit=10)
    assert (newest.failure, newest.best, newest.count) == ("no wind", None, 0)
    assert (oldest.id, oldest.best and oldest.best.id, oldest.count) == (numbers[0], "DW1", 1)
    found = newest_searches(control, before=numbers[2], limit=1)
    assert [each.id for each in found] == [numbers[1]]


def test_what_was_kept_before_is_still_there(tmp_path: Path) -> None:
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(shuzhi.migrations.__file__).parent))
    told = '[{"id": "DW1", "title": "厂", "party": null, "score": 0.5, "reasons": [], "facts": {}, "place": null}]'  # noqa: E501
    insert = "INSERT INTO app_cause VALUES (7, 'rivers', '2026-03-02 12:00:00', '', :told)"
    with control.transaction() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0020")
        connection.execute(sa.text(insert), {"told": told})
        command.upgrade(config, "head")
    (kept,) = causes_of(control, CASE)
    assert (kept.tracing, kept.sought_at, kept.trace) == ("rivers", NOON, None)
    assert [(c.id, c.spot) for c in kept.candidates] == [("DW1", None)]
    (line,) = newest_searches(control, before=None, limit=5)
    assert (line.count, line.best and line.best.title) == (1, "厂")
