"""AQI and moving means of the pack `air` on Chongqing 2019, beside what the network published.

The models' own SQL runs over nine months; every value that differs from the published one must
belong to a reason that the data themselves show.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from shuzhi.decide.models.by_law import with_law
from shuzhi.packs import installed_pack

pytestmark = pytest.mark.real_data

FOLDER = "data/01_air/cnemc_2019_chongqing_region"
ITEMS = {
    "AQI": "aqi",
    "PM2.5": "pm2_5_ug_m3",
    "PM10": "pm10_ug_m3",
    "SO2": "so2_ug_m3",
    "NO2": "no2_ug_m3",
    "O3": "o3_ug_m3",
    "CO": "co_mg_m3",
}
MODELS = (
    "aqi_breakpoints",
    "air_iaqi_hourly",
    "air_aqi_hourly",
    "air_moving_means",
    "air_hours_received",
)
DAY_MEANS = ("pm2_5", "pm10", "so2", "no2", "co")


@pytest.fixture(scope="module")
def air(shared: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Published cells, hours made of them, and the models of the pack over both."""
    folder = shared / FOLDER
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        own = connection.sql(
            f"SELECT ID FROM '{folder}/stations.csv' WHERE area = '重庆'"
        ).fetchall()
        columns = ", ".join(f'"{station}"' for (station,) in own)
        # The file holds 32-bit numbers; one decimal is what was published.
        connection.execute(
            "CREATE TABLE air_cells_hourly AS SELECT station, hour,"
            " strptime(date, '%Y%m%d')::DATE AS day, type AS item,"
            " round(value::DOUBLE, 1) AS value, timezone('Asia/Shanghai',"
            " strptime(date, '%Y%m%d')) + hour * INTERVAL 1 HOUR"
            f" AS observed_at FROM (UNPIVOT '{folder}/sites_wide.parquet' ON {columns}"
            " INTO NAME station VALUE value)"
        )
        cells = ", ".join(
            f"max(value) FILTER (item = '{item}') AS {column}" for item, column in ITEMS.items()
        )
        connection.execute(
            f"CREATE TABLE air_quality_hourly AS SELECT station, observed_at, day, {cells}"
            " FROM air_cells_hourly GROUP BY ALL"
        )
        declared = installed_pack("air").declared
        for name in MODELS:
            model = with_law(declared.models[name], declared.law, zone="Asia/Shanghai")
            connection.execute(f"CREATE TABLE {name} AS {model.sql}")
        yield connection


