"""The working days of a city: how far they are known, and the notice that takes them further."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from shuzhi.app import City, create_city, open_city
from shuzhi.cli import main
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import china_working_days

LAST = china_working_days().last_year
NEXT = LAST + 1
NOTICE = f"""
year: {NEXT}
legal_reference: a notice of this test
holidays: [{NEXT}-01-01, {NEXT}-05-01, {NEXT}-10-01]
working_weekends: []
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    create_city(tmp_path / "city")
    return tmp_path / "city"


def read(capsys: pytest.CaptureFixture[str], city: Path, *arguments: str) -> Any:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main((*arguments, "--city", str(city), "--json"))
    return json.loads(capsys.readouterr().out)


def test_the_next_year_is_known_once_its_notice_is_loaded(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("calendar", "due", f"{LAST}-12-31", "1")
    ended = read(capsys, city, *asked)["error"]
    assert (ended["code"], f"notice for {NEXT}" in ended["next_step"]) == (
        "kernel.calendar_ends",
        True,
    )
    (tmp_path / "notice.yaml").write_text(NOTICE)
    assert read(capsys, city, "calendar", "load", str(tmp_path / "notice.yaml"))["year"] == NEXT
    shown = read(capsys, city, "calendar", "show")
    assert (shown["last_year"], len(shown["notices"])) == (NEXT, 1)
    first = date(NEXT, 1, 2)
    weekday = first + timedelta(days=(7 - first.weekday()) % 7 if first.weekday() > 4 else 0)
    assert read(capsys, city, *asked)["due"] == weekday.isoformat()


def test_a_notice_that_leaves_a_gap_is_not_kept(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notice.yaml").write_text(NOTICE.replace(str(NEXT), str(NEXT + 1)))
    refused = read(capsys, city, "calendar", "load", str(tmp_path / "notice.yaml"))
    assert refused["error"]["code"] == "kernel.notice_leaves_gap"
    assert read(capsys, city, "calendar", "show")["notices"] == []


@pytest.mark.parametrize(
    ("days_before", "is_told"), [(61, False), (60, True), (0, True), (-3, True)]
)
def test_a_city_knows_when_its_next_notice_is_due(
    city: Path, tmp_path: Path, days_before: int, is_told: bool
) -> None:
    last = date(LAST, 12, 31)
    noon = datetime.combine(last - timedelta(days_before), time(12), tzinfo=UTC)
    there = replace(open_city(city), clock=lambda: Instant(noon))
    assert there.calendar_ends() == (last if is_told else None)
    (tmp_path / "notice.yaml").write_text(NOTICE)
    there.take_notice(tmp_path / "notice.yaml")
    assert there.calendar_ends() is None


def test_who_looks_after_a_city_is_told_that_a_notice_is_due(
    city: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(City, "calendar_ends", lambda _self: date(2031, 12, 31))
    assert read(capsys, city, "status")["calendar_ends"] == "2031-12-31"
    with pytest.raises(SystemExit):
        main(("status", "--city", str(city)))
    told = " ".join(capsys.readouterr().out.split())
    assert "known until 2031-12-31; load the State Council's notice for 2032" in told
