"""Rehearsing other staffing on its page: who may, what differs, and what was typed stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shuzhi.app import City

from .entering import Enter, entering


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return serve(tmp_path_factory.mktemp("staffing") / "city")


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


@pytest.fixture
def span(town: City) -> str:
    return f"start={town.clock().year}-03-01&end={town.clock().year}-04-01"


def _late(page: str) -> list[int]:
    """The figures of the table: how many pieces are late in each line."""
    table = page.partition('aria-labelledby="h-table"')[2].partition('aria-labelledby="h-clocks"')
    lines = re.findall(r"<tr>(.*?)</tr>", table[0], re.S)[1:]
    return [int(re.findall(r'class="number">([^<]*)<', line)[3]) for line in lines]


def test_nothing_runs_before_a_time_was_chosen(enter: Enter) -> None:
    page = enter("clerk").get("/staffing").text
    assert "people_" not in page
    assert "The teams that had work" not in page
    assert 'href="/staffing" aria-current="page"' in page


def test_the_past_stands_beside_what_was_asked(enter: Enter, span: str) -> None:
    analyst = enter("clerk")
    page = analyst.get(f"/staffing?{span}").text
    assert 'name="people_west" type="text" value="1"' in page
    assert "A simulation" in page
    assert page.count('class="drawing compared"') == 2
    as_it_was = _late(page)
    nobody = analyst.get(f"/staffing?{span}&people_west=0").text
    assert 'name="people_west" type="text" value="0"' in nobody
    other = _late(nobody)
    # Each team has three lines: as it was, the same simulated, and as asked.
    assert len(as_it_was) == len(other) == 6
    west = slice(3, 6)
    assert as_it_was[west][:2] == other[west][:2]
    assert other[west][2] == 1
    assert other[:3] == as_it_was[:3]
    assert "by clock" in nobody.lower()


def test_one_team_is_shown_with_those_below_it(enter: Enter, span: str) -> None:
    analyst = enter("clerk")
    east = analyst.get(f"/staffing?{span}&team=east").text
    assert 'name="people_old_town"' in east
    assert 'name="people_west"' not in east
    assert "This team had no work" in analyst.get(f"/staffing?{span}&team=hills").text


@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ("start=2026-03-01&end=2026-12-01", "end", "Choose 1 to 92 days."),
        ("start=soon&end=2026-03-01", "start", "Write a date"),
        ("{span}&people_west=many", "people_west", "Write a whole number."),
        ("{span}&people_west=5000", "people_west", "at most 1000 people"),
        ("{span}&hours=always", "hours", "Write hours such as"),
        ("{span}&hours=09:00-12:00 11:00-13:00", "hours", "Write hours such as"),
        ("{span}&limit_ordinary=soon", "limit_ordinary", "Write a limit such as"),
        ("start=2026-01-01&end=2026-01-03", "start", "Nobody had work in hand"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_at_its_field(
    enter: Enter, span: str, asked: str, field: str, says: str
) -> None:
    bad = enter("clerk").get(f"/staffing?{asked.format(span=span)}&people_<i>=7")
    assert bad.status_code == 422
    assert f'aria-describedby="{field}-error"' in bad.text
    assert says in bad.text
    assert 'name="people_&lt;i&gt;" type="text" value="7"' in bad.text


def test_who_may_not_rehearse_gets_no_link_and_is_refused(enter: Enter) -> None:
    officer = enter("chen")
    assert 'href="/staffing"' not in officer.get("/cases").text
    assert officer.get("/staffing").status_code == 403
