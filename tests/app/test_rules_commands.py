"""`shuzhi rules` and `shuzhi warnings`: from a file in the city to a warning and a what-if."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from shuzhi.app import City, create_city, open_city
from shuzhi.cli.commands import app
from shuzhi.kernel.errors import RefusedError

RULE = """id: too_loud
title: {zh: 噪声超标, en: Too loud}
dataset: noise
event_time: observed_at
sql: SELECT station, value FROM new WHERE value > :most
values: {most: 70}
severity: yellow
merge_by: [station]
merge_within: 1 hour
owner: city
"""


def noise(*rows: tuple[str, int, float]) -> pa.Table:
    times = [datetime(2026, 3, 2, hour, tzinfo=UTC) for _, hour, _ in rows]
    return pa.table(
        {
            "station": [s for s, _, _ in rows],
            "observed_at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "value": [v for _, _, v in rows],
        }
    )


@pytest.fixture
def city(tmp_path: Path) -> City:
    folder = tmp_path / "city"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "too_loud.yaml").write_text(RULE, encoding="utf-8")
    city = create_city(folder)
    city.lake.append("noise", noise(("a", 0, 80.0)))
    city.register_rules()
    return city


def shuzhi(city: City, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--city", str(city.settings.folder)])
    assert done.exit_code == code, done.output
    return done.output


def document(city: City, *arguments: str, code: int = 0) -> Any:
    return json.loads(shuzhi(city, *arguments, "--json", code=code))


def test_a_rule_of_the_city_judges_and_its_warnings_are_listed(city: City) -> None:
    assert "1 warnings raised" in shuzhi(city, "rules", "judge")
    city.lake.append("noise", noise(("b", 1, 75.0), ("c", 1, 60.0)))
    assert [(r["rule_id"], r["raised"]) for r in document(city, "rules", "judge")] == [
        ("too_loud", 1)
    ]
    warning, _ = document(city, "warnings", "list", "--rule", "too_loud")
    assert (warning["severity"], warning["facts"]["station"]) == ("yellow", "b")
    assert document(city, "warnings", "list", "--from", "2026-03-03") == []
    assert "too_loud" in shuzhi(city, "warnings", "list")


def test_rules_are_listed_shown_and_checked(city: City) -> None:
    (listed,) = document(city, "rules", "list")
    assert (listed["rule"]["id"], listed["standing"]["is_on"]) == ("too_loud", True)
    assert "噪声超标" in shuzhi(city, "rules", "list")
    assert "merge_within: 1 hour" in shuzhi(city, "rules", "show", "too_loud")
    assert document(city, "rules", "check") == {"too_loud": ""}
    bad = city.settings.folder / "bad.yaml"
    bad.write_text(RULE.replace("value > :most", "volume > :most"), encoding="utf-8")
    said = document(city, "rules", "check", str(bad), code=2)
    assert "there is no column 'volume'" in said["too_loud"]


def test_history_is_replayed_and_stored_only_when_asked(city: City) -> None:
    march = ("--from", "2026-03-01", "--to", "2026-04-01")
    (one,) = document(city, "rules", "replay", *march)
    assert [w["facts"]["station"] for w in one["warnings"]] == ["a"]
    assert document(city, "warnings", "list") == []
    assert "1 warnings stored" in shuzhi(city, "rules", "replay", *march, "--keep")
    assert "0 warnings stored" in shuzhi(city, "rules", "replay", *march, "--keep")
    assert len(document(city, "warnings", "list")) == 1


def test_another_limit_is_rehearsed(city: City) -> None:
    asked = ("--from", "2026-03-01", "--to", "2026-04-01", "--set", "too_loud.most=90")
    done = document(city, "rules", "rehearse", *asked)
    assert [len(done["rules"][0][k]) for k in ("present", "other", "only_present")] == [1, 0, 1]
    assert "as it would be" in shuzhi(city, "rules", "rehearse", *asked)


def test_a_rule_is_switched_off_and_on(city: City) -> None:
    shuzhi(city, "rules", "off", "too_loud", "--as", "d.chen", "--reason", "road works")
    assert "road works" in shuzhi(city, "rules", "show", "too_loud")
    shuzhi(city, "rules", "on", "too_loud", "--as", "d.chen")
    assert document(city, "rules", "list")[0]["standing"]["is_on"]


def test_an_unknown_rule_is_refused_with_those_there_are(city: City) -> None:
    with pytest.raises(RefusedError) as refusal:
        open_city(city.settings.folder).rule("too_quiet")
    assert refusal.value.code == "app.no_such_rule"
    assert refusal.value.next_step == "Choose one of: too_loud."
