"""Real, public data through the whole of gather: loaded by contract, counted, checked.

What is loaded is held against a count of its own, made from the files by other means.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from shuzhi.app import City, create_city, open_city
from shuzhi.gather.quality.model import Report
from shuzhi.gather.sources.report import Outcome

pytestmark = pytest.mark.real_data


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total

    def advanced(self, amount: int) -> None:
        self.amount = amount

    def finished(self) -> None:
        self.label = ""


def loaded(
    folder: Path, name: str, fields: Sequence[dict[str, Any]], **source: Any
) -> tuple[City, Outcome]:
    """A city with one data set, loaded from one source."""
    create_city(folder)
    table: dict[str, Any] = {"name": name, "properties": list(fields)}
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"urn:real:{name}",
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
    }
    (folder / "contracts" / f"{name}.odcs.yaml").write_text(yaml.safe_dump(contract))
    made = {"name": f"{name}_file", "dataset": name, "provider": "city", "kind": "file"}
    made |= {"extra_columns": "ignore"} | source
    (folder / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(made))
    city = open_city(folder)
    city.register()
    return city, city.gather(f"{name}_file", Silent()).outcome


def column(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, **more}


def key(position: int) -> dict[str, Any]:
    return {"primaryKey": True, "primaryKeyPosition": position, "required": True}


def rows(city: City, query: str) -> list[tuple[Any, ...]]:
    with city.sql() as connection:
        return connection.execute(query).fetchall()


def broken(report: Report) -> dict[str, int | None]:
    return {m.check.id.partition(".")[2]: m.broken_count for m in report.failed}


NPDES = "^[A-Z]{2}[0-9A-Z]{7}$"
AIR = "data/01_air/cnemc_2019_chongqing_region/sites_wide.parquet"


@pytest.mark.slow
def test_a_year_of_air_is_melted_whole_and_its_gaps_are_found(shared: Path, tmp_path: Path) -> None:
    wide = pq.read_table(shared / AIR)
    sites = [name for name in wide.column_names if name not in ("date", "hour", "type")]
    values = sum(wide.num_rows - wide.column(site).null_count for site in sites)
    city, outcome = loaded(
        tmp_path / "city",
        "air_hourly",
        [
            column("station", **key(1), logicalTypeOptions={"pattern": "^[0-9]{4}A$"}),
            column("day", "date", **key(2), logicalTypeOptions={"format": "yyyyMMdd"}),
            column("hour", "integer", **key(3), logicalTypeOptions={"minimum": 0, "maximum": 23}),
            column("kind", **key(4)),
            column("value", "number", logicalTypeOptions={"minimum": 0}),
        ],
        path=str(shared / AIR),
        format="parquet",
        melt={
            "keep": ["date", "hour", "type"],
            "name": "station",
            "value": "value",
            "skip_missing": True,
        },
        columns={"date": "day", "type": "kind"},
    )
    assert wide.num_rows == 94_430
    assert (outcome.read, outcome.inserted, outcome.quarantined) == (values, values, 0)
    # Two of the 17 stations of Chongqing never sent a value; one day is not there at all.
    sent = {station for (station,) in rows(city, "SELECT DISTINCT station FROM air_hourly")}
    assert {"1423A", "1430A"} & sent == set()
    days = rows(city, "SELECT COUNT(DISTINCT day), MIN(day), MAX(day) FROM air_hourly")
    missing = "SELECT COUNT(*) FROM air_hourly WHERE day = DATE '2019-04-08'"
    assert rows(city, missing) == [(0,)]
    assert days[0][0] == (days[0][2] - days[0][1]).days
    assert city.gather("air_hourly_file", Silent()).outcome.parts_known == 1


def test_discharge_reports_keep_every_row_and_their_malformed_ones(
    shared: Path, tmp_path: Path
) -> None:
    file = shared / "data/02_emissions/epa_echo_dmr/dmr_all_snapshots.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        read = list(csv.DictReader(text))
    city, outcome = loaded(
        tmp_path / "city",
        "discharges",
        [
            column("snapshot_date", "date", required=True),
            column(
                "npdes_id", required=True, logicalTypeOptions={"pattern": "^[A-Z]{2}[0-9A-Z]{7}$"}
            ),
            column("parameter_code"),
            column("limit_value_nmbr", "number"),
            column("dmr_value_nmbr", "number"),
            column("violation_code"),
        ],
        path=str(file),
        format="csv",
        write="append",
        columns={"_snapshot_date": "snapshot_date"},
    )
    bad = [row for row in read if not row["npdes_id"] or len(row["npdes_id"]) != 9]
    assert len(read) == 9_178
    assert (outcome.read, outcome.quarantined) == (len(read), len(bad))
    assert outcome.inserted == len(read) - len(bad)
    assert len(outcome.unknown_columns) == len(read[0]) - 6
    found = dict(rows(city, "SELECT violation_code, COUNT(*) FROM discharges GROUP BY 1"))
    counted = Counter(row["violation_code"] or None for row in read if row not in bad)
    assert found == counted


def test_hours_of_a_turbine_are_read_without_a_key(shared: Path, tmp_path: Path) -> None:
    file = shared / "data/02_emissions/uci_gas_turbine_pems/gt_2011_2015.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        reader = csv.DictReader(text)
        read = list(reader)
    high = sum(float(row["CO"]) > 40 for row in read)
    city, outcome = loaded(
        tmp_path / "city",
        "turbine",
        [
            column("year", "integer", required=True),
            column("co_mg_m3", "number", logicalTypeOptions={"maximum": 40}),
            column("nox_mg_m3", "number", required=True),
        ],
        path=str(file),
        format="csv",
        write="append",
        on_broken_rule="keep",
        columns={"CO": "co_mg_m3", "NOX": "nox_mg_m3"},
    )
    assert (outcome.read, outcome.inserted) == (36_733, 36_733)
    assert broken(city.check("turbine")) == {"co_mg_m3.maximum": high}
    worst = city.worst_rows("turbine", 3)
    assert all(row.findings[0].column == "co_mg_m3" for row in worst)


def test_service_requests_are_counted_and_late_dates_are_kept_out(
    shared: Path, tmp_path: Path
) -> None:
    file = shared / "data/04_service_requests/boston_311_2011/boston_311_2011.parquet"
    read = pq.read_table(file).to_pylist()
    city, outcome = loaded(
        tmp_path / "city",
        "requests",
        [
            column("case_enquiry_id", **key(1)),
            column("open_dt", "timestamp", required=True),
            column("target_dt", "timestamp"),
            column("closed_dt", "timestamp"),
            column("ontime", enum=[{"value": "ONTIME"}, {"value": "OVERDUE"}]),
            column("case_status", enum=[{"value": "Open"}, {"value": "Closed"}]),
        ],
        path=str(file),
        format="parquet",
    )
    assert outcome.read == len(read)
    assert outcome.inserted + outcome.repeated + outcome.quarantined == len(read)
    found = dict(rows(city, "SELECT ontime, COUNT(*) FROM requests GROUP BY 1"))
    counted = Counter(row["ontime"] or None for row in read)
    assert sum(found.values()) == outcome.inserted
    assert {k: v for k, v in counted.items() if found.get(k) != v} == {}


def test_a_third_of_a_million_cases_with_keys_that_stand_twice(
    shared: Path, tmp_path: Path
) -> None:
    file = shared / "data/04_service_requests/nyc_council_constituent_cases/nycomplaints.parquet"
    table = pq.read_table(file)
    names = table.column_names
    id_column = next(n for n in names if "key" in n.lower() or n.lower().endswith("id"))
    times = Counter(table.column(id_column).to_pylist())
    twice = sum(count for count in times.values() if count > 1)
    city, outcome = loaded(
        tmp_path / "city",
        "cases",
        [
            column("case_id", **key(1), customProperties=[]),
            *(column(n.lower()) for n in names if n != id_column),
        ],
        path=str(file),
        format="parquet",
        columns={id_column: "case_id"}
        | {n: n.lower() for n in names if n != id_column and n != n.lower()},
    )
    assert outcome.read == 341_299
    assert outcome.inserted + outcome.quarantined + outcome.repeated == 341_299
    assert outcome.quarantined + 2 * outcome.repeated == twice
    reasons = "SELECT DISTINCT f.code FROM (SELECT unnest(findings) AS f FROM cases__quarantine)"
    assert rows(city, reasons) == [("conflicting_key",)]


def test_wrong_times_of_flights_are_found_by_their_form(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/11_dirty/flights"
    with (
        (folder / "dirty.csv").open(newline="") as dirty,
        (folder / "clean.csv").open(newline="") as clean,
    ):
        given, right = list(csv.reader(dirty)), list(csv.reader(clean))
    names = given[0]
    times = names[3:]
    form = {"pattern": "^(1[0-2]|[1-9]):[0-5][0-9] [ap]\\.m\\.$"}
    city, outcome = loaded(
        tmp_path / "city",
        "flights",
        [
            column("tuple_id", **key(1)),
            column("src", required=True),
            column("flight", required=True),
            *(column(name, required=True, logicalTypeOptions=form) for name in times),
        ],
        path=str(folder / "dirty.csv"),
        format="csv",
        on_broken_rule="keep",
        write="append",
    )
    faulty = {
        (row[0], name)
        for row, good in zip(given[1:], right[1:], strict=True)
        for name, cell, truth in zip(names, row, good, strict=True)
        if cell != truth
    }
    accused = {
        (row_id, found)
        for row_id, found in rows(
            city,
            "SELECT json_extract_string(row, '$.tuple_id'), unnest(findings).column "
            "FROM flights__quarantine",
        )
    }
    hits = accused & faulty
    assert outcome.read == 2_376
    # A form tells only what cannot be a time: what it accuses is nearly always wrong, while a
    # plausible time that is not the true one needs a second source.
    assert (len(hits) / len(accused) > 0.95, len(hits) / len(faulty) > 0.3) == (True, True)
