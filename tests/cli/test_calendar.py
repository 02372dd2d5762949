"""The working days of a city: how far they are known, and the notice that takes them further."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shuzhi.app import create_city
from shuzhi.cli import main
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
