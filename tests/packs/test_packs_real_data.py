"""Packs on real data: what their rules find is held against counts made by other means."""

from __future__ import annotations

import csv
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from shuzhi.app import City, create_city

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

AIR = "data/01_air/cnemc_2019_chongqing_region"
BOSTON = "data/04_service_requests/boston_311_2011/boston_311_2011.parquet"
NEW_YORK = "data/04_service_requests/nyc_311_samples"


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total

    def advanced(self, amount: int) -> None:
        self.amount = amount

    def finished(self) -> None:
        self.label = ""


def city_of(folder: Path, pack: str, **files: Path) -> City:
    """A city that runs one pack and has gathered `files`, each by the source of its name."""
    city = create_city(folder, pack=pack)
    for source, file in files.items():
        shutil.copy(file, folder / "incoming" / file.name)
        city.gather(source, Silent())
    return city


def rows(city: City, query: str) -> list[tuple[object, ...]]:
    with city.sql() as connection:
        return connection.execute(query).fetchall()


def chongqing(shared: Path, folder: Path, days: tuple[str, ...]) -> tuple[Path, Path]:
    """Return the files of Chongqing's 17 stations on some days, in the layout of the network."""
    with (shared / AIR / "stations.csv").open(encoding="utf-8", newline="") as text:
        lines = list(csv.reader(text))
    own = [line for line in lines[1:] if line[3] == "重庆"]
    register = folder / "air_stations.csv"
    with register.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([lines[0], *own])
    wide = pq.read_table(shared / AIR / "sites_wide.parquet")
    columns = ["date", "hour", "type", *(line[0] for line in own)]
    chosen = wide.filter(pc.is_in(wide["date"], pc.cast(list(days), wide["date"].type)))
    values = folder / "china_sites_2019.csv"
    pa_csv.write_csv(chosen.select(columns), values)
    return register, values


def test_the_air_of_chongqing_raises_what_a_count_of_its_own_says(
    shared: Path, tmp_path: Path
) -> None:
    days = tuple(f"2019{month}{day:02}" for month in ("01", "07") for day in range(1, 32))
    register, values = chongqing(shared, tmp_path, days)
    city = city_of(tmp_path / "city", "air", air_stations_file=register, air_cells_file=values)
    city.build(Silent())

    read = pd.read_csv(values, dtype={"date": str})
    hourly = {kind: table.set_index(["date", "hour"]) for kind, table in read.groupby("type")}
    pm2_5, pm10, o3 = (hourly[kind].drop(columns="type") for kind in ("PM2.5", "PM10", "O3"))
    by_day = pm2_5.groupby("date")
    expected = {
        "air_pm2_5_day_exceeded": ((by_day.mean() > 75) & (by_day.count() >= 20)).sum().sum(),
        "air_pm2_5_above_pm10": (pm2_5 > pm10).sum().sum(),
        "air_o3_hour_exceeded": (o3 > 200).sum().sum(),
    }
    assert min(expected.values()) > 100
    assert expected == {
        rule: sum(w.count for w in city.warnings(rule_id=rule, limit=None)) for rule in expected
    }


def test_boston_fell_under_the_hurricane_and_the_hotline_says_where(
    shared: Path, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", "hotline", boston_311_file=shared / BOSTON)
    assert all(standing.is_on for standing in city.standings().values())
    trees = {
        w.facts["district"]
        for w in city.warnings(rule_id="hotline_hot_spot", limit=None)
        if w.facts["kind"] == "Tree Emergencies" and w.severity.value == "orange"
        # Hurricane Irene reached Boston on 28 August 2011.
        if w.at.date() == date(2011, 8, 28)
    }
    assert trees >= {"Dorchester", "West Roxbury", "Roxbury", "Jamaica Plain", "Hyde Park"}

    read = pd.read_parquet(shared / BOSTON)
    late = (read["closed_dt"] > read["target_dt"]) & (read["target_dt"].str.len() > 0)
    told = city.warnings(rule_id="hotline_closed_late", limit=None)
    assert sum(w.count for w in told) == late.sum() > 0
    # Each request that came within a week of an earlier one that was still open then.
    placed = read[read["location"].str.strip().str.len() > 0]
    same = placed.merge(placed, on=["type", "location"])
    opened, before = (pd.to_datetime(same[f"open_dt_{side}"]) for side in "xy")
    was_open = same["closed_dt_y"].isna() | (same["closed_dt_y"] > same["open_dt_x"])
    is_repeat = (before < opened) & (before >= opened - timedelta(days=7)) & was_open
    repeated = city.warnings(rule_id="hotline_repeated", limit=None)
    assert sum(w.count for w in repeated) == same[is_repeat]["case_enquiry_id_x"].nunique() > 0


def test_new_york_s_two_layouts_go_into_one_contract(shared: Path, tmp_path: Path) -> None:
    folder = shared / NEW_YORK
    city = city_of(tmp_path / "city", "hotline", nyc_311_file=folder / "nyc311_redhook_2016.csv.gz")
    shutil.copy(folder / "nyc311_one_morning_2022_05_01.csv.gz", tmp_path / "city" / "incoming")
    outcome = city.gather("nyc_311_file", Silent()).outcome
    assert (outcome.read, outcome.inserted, outcome.quarantined) == (924, 924, 0)
    first = rows(city, "SELECT opened_at FROM service_requests WHERE request_id = '33648024'")
    assert first == [(datetime(2016, 6, 21, 2, 4, 21, tzinfo=UTC),)]
