"""Examples of packs: each runs in a city of its own, and fails when the pack is not as it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shuzhi.app.examples import Ran, run_examples
from shuzhi.packs import Pack, examine, installed_pack, installed_packs, new_pack, read_pack
from shuzhi.packs.examples.comparing import same
from shuzhi.packs.examples.tables import parse_table
from shuzhi.packs.pages import page

ROOT = Path(__file__).resolve().parents[2]

AT_ONCE = 4
PACKS = {pack_id: installed_pack(pack_id) for pack_id in installed_packs()}
ALL = [
    (pack_id, name, first)
    for pack_id, pack in PACKS.items()
    for name, file in pack.declared.examples.items()
    for first in range(1, len(file.examples) + 1, AT_ONCE)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_pack(tmp_path / "noise")
    return tmp_path / "noise"


def changed(folder: Path, file: str, old: str, new: str) -> Path:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def differing(ran: list[Ran]) -> list[str]:
    return [str(difference) for one in ran for difference in one.differences]


def run(folder: Path) -> list[str]:
    return differing(list(run_examples(read_pack(folder))))


def only(pack: Pack, name: str) -> list[Ran]:
    return list(run_examples(pack, only=name))


@pytest.mark.parametrize(("pack_id", "name", "first"), ALL)
def test_every_example_of_every_installed_pack_holds(pack_id: str, name: str, first: int) -> None:
    some = range(first, first + AT_ONCE)
    ran = list(run_examples(PACKS[pack_id], only=name, numbers=some))
    assert ran
    assert differing(ran) == []


@pytest.mark.parametrize("pack_id", installed_packs())
def test_every_rule_of_an_installed_pack_is_shown_to_speak_and_to_be_silent(pack_id: str) -> None:
    declared = PACKS[pack_id].declared
    thens = [e.then.warnings for f in declared.examples.values() for e in f.examples]
    said = [{w.rule for w in warnings} for warnings in thens if warnings is not None]
    for rule in (*declared.rules, *declared.forecasters):
        assert any(rule in rules for rules in said), f"no example shows a warning of {rule}"
        assert any(rule not in rules for rules in said), f"no example shows {rule} silent"


def test_a_new_pack_has_an_example_both_ways_and_they_hold(folder: Path) -> None:
    assert run(folder) == []


def test_another_limit_makes_an_example_fail(folder: Path) -> None:
    changed(folder, "rules/noise_too_high.yaml", "most: 70", "most: 69")
    assert run(folder) == [
        "warning of noise_too_high {station: north, value: 70.0} (yellow): "
        "expected nothing, found it"
    ]


def test_a_milder_rule_makes_an_example_fail(folder: Path) -> None:
    changed(folder, "rules/noise_too_high.yaml", "most: 70", "most: 71")
    assert run(folder) == [
        "warning of noise_too_high {station: north, value: 71}: expected it, found nothing"
    ]


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("severity: yellow", "severity: red", "severity: expected red, found yellow"),
        ("value: 71}", "value: 72}", "value: expected 72, found 71.0"),
        (
            "站点 north",
            "站点 south",
            "message.zh: expected 站点 south 的数值 71.0 过高。, "
            "found 站点 north 的数值 71.0 过高。",
        ),
    ],
)
def test_another_expectation_makes_an_example_fail(
    folder: Path, old: str, new: str, difference: str
) -> None:
    changed(folder, "examples/noise_too_high.yaml", old, new)
    assert run(folder) == [f"warning of noise_too_high: {difference}"]


def test_rows_that_their_contract_refuses_are_counted(folder: Path) -> None:
    file = "examples/noise_too_high.yaml"
    changed(folder, file, "08:00, 70", "08:00, -1")
    changed(folder, file, "warnings: []", "warnings: []\n      quarantined: {noise_readings: 1}")
    assert run(folder) == []
    changed(folder, file, "noise_readings: 1}", "noise_readings: 2}")
    assert run(folder) == ["quarantined.noise_readings: expected 2, found 1"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "rule: noise_too_high",
            "rule: noise_to_high",
            "14 there is no rule 'noise_to_high'. Did you mean 'noise_too_high'?",
        ),
        (
            "station, observed_at",
            "staton, observed_at",
            "9 noise_readings has no column 'staton'. Did you mean 'station'?",
        ),
        (
            "noise_readings:",
            "noise_reading:",
            "9 gives rows of 'noise_reading', which pack.yaml neither writes nor reads. "
            "Did you mean 'noise_readings'?",
        ),
        (
            "08:00\nexamples",
            "08:00\n  zone: Asia/Shanghigh\nexamples",
            "6 There is no time zone 'Asia/Shanghigh'.",
        ),
        (
            "- at: 2026-03-02 09:05",
            "- at: 2026-03-01 09:05",
            "7 2026-03-01T01:05:00+00:00 lies before 2026-03-02T00:00:00+00:00; time does not go",
        ),
        (
            "north,   2026",
            "2026",
            "9 Value error, line 2 has 2 cells, the first line 3",
        ),
        (
            "warnings: []",
            "{}",
            "27 Value error, states nothing, so the example could not fail",
        ),
    ],
)
def test_a_bad_example_is_said_with_its_line(
    folder: Path, old: str, new: str, problem: str
) -> None:
    path = folder / "examples/noise_too_high.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    found = [f"{finding.line} {finding.problem}" for finding in examine(folder)[1]]
    assert [one for one in found if one.startswith(problem)], found


def test_values_are_the_same_by_what_they_mean() -> None:
    zone = "Asia/Shanghai"
    assert same("71", 71.0, zone)
    assert same("2026-03-02 09:00", "2026-03-02T01:00:00+00:00", zone)
    assert same(None, None, zone)
    assert same("true", True, zone)
    assert not same("71", 71.1, zone)
    assert not same(None, 0, zone)
    assert not same("1", True, zone)
    assert not same("2026-03-02 09:00", "2026-03-02T09:00:00+00:00", zone)


def test_a_table_keeps_commas_in_quotes_and_knows_no_value() -> None:
    table = parse_table('a, b\n"x, y",\n\n  z , 1\n')
    assert table.columns == ("a", "b")
    assert table.rows == (("x, y", None), ("z", "1"))
    assert table.as_csv() == 'a,b\n"x, y",\nz,1\n'


@pytest.mark.parametrize("pack_id", sorted({pack_id for pack_id, _, _ in ALL}))
def test_the_page_of_a_pack_says_what_the_pack_says(pack_id: str) -> None:
    written = (ROOT / "docs" / "packs" / f"{pack_id}.md").read_text(encoding="utf-8")
    current = page(PACKS[pack_id])
    assert written == current, f"run: shuzhi pack docs {pack_id} > docs/packs/{pack_id}.md"


def test_another_limit_in_law_makes_an_example_fail(tmp_path: Path) -> None:
    folder = tmp_path / "air"
    shutil.copytree(installed_packs()["air"], folder)
    text = (folder / "law/gb_3095.yaml").read_text(encoding="utf-8")
    ozone = text.partition("id: air_o3_hour_limit")[2]
    raised = text.replace(ozone, ozone.replace("value: 200", "value: 201", 1))
    (folder / "law/gb_3095.yaml").write_text(raised, encoding="utf-8")
    found = differing(only(read_pack(folder), "air_hours"))
    assert (
        "warning of air_o3_hour_exceeded {station: 1414A, name_zh: 缙云山, value: 201, "
        "limit_value: 200}: expected it, found nothing"
    ) in found
