"""Packs: found by their entry point, read whole or refused with everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.packs import examine, installed_pack, installed_packs, new_pack, read_pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_pack(tmp_path / "noise")
    return tmp_path / "noise"


def problems(folder: Path) -> list[str]:
    return [f"{Path(f.file).relative_to(folder)}:{f.line} {f.problem}" for f in examine(folder)[1]]


@pytest.mark.parametrize("pack_id", installed_packs())
def test_every_installed_pack_is_in_order(pack_id: str) -> None:
    pack = installed_pack(pack_id)
    assert pack.id == pack_id
    assert examine(pack.declared.folder)[1] == ()


def test_a_new_pack_is_in_order_and_named_after_its_folder(folder: Path) -> None:
    pack = read_pack(folder)
    assert pack.id == "noise"
    assert list(pack.declared.contracts) == ["noise_readings"]
    assert list(pack.declared.sources) == ["noise_file"]


def test_a_new_pack_overwrites_nothing(folder: Path) -> None:
    with pytest.raises(RefusedError) as refusal:
        new_pack(folder)
    assert refusal.value.code == "packs.folder_not_empty"
    assert refusal.value.next_step == "Name a folder that does not exist yet."


def test_everything_wrong_is_said_at_once(folder: Path) -> None:
    manifest = folder / "pack.yaml"
    manifest.write_text(manifest.read_text() + "colour: red\n")
    source = folder / "sources" / "noise_file.yaml"
    source.write_text(source.read_text().replace("format: csv", "format: csvv"))
    (folder / "rulez").mkdir()
    (folder / "rulez" / "x.yaml").write_text("a: 1")
    found = problems(folder)
    assert "pack.yaml:8 unknown key; remove it or correct its spelling" in found
    assert any(p.startswith("sources/noise_file.yaml:6 ") for p in found)
    assert any(p.startswith("rulez/x.yaml:1 belongs to no kind of file") for p in found)
    with pytest.raises(DocumentError) as refusal:
        read_pack(folder)
    assert refusal.value.code == "packs.bad_pack"


def test_a_pack_answers_for_what_it_declares_and_nothing_else(folder: Path) -> None:
    manifest = folder / "pack.yaml"
    manifest.write_text(manifest.read_text().replace("[noise_readings]", "[smells]"))
    how = "Choose one of: smells."
    assert problems(folder) == [
        "pack.yaml:7 lacks 'noise_readings', which the pack declares",
        "pack.yaml:7 has 'smells', which no file declares. Choose one of: noise_readings.",
        "sources/noise_file.yaml:2 loads 'noise_readings', which pack.yaml neither writes nor "
        "reads. Choose one of: smells.",
        *(
            f"{where} 'noise_readings', which pack.yaml neither writes nor reads. {how}"
            for where in (
                "rules/noise_too_high.yaml:3 reads",
                "examples/noise_too_high.yaml:9 gives rows of",
                "examples/noise_too_high.yaml:24 gives rows of",
            )
        ),
    ]


def test_a_pack_bears_the_name_of_its_folder(folder: Path) -> None:
    moved = folder.rename(folder.with_name("quiet"))
    assert problems(moved) == [
        "pack.yaml:1 is 'noise', but the folder is named 'quiet'; one name for one thing"
    ]


_MODEL = """/*
title: {zh: 日, en: Days}
parameters:
  least: {law: noise_hours, unit: hours, at: observed_at}
  most: {law: noise_grades, unit: hours, at: observed_at}
  other: {law: noise_hours, unit: days, at: observed_at}
tables: [noise_grade]
*/
SELECT station, :least AS least, :most AS most, :other AS other FROM noise_readings
JOIN noise_grade AS g ON g.low < value
"""
_LAW = """title: Noise
source: an example
parameters:
  - id: noise_hours
    legal_basis: {law: GB 3096, article: table 1}
    description: {zh: 小时数, en: hours}
    unit: hours
    values: [{from: 2024-01-01, value: 2, verified: true}]
tables:
  - id: noise_grades
    legal_basis: {law: GB 3096, article: table 3}
    description: {zh: 等级, en: grades}
    columns: {low: number}
    versions: [{from: 2024-01-01, verified: true, rows: [[0]]}]
"""


def test_a_model_takes_from_law_what_is_there_and_in_its_unit(folder: Path) -> None:
    for name, text in (("models/noise_days.sql", _MODEL), ("law/noise.yaml", _LAW)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    manifest = folder / "pack.yaml"
    manifest.write_text(
        manifest.read_text().replace("[noise_readings]", "[noise_readings, noise_days]")
    )
    found = [problem.partition(". Did")[0].partition(". Choose")[0] for problem in problems(folder)]
    assert found == [
        "models/noise_days.sql:5 there is no law parameter 'noise_grades'",
        "models/noise_days.sql:6 noise_hours is in hours, and the model reckons in days",
        "models/noise_days.sql:7 there is no table of law 'noise_grade'",
    ]


def test_an_unknown_pack_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RefusedError, match="no scenario pack 'nyc_flight'") as refusal:
        installed_pack("nyc_flight")
    assert refusal.value.next_step.startswith("Did you mean 'nyc_flights'? Choose one of: ")
