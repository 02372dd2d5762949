"""`shuzhi warnings`: from a file in the city to a forecast, a warning, its outcome and a score."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from shuzhi.app import City, create_city, open_city
from shuzhi.cli.commands import app
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, system_clock

FORECASTER = """id: noise_tonight
title: {zh: 夜间噪声预报, en: Noise is expected above the limit}
dataset: noise
event_time: observed_at
value: value
per: [station]
grain: hour
history: 10 days
horizon: 24 hours
crossing: {limit: 65}
severity: yellow
merge_within: 24 hours
owner: city
"""
DAY = timedelta(days=1)


def noise(until: datetime) -> pa.Table:
    times = [until - timedelta(hours=h) for h in range(24 * 14, -1, -1)]
    values = [60 + 8 * math.sin(2 * math.pi * t.hour / 24) + t.toordinal() % 3 for t in times]
    table = {"station": ["a"] * len(times), "value": values}
    return pa.table({**table, "observed_at": pa.array(times, pa.timestamp("us", tz="UTC"))})


@pytest.fixture
def city(tmp_path: Path) -> City:
    folder = tmp_path / "city"
    create_city(folder)
    (folder / "warnings").mkdir()
    (folder / "warnings" / "noise_tonight.yaml").write_text(FORECASTER, encoding="utf-8")
    city = open_city(folder)
    city.lake.append("noise", noise(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)))
    # Registered yesterday, so that a look is due.
    replace(city, clock=lambda: Instant(system_clock() - DAY)).register_forecasters()
    return city


def shuzhi(city: City, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--city", str(city.settings.folder)])
    assert done.exit_code == code, done.output
    return done.output


def document(city: City, *arguments: str) -> Any:
    return json.loads(shuzhi(city, *arguments, "--json"))


def test_from_a_forecast_to_a_score(city: City) -> None:
    assert "1 of 1 forecasters were due" in shuzhi(city, "warnings", "forecast")
    (warning,) = document(city, "warnings", "list")
    assert (warning["rule_id"], warning["facts"]["station"]) == ("noise_tonight", "a")
    (made,) = document(city, "warnings", "forecast", "noise_tonight")
    assert made["said"]["key"] == ["a"]
    assert len(made["said"]["mean"]) == 24
    number = str(warning["id"])
    said = ("warnings", "outcome", number, "acted", "--as", "l.wang")
    assert "is acted" in shuzhi(city, *said)
    assert "was already acted" in shuzhi(city, *said)
    (score,) = document(city, "warnings", "score")
    assert score["acted_upon"]["count"] == score["acted_upon"]["of"] == 1
    assert "noise_tonight" in shuzhi(city, "warnings", "score")
    assert "% interval" in shuzhi(city, "warnings", "forecast", "noise_tonight")


def test_one_is_switched_off_and_on_like_a_rule(city: City) -> None:
    shuzhi(city, "rules", "off", "noise_tonight", "--as", "l.wang", "--reason", "holiday")
    said = shuzhi(city, "warnings", "forecast")
    assert "0 of 1 forecasters were due" in said
    assert "holiday" in said
    shuzhi(city, "rules", "on", "noise_tonight", "--as", "l.wang")
    assert city.standings()["noise_tonight"].is_on  # type: ignore[index]


def test_history_is_replayed(city: City) -> None:
    today = datetime.now(UTC).date()
    span = ("--from", f"{today - DAY * 2}T00:00", "--to", f"{today}T00:00")
    found = document(city, "warnings", "backtest", "noise_tonight", *span)
    assert (found["cut_offs"], found["errors"]["steps"]) == (2, 48)
    assert found["warnings"]["precision"]["of"] >= 1
    assert "came true" in shuzhi(city, "warnings", "backtest", "noise_tonight", *span)


def test_what_nobody_knows_is_refused_in_plain_words(city: City) -> None:
    with pytest.raises(RefusedError, match="no forecaster 'noise'"):
        city.forecaster("noise")
    with pytest.raises(RefusedError, match="no outcome of a warning"):
        shuzhi_raises(city, "warnings", "outcome", "1", "maybe", "--as", "l.wang")
    with pytest.raises(RefusedError, match="There is no warning 99"):
        shuzhi_raises(city, "warnings", "outcome", "99", "false", "--as", "l.wang")


def shuzhi_raises(city: City, *arguments: str) -> None:
    arguments = (*arguments, "--city", str(city.settings.folder))
    CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_a_rule_and_a_forecaster_of_one_id_are_refused(city: City) -> None:
    folder = city.settings.folder
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "noise_tonight.yaml").write_text(
        """id: noise_tonight
title: {zh: 噪声, en: Noise}
dataset: noise
event_time: observed_at
sql: SELECT station, value FROM new WHERE value > 70
severity: yellow
merge_by: [station]
merge_within: 1 hour
owner: city
""",
        encoding="utf-8",
    )
    with pytest.raises(RefusedError, match="both called noise_tonight"):
        open_city(folder).register()
