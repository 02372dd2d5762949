"""The rules of a pack: read with it, and held to what the pack declares."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shuzhi.packs import examine, new_pack, read_pack

RULE = """id: too_loud
title: {zh: 噪声超标, en: Too loud}
dataset: noise_readings
event_time: observed_at
sql: SELECT station, value FROM new WHERE value > 70
severity: yellow
merge_by: [station]
merge_within: 1 hour
owner: city
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_pack(tmp_path / "noise")
    for name in ("rules", "messages", "examples"):
        shutil.rmtree(tmp_path / "noise" / name)
    (tmp_path / "noise" / "rules").mkdir()
    return tmp_path / "noise"


def problems(folder: Path, rule: str, name: str = "too_loud") -> list[str]:
    (folder / "rules" / f"{name}.yaml").write_text(rule)
    return [f"{Path(f.file).name}:{f.line} {f.problem}" for f in examine(folder)[1]]


def test_a_pack_brings_its_rules(folder: Path) -> None:
    assert problems(folder, RULE) == []
    assert list(read_pack(folder).declared.rules) == ["too_loud"]


def test_a_rule_uses_what_its_pack_declares_and_nothing_else(folder: Path) -> None:
    more = "reads: [stations]\ncase_kind: noise\nlegal_basis: noise_limit\n"
    found = problems(folder, RULE.replace("noise_readings", "noise_reading") + more)
    assert [one.partition(", which")[0].partition(". ")[0] for one in found] == [
        "too_loud.yaml:3 reads 'noise_reading'",
        "too_loud.yaml:10 reads 'stations'",
        "too_loud.yaml:11 there is no kind of case 'noise'",
        "too_loud.yaml:12 there is no law parameter 'noise_limit'",
    ]


def test_a_rule_names_parties_that_are_there(folder: Path) -> None:
    nobody = RULE.replace("owner: city", "owner: nobody") + "responsible: {party: no_one}\n"
    found = problems(folder, nobody)
    assert [one.partition(" in parties")[0] for one in found] == [
        "too_loud.yaml:9 there is no party 'nobody'",
        "too_loud.yaml:10 there is no party 'no_one'",
    ]


def test_a_rule_is_called_as_its_file(folder: Path) -> None:
    assert problems(folder, RULE, "loud") == [
        "loud.yaml:1 is 'too_loud', but the file is named 'loud'; one name for one thing"
    ]


FORECASTER = """id: loud_tonight
title: {zh: 夜间噪声预报, en: Noise is expected}
dataset: noise_readings
event_time: observed_at
value: value
per: [station]
grain: hour
horizon: 24 hours
crossing: {limit: 70}
severity: yellow
merge_within: 24 hours
owner: city
"""


def of_forecaster(folder: Path, text: str, message: str = "") -> list[str]:
    (folder / "warnings").mkdir(exist_ok=True)
    (folder / "warnings" / "loud_tonight.yaml").write_text(text)
    for language in ("zh", "en") if message else ():
        (folder / "messages").mkdir(exist_ok=True)
        (folder / "messages" / f"{language}.yaml").write_text(message)
    return [f"{Path(f.file).name}:{f.line} {f.problem}" for f in examine(folder)[1]]


def test_a_pack_brings_its_forecasters_and_what_they_say(folder: Path) -> None:
    message = "rules:\n  loud_tonight: '{station} {forecast} > {limit}, {lead_minutes}'\n"
    assert of_forecaster(folder, FORECASTER, message) == []
    assert list(read_pack(folder).declared.forecasters) == ["loud_tonight"]
    (found,) = of_forecaster(folder, FORECASTER, message.replace("lead_minutes", "side"))
    assert "{side} is no fact of loud_tonight" in found


def test_a_forecaster_uses_what_its_pack_declares_and_nothing_else(folder: Path) -> None:
    wrong = FORECASTER.replace("value: value", "value: valeu").replace("[station]", "[statoin]")
    found = of_forecaster(folder, wrong + "case_kind: noise\nresponsible: {party: nobody}\n")
    assert [one.partition(". ")[0].partition(" in parties")[0] for one in found] == [
        "loud_tonight.yaml:14 there is no party 'nobody'",
        "loud_tonight.yaml:13 there is no kind of case 'noise'",
        "loud_tonight.yaml:5 noise_readings has no column 'valeu'",
        "loud_tonight.yaml:6 noise_readings has no column 'statoin'",
    ]


def test_a_forecaster_bears_no_id_of_a_rule(folder: Path) -> None:
    (folder / "rules" / "loud_tonight.yaml").write_text(RULE.replace("too_loud", "loud_tonight"))
    (found,) = of_forecaster(folder, FORECASTER)
    assert found.startswith("loud_tonight.yaml:1 is 'loud_tonight', which a rule is called already")
