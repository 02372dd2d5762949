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


def test_an_unknown_pack_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RefusedError, match="no scenario pack 'nyc_flight'") as refusal:
        installed_pack("nyc_flight")
    assert refusal.value.next_step.startswith("Did you mean 'nyc_flights'? Choose one of: ")