def asked(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    (row,) = connection.sql(sql).fetchall()
    return tuple(int(value or 0) for value in row)


def test_the_index_of_every_hour_is_the_published_one_where_its_hour_arrived(
    air: duckdb.DuckDBPyConnection,
) -> None:
    same, other, other_whole = asked(
        air,
        "SELECT count_if(o.aqi = h.aqi), count_if(o.aqi != h.aqi),"
        " count_if(o.aqi != h.aqi AND o.pollutants = 6)"
        " FROM air_aqi_hourly o JOIN air_quality_hourly h USING (station, observed_at)"
        " WHERE h.aqi IS NOT NULL",
    )
    assert same > 78_000
    assert other_whole == 0
    # What differs is one hour of eight stations whose file was cut after its fourth item.
    truncated = air.sql(
        "SELECT DISTINCT o.observed_at, r.items FROM air_aqi_hourly o"
        " JOIN air_quality_hourly h USING (station, observed_at)"
        " JOIN air_hours_received r USING (observed_at) WHERE o.aqi != h.aqi"
    ).fetchall()
    assert (other, [items for _, items in truncated]) == (8, [3])


def test_means_of_24_hours_are_the_published_ones_where_every_hour_was_published(
    air: duckdb.DuckDBPyConnection,
) -> None:
    for name in DAY_MEANS:
        unit, tenth = ("mg", 10) if name == "co" else ("ug", 1)
        item = "PM2.5" if name == "pm2_5" else name.upper()
        same, other, other_half, least_hours = asked(
            air,
            f"""
            WITH counted AS (
              SELECT station, observed_at, count({name}_{unit}_m3) OVER day_back AS hours,
                sum(round({name}_{unit}_m3 * {tenth})) OVER day_back % 24 = 12 AS is_half
              FROM air_quality_hourly WINDOW day_back AS (
                PARTITION BY station ORDER BY observed_at
                RANGE BETWEEN INTERVAL 23 HOUR PRECEDING AND CURRENT ROW
              )
            ),
            compared AS (
              SELECT c.hours, c.is_half, abs(m.{name}_24h_{unit}_m3 - p.value) < 1e-6 AS is_same
              FROM air_moving_means m JOIN counted c USING (station, observed_at)
              JOIN air_cells_hourly p USING (station, observed_at)
              WHERE p.item = '{item}_24h' AND m.{name}_24h_{unit}_m3 IS NOT NULL
            )
            SELECT count_if(hours = 24 AND is_same), count_if(hours = 24 AND NOT is_same),
              count_if(hours = 24 AND NOT is_same AND is_half), min(hours)
            FROM compared
            """,
        )
        assert same > 40_000, name
        assert least_hours == 20, name
        # Of CO an exact half of a tenth goes up as often as down in the published means.
        assert other == other_half, name
        assert (other == 0) == (name != "co"), name


def test_means_of_8_hours_differ_only_as_the_network_restarts_and_caps_them(
    air: duckdb.DuckDBPyConnection,
) -> None:
    """From 1 to 7 o'clock the network publishes the mean since midnight; above 300 it says 300."""
    late, late_other, late_capped, early, early_other = asked(
        air,
        """
        WITH seen AS (
          SELECT station, observed_at, o3_ug_m3, observed_at + INTERVAL 7 HOUR AS shifted
          FROM air_quality_hourly
        ),
        counted AS (
          SELECT station, observed_at, extract(hour FROM shifted) + 1 AS hour,
            count(o3_ug_m3) OVER (
              PARTITION BY station ORDER BY observed_at
              RANGE BETWEEN INTERVAL 7 HOUR PRECEDING AND CURRENT ROW
            ) AS hours,
            count(o3_ug_m3) OVER midnight AS since,
            round_even(avg(o3_ug_m3) OVER midnight, 0) AS from_midnight
          FROM seen
          WINDOW midnight AS (PARTITION BY station, shifted::DATE ORDER BY observed_at)
        )
        SELECT
          count_if(c.hour >= 8 AND c.hours = 8 AND m.o3_8h_ug_m3 = p.value),
          count_if(c.hour >= 8 AND c.hours = 8 AND m.o3_8h_ug_m3 != p.value),
          count_if(c.hour >= 8 AND c.hours = 8 AND m.o3_8h_ug_m3 > 300 AND p.value = 300),
          count_if(c.hour < 8 AND c.since = c.hour AND c.from_midnight = p.value),
          count_if(c.hour < 8 AND c.since = c.hour AND c.from_midnight != p.value)
        FROM air_moving_means m JOIN counted c USING (station, observed_at)
        JOIN air_cells_hourly p USING (station, observed_at) WHERE p.item = 'O3_8h'
        """,
    )
    assert late > 40_000
    assert early > 15_000
    assert (late_other, late_capped, early_other) == (5, 5, 0)


def test_truncated_hours_and_the_missing_day_are_seen(air: duckdb.DuckDBPyConnection) -> None:
    found = air.sql(
        "SELECT items FROM air_hours_received WHERE items < 15 ORDER BY items"
    ).fetchall()
    assert [items for (items,) in found] == [1, 3, 12]
    days = asked(
        air,
        "SELECT count(DISTINCT day), count_if(day = DATE '2019-04-08')"
        " FROM air_hours_received WHERE day BETWEEN DATE '2019-04-07' AND DATE '2019-04-09'",
    )
    assert days == (2, 0)
