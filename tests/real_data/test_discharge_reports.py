"""Permit limits of the pack `ecology` on reports to the US EPA, whose flags are the oracle.

E90 is what the EPA calls a numeric violation of a limit. Every one must be a warning of ours; what
ours says beyond must have its reason in the same file.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from shuzhi.app import City, create_city

pytestmark = pytest.mark.real_data

# Rows of the six values' late twins, of all retrievals.
SIX = 6
FILE = "data/02_emissions/epa_echo_dmr/dmr_all_snapshots.csv.gz"


class Silent:
    """Progress that nobody watches."""

    def started(self, label: str, total: int | None) -> None:
        self.label, self.total = label, total

    def advanced(self, amount: int) -> None:
        self.amount = amount

    def finished(self) -> None:
        self.label = ""


def given(shared: Path) -> pd.DataFrame:
    """Every row that the EPA told, in all retrievals, with the names of our contracts."""
    read = pd.read_csv(shared / FILE, dtype=str, keep_default_na=False)
    us = {"format": "%m/%d/%Y", "errors": "coerce"}
    return read.assign(
        report_id=read["dmr_value_id"],
        outfall_id=read["npdes_id"] + "-" + read["perm_feature_nmbr"],
        factor=read["parameter_code"] + "." + read["monitoring_location_code"],
        statistic=read["statistical_base_code"] + "." + read["limit_value_type_code"],
        measured_on=pd.to_datetime(read["monitoring_period_end_date"], **us),
        received_on=pd.to_datetime(read["value_received_date"], **us),
        valid_from=pd.to_datetime(read["limit_begin_date"], **us),
        valid_to=pd.to_datetime(read["limit_end_date"], **us),
    ).sort_values("_snapshot_date", kind="stable")


def permits(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the limits, each once."""
    limited = rows[rows["limit_value_nmbr"] != ""].assign(
        qualifier=rows["limit_value_qualifier_code"],
        limit_value=rows["limit_value_nmbr"],
        unit=rows["limit_unit_desc"],
        is_converted="false",
    )
    key = ["outfall_id", "factor", "statistic", "qualifier", "valid_from"]
    return limited.drop_duplicates(key)[[*key, "valid_to", "limit_value", "unit", "is_converted"]]


def reports(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the results of a retrieval, each once."""
    named = rows.rename(
        columns={
            "dmr_value_qualifier_code": "qualifier",
            "dmr_value_nmbr": "value",
            "dmr_unit_desc": "unit",
            "nodi_desc": "no_data_reason",
        }
    )
    own = ["report_id", "outfall_id", "factor", "statistic", "measured_on", "received_on"]
    return named.drop_duplicates("report_id")[
        [*own, "qualifier", "value", "unit", "no_data_reason"]
    ]


def city_of(folder: Path, rows: pd.DataFrame) -> City:
    """A city that knows the outfalls and their permits, and has no report yet."""
    city = create_city(folder, pack="ecology")
    outfalls = rows.drop_duplicates("outfall_id").assign(source_zh=rows["npdes_id"], medium="water")
    gathered(city, "outfalls", outfalls[["outfall_id", "source_zh", "medium"]])
    gathered(city, "permits", permits(rows))
    return city


def gathered(city: City, dataset: str, rows: pd.DataFrame, number: int = 1) -> None:
    rows.to_csv(city.settings.folder / "incoming" / f"{dataset}_{number}.csv", index=False)
    outcome = city.gather(f"{dataset}_file", Silent()).outcome
    assert outcome.quarantined == 0, outcome
    assert outcome.read == len(rows)


def test_every_numeric_violation_of_the_epa_is_a_warning_and_the_rest_is_explained(
    shared: Path, tmp_path: Path
) -> None:
    rows = given(shared)
    city = city_of(tmp_path / "city", rows)
    gathered(city, "discharge_reports", reports(rows))
    gathered(city, "discharge_reports", reports(rows.iloc[::-1]), 2)

    flagged = set(rows[rows["violation_code"] == "E90"]["report_id"])
    found = city.warnings(rule_id="eco_report_exceeded", limit=None)
    ours = {str(warning.facts["report_id"]) for warning in found}
    assert len(flagged) > 20
    assert flagged <= ours
    # A value that also came late has two rows: E90 on one, D90 (overdue) on the other.
    # Without a code are rows of retrievals in which the value was another one, later revised.
    beyond = rows[rows["report_id"].isin(ours) & (rows["violation_code"] != "E90")]
    assert set(beyond["violation_code"]) == {"D90", ""}
    assert len(beyond[beyond["violation_code"] == "D90"]) == SIX
    plain = beyond[beyond["violation_code"] == ""].merge(
        rows[rows["violation_code"] == "E90"], on="report_id"
    )
    assert (plain["dmr_value_nmbr_x"] != plain["dmr_value_nmbr_y"]).all()
    assert ours == flagged


def test_censored_values_exceed_only_when_they_must(shared: Path, tmp_path: Path) -> None:
    rows = given(shared)
    censored = rows[rows["dmr_value_qualifier_code"] == "<"]
    lows = censored[censored["limit_value_qualifier_code"] == "<="]
    assert len(lows) > 50
    city = city_of(tmp_path / "city", rows)
    least = lows.drop_duplicates("report_id").iloc[:1].assign(dmr_value_nmbr="1000000")
    told = least.assign(report_id="told", dmr_value_qualifier_code="=")
    above = least.assign(report_id="above", dmr_value_qualifier_code=">")
    gathered(city, "discharge_reports", reports(pd.concat([least, told, above])))
    found = city.warnings(rule_id="eco_report_exceeded", limit=None)
    assert {warning.facts["report_id"] for warning in found} == {"told", "above"}
