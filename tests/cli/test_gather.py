"""What `shuzhi gather` says to people and programs of sources that are good, bad and gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shuzhi.app import create_city
from shuzhi.cli import main

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: 1.0.0
status: active
schema:
  - name: {name}
    properties:
      - {{name: station, logicalType: string, primaryKey: true, required: true}}
      - {{name: day, logicalType: date}}
"""
SOURCE = """
name: {name}
dataset: {name}
provider: city
kind: file
path: ../incoming/{name}.csv
format: csv
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    create_city(folder)
    for name in ("air", "gone", "water"):
        (folder / "contracts" / f"{name}.odcs.yaml").write_text(CONTRACT.format(name=name))
        (folder / "sources" / f"{name}.yaml").write_text(SOURCE.format(name=name))
    (folder / "incoming" / "air.csv").write_text("station,day\na,2026-03-01\nb,2026-02-30\n")
    (folder / "incoming" / "water.csv").write_text("station,day\na,2026-03-01\n")
    return folder


def told(*arguments: str) -> int:
    """Run a command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_a_source_that_fails_keeps_no_other_from_being_read(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("gather", "run", "--city", str(city)) == 2
    printed = capsys.readouterr()
    loaded = [line.split()[0] for line in printed.out.splitlines() if line.endswith(("1", "0"))]
    assert loaded == ["air", "water"]
    assert "gone: Source 'gone' finds no file at ../incoming/gone.csv." in printed.err


def test_programs_are_told_of_each_source(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told("gather", "run", "--city", str(city), "--json") == 2
    read = json.loads(capsys.readouterr().out)
    assert [each["source"] for each in read] == ["air", "gone", "water"]
    assert read[1]["error"]["code"] == "gather.source_gone"


def test_one_source_alone_fails_as_any_command_does(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("gather", "run", "gone", "--city", str(city), "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "gather.source_gone"


def test_rows_that_were_kept_out_are_told_with_file_row_column_and_value(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told("gather", "run", "air", "--city", str(city)) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "air           1   day cannot be read as date   air.csv, row 3   2026-02-30" in lines
    assert lines[-1] == 'all of them: shuzhi sql "FROM air__quarantine"'


def test_a_list_of_sources_says_why_the_last_run_failed(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told("gather", "run", "gone", "--city", str(city))
    capsys.readouterr()
    assert told("gather", "list", "--city", str(city)) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "✗ gone: Source 'gone' finds no file at ../incoming/gone.csv."


def test_what_nobody_foresaw_is_said_in_plain_words(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in city.glob("control.db*"):
        file.unlink()
    (city / "control.db").write_bytes(b"this is no database" * 100)
    assert told("gather", "list", "--city", str(city)) == 3
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    assert "→" in printed.err


def test_each_fault_of_a_document_stands_on_a_line_with_its_file_and_line(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = city / "contracts" / "air.odcs.yaml"
    contract.write_text(contract.read_text().replace("status:", "state:") + "colour: red\n")
    assert told("gather", "run", "--city", str(city)) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("✗")]
    assert len(said) > 1
    assert {line.split(":")[0] for line in said} == {f"✗ {contract}"}
    assert told("gather", "run", "--city", str(city), "--json") == 2
    findings = json.loads(capsys.readouterr().out)["error"]["findings"]
    assert [finding["file"] for finding in findings] == [str(contract)] * len(said)
