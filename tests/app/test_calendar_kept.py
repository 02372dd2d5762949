"""The working days that a city counted by: each calendar is kept, with since when and by what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shuzhi.app import City, create_city, open_city
from shuzhi.app.act.calendar_store import calendar_table
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import china_working_days

LAST = china_working_days().last_year
NOW = Instant(datetime(LAST, 12, 22, 2, tzinfo=UTC))
NOTICE = """
year: {year}
legal_reference: {name}
holidays: [{year}-01-01, {year}-05-01, {year}-10-01{more}]
working_weekends: []
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    create_city(tmp_path / "city")
    return replace(open_city(tmp_path / "city"), clock=lambda: NOW)


def written(file: Path, *, name: str = "a notice of this test", more: str = "") -> Path:
    text = NOTICE.format(year=LAST + 1, name=name, more=more)
    file.write_text(text, encoding="utf-8")
    return file


def _noted(city: City) -> int:
    with city.control.transaction() as connection:
        return connection.scalar(select(func.count()).select_from(calendar_table)) or 0


def test_the_first_calendar_of_a_city_was_known_from_the_beginning(city: City) -> None:
    days = city.working_days
    assert (days.before, days.since, days.source) == (None, None, "")
    assert (days.has_days_of(china_working_days()), _noted(city)) == (True, 1)


def test_a_notice_is_kept_with_what_was_known_before_it(city: City, tmp_path: Path) -> None:
    notice = written(tmp_path / "notice.yaml")
    for _ in range(2):
        city.take_notice(notice)
    for each in (city, open_city(city.settings.folder)):
        days = each.working_days
        assert (days.last_year, days.since, days.source) == (
            LAST + 1,
            NOW,
            "a notice of this test",
        )
        assert days.before is not None
        assert (days.before.last_year, days.before.before) == (LAST, None)
    assert _noted(city) == 2


def test_a_notice_that_is_amended_takes_the_place_of_the_first(city: City, tmp_path: Path) -> None:
    city.take_notice(written(tmp_path / "notice.yaml"))
    more = f", {LAST}-12-31"
    city.take_notice(written(tmp_path / "notice.yaml", name="the amended one", more=more))
    days = city.working_days
    assert (days.source, days.is_working_day(date(LAST, 12, 31))) == ("the amended one", False)
    assert days.before is not None
    assert days.before.is_working_day(date(LAST, 12, 31))


def test_a_notice_laid_into_the_folder_counts_at_once_and_is_noted(city: City) -> None:
    assert city.working_days.last_year == LAST
    folder = city.settings.folder / "calendar"
    folder.mkdir()
    written(folder / f"{LAST + 1}.yaml")
    laid = city.working_days
    assert (laid.last_year, laid.since, _noted(city)) == (LAST + 1, NOW, 1)
    city.note_calendar()
    assert (city.working_days, _noted(city)) == (laid, 2)


def test_many_who_note_the_same_at_once_note_it_once(city: City) -> None:
    folder = city.settings.folder / "calendar"
    folder.mkdir()
    written(folder / f"{LAST + 1}.yaml")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: city.note_calendar(), range(8)))
    assert _noted(city) == 2


def test_a_bad_notice_keeps_nobody_from_opening_the_city(city: City) -> None:
    folder = city.settings.folder / "calendar"
    folder.mkdir()
    (folder / "broken.yaml").write_text("year: none", encoding="utf-8")
    opened = open_city(city.settings.folder)
    with pytest.raises(Exception, match=r"broken\.yaml"):
        _ = opened.working_days
