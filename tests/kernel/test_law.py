"""Law parameters by date, strictly loaded; and the first law that comes with the platform."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law

_FILE = """\
title: Air quality
source: an example
parameters:
  - id: pm10_daily_limit
    legal_basis: {law: GB 3095, article: table 1}
    description: {zh: 日均限值, en: daily limit}
    unit: ug/m3
    values:
      - {from: 2024-01-01, value: 150, verified: true}
      - from: 2026-01-01
        value: 120.5
        verified: false
        note: the number is unchecked
  - id: answer
    legal_basis: {law: Decree, article: "21"}
    description: {zh: 答复, en: answer}
    unit: working_days
    values:
      - {from: 2025-08-01, value: 10, extendable_by: 5, approver: sharing_authority, verified: true}
"""


def _load(folder: Path, text: str) -> Law:
    file = folder / "law.yaml"
    file.write_text(text, encoding="utf-8")
    return Law.load(file)


def _findings(folder: Path, text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        _load(folder, text)
    assert caught.value.code == "kernel.bad_law"
    return [f"{f.line}: {f.path}: {f.problem}" for f in caught.value.findings]


@pytest.fixture(scope="module")
def data_law() -> Law:
    """The law that comes with the platform."""
    with as_file(files("shuzhi_packs.data_law") / "law") as folder:
        return Law.load(folder)


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2024, 1, 1), "150"),
        (date(2025, 12, 31), "150"),
        (date(2026, 1, 1), "120.5"),
        (date(2099, 1, 1), "120.5"),
    ],
)
def test_a_value_holds_until_the_next_one(tmp_path: Path, day: date, value: str) -> None:
    law = _load(tmp_path, _FILE)
    assert law.value_on("pm10_daily_limit", day).value == Decimal(value)


def test_a_value_says_by_how_much_and_by_whom_it_is_extended(tmp_path: Path) -> None:
    answer = _load(tmp_path, _FILE).value_on("answer", date(2026, 1, 1))
    assert (answer.whole, answer.extendable_by, answer.approver) == (10, 5, "sharing_authority")
    assert answer.is_verified


def test_a_day_before_the_first_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        _load(tmp_path, _FILE).value_on("pm10_daily_limit", date(2023, 12, 31))
    assert str(caught.value) == (
        "kernel.law_not_in_force: pm10_daily_limit has no value on 2023-12-31; its first holds "
        "from 2024-01-01 (GB 3095, table 1). "
        "Use a day from 2024-01-01 on, or add the older law's value."
    )


def test_a_parameter_nobody_loaded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        _load(tmp_path, _FILE).parameter("anwser")
    assert str(caught.value) == (
        "kernel.law_unknown: No loaded law file has a parameter 'anwser'. "
        "Correct the id, or load the law file that holds it."
    )


@pytest.mark.parametrize(
    ("old", "new", "findings"),
    [
        (
            "from: 2026-01-01",
            "from: 2024-01-01",
            [
                "10: parameters.0.values.1.from: 2024-01-01 does not come after 2024-01-01; "
                "sort by date, once each"
            ],
        ),
        (
            "from: 2026-01-01",
            "from: 2020-01-01",
            [
                "10: parameters.0.values.1.from: 2020-01-01 does not come after 2024-01-01; "
                "sort by date, once each"
            ],
        ),
        (
            "        note: the number is unchecked\n",
            "",
            [
                "12: parameters.0.values.1.verified: is false without a note; "
                "say what nobody has checked"
            ],
        ),
        (
            "unit: ug/m3",
            "unit: bushels",
            ["7: parameters.0.unit: 'bushels' is neither a unit of law nor a known UCUM code"],
        ),
        (
            "value: 10,",
            "value: 10.5,",
            ["19: parameters.1.values.0.value: 10.5 is no whole number of working_days"],
        ),
        (
            "extendable_by: 5",
            "extendable_by: -5",
            ["19: parameters.1.values.0.extendable_by: -5 is no whole number of working_days"],
        ),
        (
            "id: pm10_daily_limit",
            "id: pm10_daily_limit\n    limit: 5",
            ["5: parameters.0.limit: unknown key; remove it or correct its spelling"],
        ),
        (
            "verified: false",
            "verified: 'no'",
            ["12: parameters.0.values.1.verified: Input should be a valid boolean"],
        ),
        (
            "value: 150",
            "value: true",
            [
                "9: parameters.0.values.0.value: Decimal input should be an integer, float, "
                "string or Decimal object"
            ],
        ),
    ],
)
def test_law_that_cannot_be_right_is_refused(
    tmp_path: Path, old: str, new: str, findings: list[str]
) -> None:
    assert _findings(tmp_path, _FILE.replace(old, new)) == findings


_TABLE = """\
title: Air quality
source: an example
tables:
  - id: breakpoints
    legal_basis: {law: HJ 633, article: table 1}
    description: {zh: 限值表, en: breakpoints}
    columns: {item: text, low: number}
    versions:
      - from: 2024-01-01
        verified: true
        rows: [[PM10, 0], [PM10, 50.5]]
      - from: 2026-01-01
        verified: false
        note: unchecked
        rows: [[PM10, 0]]
