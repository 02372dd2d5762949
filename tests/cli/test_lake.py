"""What `shuzhi lake` says of tables, and how an older version is read and given up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shuzhi.app import create_city, open_city
from shuzhi.cli import main

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer}
"""
SOURCE = """
name: air
dataset: air
provider: city
kind: file
path: ../incoming/air.csv
format: csv
"""


@pytest.fixture
def city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A city whose one row was corrected once."""
    folder = tmp_path / "city"
    create_city(folder)
    (folder / "contracts" / "air.odcs.yaml").write_text(CONTRACT)
    (folder / "sources" / "air.yaml").write_text(SOURCE)
    for value in (8, 9):
        (folder / "incoming" / "air.csv").write_text(f"station,pm10_ug_m3\na,{value}\n")
        assert told("gather", "run", "--city", str(folder)) == 0
    capsys.readouterr()
    return folder


def told(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def read(capsys: pytest.CaptureFixture[str], city: Path, *arguments: str) -> Any:
    capsys.readouterr()
    told(*arguments, "--city", str(city), "--json")
    return json.loads(capsys.readouterr().out)


def test_tables_are_listed_with_their_newest_version(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [table] = read(capsys, city, "lake", "list")
    assert (table["name"], table["rows"], table["version"]) == ("air", 1, 1)
    assert table["size_bytes"] == sum(
        Path(f).stat().st_size for f in open_city(city).lake.files("air")
    )


def test_a_question_is_answered_as_data_stood_at_a_moment(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = read(capsys, city, "lake", "history", "air")[-1]["committed_at"]
    asked = ("sql", "SELECT pm10_ug_m3 FROM air")
    assert read(capsys, city, *asked) == [{"pm10_ug_m3": 9}]
    assert read(capsys, city, *asked, "--at", first) == [{"pm10_ug_m3": 8}]
    assert read(capsys, city, "sql", "SHOW TABLES", "--at", "2020-01-01T00:00:00Z") == []


def test_tidying_gives_up_what_only_older_versions_need(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = read(capsys, city, "lake", "history", "air")[-1]["committed_at"]
    [kept] = read(capsys, city, "lake", "tidy")
    [tidied] = read(capsys, city, "lake", "tidy", "--keep-days", "0")
    assert (len(kept["cleared"]["files"]), len(tidied["cleared"]["files"])) == (0, 1)
    asked = ("sql", "SELECT pm10_ug_m3 FROM air")
    assert read(capsys, city, *asked) == [{"pm10_ug_m3": 9}]
    gone = read(capsys, city, *asked, "--at", first)
    assert gone["error"]["code"] == "gather.version_gone"


def test_a_file_that_is_cut_short_is_named(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told("lake", "repair", "air", "--city", str(city)) == 0
    assert capsys.readouterr().out == "air is whole\n"
    file = Path(open_city(city).lake.files("air")[0])
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-9])
    assert told("lake", "repair", "air", "--city", str(city)) == 2
    assert f"cut short: {file.name}" in capsys.readouterr().out


def test_what_is_not_there_cannot_be_repaired(
    city: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(capsys, city, "lake", "repair", "x")["error"]["code"] == "gather.no_such_dataset"
