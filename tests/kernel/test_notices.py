"""Holiday notices as a person types them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.notices import load_notice
from shuzhi.kernel.workdays import WorkingDays, china_working_days

_GOOD = """\
year: 2027
legal_reference: an example, not the State's notice
holidays:
  - 2026-12-31
  - 2027-01-01
  - 2027-05-01
  - 2027-10-01
working_weekends:
  - 2027-01-03
"""


def _file(folder: Path, text: str) -> Path:
    file = folder / "2027.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def _findings(folder: Path, text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_notice(_file(folder, text))
    assert caught.value.code == "kernel.bad_notice"
    return [f"{f.line}: {f.path}: {f.problem}" for f in caught.value.findings]


def test_a_notice_is_read(tmp_path: Path) -> None:
    notice = load_notice(_file(tmp_path, _GOOD))
    assert notice.year == 2027
    assert notice.legal_reference == "an example, not the State's notice"
    assert date(2026, 12, 31) in notice.holidays
    assert notice.working_weekends == frozenset({date(2027, 1, 3)})


@pytest.mark.parametrize(
    ("old", "new", "findings"),
    [
        (
            "  - 2027-01-03",
            "  - 2027-01-04",
            ["9: working_weekends.0: 2027-01-04 is no Saturday or Sunday"],
        ),
        (
            "  - 2026-12-31",
            "  - 2026-11-30",
            ["4: holidays.0: 2026-11-30 lies outside the notice for 2027"],
        ),
        (
            "  - 2027-01-03",
            "  - 2028-01-02",
            ["9: working_weekends.0: 2028-01-02 lies outside the notice for 2027"],
        ),
        (
            "  - 2027-01-03",
            "  - 2027-05-01",
            ["9: working_weekends.0: 2027-05-01 is a holiday too"],
        ),
        ("  - 2026-12-31", "  - 2027-01-01", ["5: holidays.1: 2027-01-01 is repeated"]),
        (
            "  - 2027-10-01\n",
            "",
            ["3: holidays: 2027-10-01 is missing; it is off by statute"],
        ),
        (
            "year: 2027",
            "year: 2027\nyaer: 2027",
            ["2: yaer: unknown key; did you mean year?"],
        ),
        (
            "legal_reference: an example, not the State's notice\n",
            "",
            ["1: legal_reference: Field required"],
        ),
    ],
)
def test_a_notice_that_cannot_be_right_is_refused(
    tmp_path: Path, old: str, new: str, findings: list[str]
) -> None:
    assert _findings(tmp_path, _GOOD.replace(old, new)) == findings


# Each real notice, written as a person would, must pass and must rebuild the package's own year.
@pytest.mark.real_data
@pytest.mark.parametrize("year", range(2008, 2027))
def test_every_real_notice_passes_and_rebuilds_its_year(
    shared: Path, tmp_path: Path, year: int
) -> None:
    source = shared / f"data/12_calendar/china_workdays/holiday_cn_{year}.json"
    days = json.loads(source.read_text(encoding="utf-8"))["days"]
    # The source also lists the Monday 2020-02-03, on which work began again; no weekend was moved.
    worked = [date.fromisoformat(d["date"]) for d in days if not d["isOffDay"]]
    written = {
        "year": year,
        "legal_reference": "as the source says",
        "holidays": [d["date"] for d in days if d["isOffDay"]],
        "working_weekends": [str(day) for day in worked if day.weekday() >= 5],
    }
    china = china_working_days()
    before = WorkingDays(2004, year - 1, china.holidays, china.working_weekends)
    rebuilt = before.with_notice(load_notice(_file(tmp_path, json.dumps(written))))
    start, end = date(year - 1, 12, 1), date(year, 11, 30)
    span = range(start.toordinal(), end.toordinal() + 1)
    assert [rebuilt.is_working_day(date.fromordinal(n)) for n in span] == [
        china.is_working_day(date.fromordinal(n)) for n in span
    ]
