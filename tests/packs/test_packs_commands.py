"""`shuzhi pack`: what a person and a program read, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shuzhi.cli.commands import app
from shuzhi.packs import new_pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_pack(tmp_path / "noise")
    return tmp_path / "noise"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["pack", *map(str, arguments)])


def test_examples_are_shown_as_given_when_then(folder: Path) -> None:
    done = run("run-examples", folder)
    assert done.exit_code == 0
    for line in (
        "    given  it is 2026-03-02 08:00 in Asia/Shanghai",
        "    when   at 2026-03-02 09:05, rows of noise_readings",
        "             north    2026-03-02T09:00:00+08:00  71",
        "    then   a yellow warning noise_too_high: station north, value 71",
        "    then   no warning",
    ):
        assert line in done.output


def test_an_example_that_differs_says_how_and_fails(folder: Path) -> None:
    rule = folder / "rules" / "noise_too_high.yaml"
    rule.write_text(rule.read_text().replace("severity: yellow", "severity: red"))
    done = run("run-examples", folder, "--json")
    assert done.exit_code == 2
    (ran,) = json.loads(done.output).values()
    assert [one["differences"] for one in ran] == [
        [{"what": "warning of noise_too_high: severity", "expected": "yellow", "found": "red"}],
        [],
    ]
    assert ran[0]["title"]["en"] == "Above the limit there is a warning"


def test_a_pack_is_printed_as_a_page(folder: Path) -> None:
    done = run("docs", folder)
    assert done.exit_code == 0
    assert done.output.startswith("# noise: 新场景 · A new scenario\n")
    assert "### noise_too_high: 数值过高 · A value is too high" in done.output


def test_findings_are_told_with_file_and_line(folder: Path) -> None:
    (folder / "permits").mkdir()
    (folder / "permits" / "permit.yaml").write_text("a: 1\n")
    done = run("check", folder)
    assert done.exit_code == 2
    assert "permits/permit.yaml:1: document: belongs to no kind of file that a pack" in done.output