"""


def test_a_version_of_a_table_holds_until_the_day_before_the_next(tmp_path: Path) -> None:
    table = _load(tmp_path, _TABLE).tables["breakpoints"]
    assert [(len(version.rows), version.since, until) for version, until in table.spans] == [
        (2, date(2024, 1, 1), date(2025, 12, 31)),
        (1, date(2026, 1, 1), None),
    ]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("[PM10, 50.5]", "[PM10]", "11: tables.0.versions.0.rows.1: has 1 cells for 2 columns"),
        (
            "[PM10, 50.5]",
            "[PM10, high]",
            "11: tables.0.versions.0.rows.1: has 'high' under low, which holds a number",
        ),
        (
            "[PM10, 50.5]",
            "[10, 50.5]",
            "11: tables.0.versions.0.rows.1: has 10 under item, which holds a text",
        ),
        (
            "[PM10, 50.5]",
            "[PM10, 1e999]",
            "11: tables.0.versions.0.rows.1: has inf under low, which holds a number",
        ),
        (
            "low: number",
            "valid_to: number",
            "7: tables.0.columns.valid_to: is the name of what every row says of its dates; "
            "choose another",
        ),
        (
            "from: 2026-01-01",
            "from: 2024-01-01",
            "12: tables.0.versions.1.from: 2024-01-01 does not come after 2024-01-01; "
            "sort by date, once each",
        ),
        (
            "        note: unchecked\n",
            "",
            "13: tables.0.versions.1.verified: is false without a note; "
            "say what nobody has checked",
        ),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(
    tmp_path: Path, old: str, new: str, finding: str
) -> None:
    assert _findings(tmp_path, _TABLE.replace(old, new)) == [finding]


def test_a_file_without_law_is_refused(tmp_path: Path) -> None:
    assert _findings(tmp_path, _FILE.partition("parameters:")[0]) == [
        "1: : states neither parameters nor tables"
    ]


def test_a_table_and_a_parameter_bear_different_ids(tmp_path: Path) -> None:
    both = _FILE.replace("id: answer", "id: breakpoints") + _TABLE[_TABLE.index("tables:") :]
    (finding,) = _findings(tmp_path, both)
    assert finding.partition(" of ")[0] == "21: tables.0.id: repeats the id 'breakpoints'"


def test_an_id_in_two_files_is_refused_and_both_are_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(_FILE, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        Law.load(tmp_path)
    assert [str(finding) for finding in caught.value.findings] == [
        f"{tmp_path}/b.yaml:{line}: parameters.{i}.id: repeats the id {name!r} of "
        f"{tmp_path}/a.yaml:{line}"
        for i, (line, name) in enumerate([(4, "pm10_daily_limit"), (14, "answer")])
    ]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"^kernel\.bad_document: nothing\.yaml:1: "):
        Law.load(tmp_path / "nothing.yaml")


def test_the_law_that_comes_with_the_platform_loads(data_law: Law) -> None:
    assert len(data_law.parameters) == 30


# Only numbers that were read in the full text of the law may claim to be verified.
def test_only_what_was_read_in_full_is_verified(data_law: Law) -> None:
    verified = {
        parameter.id
        for parameter in data_law.parameters.values()
        if any(value.is_verified for value in parameter.values)
    }
    assert verified == {
        "shanghai_uncatalogued_demand",
        "impact_assessment_retention",
        "child_age",
        "supply_record_retention",
        "security_risk_report",
        "large_handler_people",
        "important_data_assessment",
    }


def test_nothing_of_decree_809_is_verified(data_law: Law) -> None:
    values = [
        value
        for parameter in data_law.parameters.values()
        for value in parameter.values
        if "809" in parameter.legal_basis.law
    ]
    assert len(values) == 8
    assert not any(value.is_verified for value in values)


@pytest.mark.parametrize(
    ("day", "days", "law"),
    [
        (date(2025, 7, 31), 15, "政务信息资源共享管理暂行办法（国发〔2016〕51号）"),
        (date(2025, 8, 1), 10, "政务数据共享条例（国务院令第809号）"),
    ],
)
def test_a_case_of_the_past_is_computed_by_the_law_of_its_day(
    data_law: Law, day: date, days: int, law: str
) -> None:
    parameter = data_law.parameter("catalogue_update")
    value = parameter.value_on(day)
    assert (value.whole, (value.legal_basis or parameter.legal_basis).law) == (days, law)
