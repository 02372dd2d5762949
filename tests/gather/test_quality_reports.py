"""Reports on a data set of the lake: scores with their numbers, trend, events, quarantine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from shuzhi.gather.contracts import (
    Bounds,
    Contract,
    Dimension,
    Field,
    LogicalType,
    QualityRule,
    Reference,
    ServiceLevel,
    Table,
)
from shuzhi.gather.contracts.rows import arrow_schema
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.quality import (
    Availability,
    CheckFailed,
    Evidence,
    Ratio,
    Report,
    check,
    findings,
    latest,
    promises,
    trend,
    worst_rows,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Event, publisher
from shuzhi.kernel.ids import DatasetName, RunId
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
RUN = RunId(UUID("5d1b3f6e-3f0e-4a2c-9a55-0d6d2f2f6a10"))
OTHER_RUN = RunId(UUID("5d1b3f6e-3f0e-4a2c-9a55-0d6d2f2f6a11"))
TABLE = Table(
    DatasetName("air"),
    (
        Field("station", LogicalType.STRING, key_position=1),
        Field("at", LogicalType.TIMESTAMP, key_position=2),
        Field("pm10", LogicalType.NUMBER, unit="ug/m3", bounds=Bounds(minimum=0)),
    ),
    references=(Reference(("station",), DatasetName("stations"), ("station",)),),
    quality=(
        QualityRule("", "text", None, description="The air is measured outdoors."),
        QualityRule(
            "", "sql", None, query="select count(*) from ${object}", limits={"mustBeLessThan": 9}
        ),
    ),
    service_levels=(ServiceLevel("latency", 1, "d", "air.at"),),
)
CONTRACT = Contract("urn:city:air", "air", "1.2.0", "active", (TABLE,))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake", sync=lambda _path: None)


def _rows(*cells: tuple[str | None, int, float | None]) -> pa.Table:
    rows = [{"station": s, "at": NOW - timedelta(hours=h), "pm10": v} for s, h, v in cells]
    return pa.Table.from_pylist(rows, schema=arrow_schema(TABLE))


def _kept_out(run: str, *rows: tuple[dict[str, Any], list[tuple[str | None, str]]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "run_id": run,
                "row": json.dumps(row),
                "findings": json.dumps([{"column": c, "code": k} for c, k in found]),
            }
            for row, found in rows
        ]
    )


def _check(lake: Lake, control: Control, **more: Any) -> Report:
    return check(lake, control, CONTRACT, TABLE, **{"now": NOW, "run_id": RUN, **more})


def _ratios(report: Report) -> dict[str, Ratio | None]:
    return {m.check.id.removeprefix("air."): m.ratio for m in report.measurements}


def test_a_report_is_of_the_version_that_it_names(
    tmp_path: Path, lake: Lake, control: Control, busy_lake: Any
) -> None:
    lake.append("air", _rows(("a", 1, 5.0)))
    more = _rows(("b", 1, 5.0))
    busy = busy_lake(tmp_path / "lake", lambda there: there.append("air", more))
    report = _check(busy, control)
    assert lake.version("air") > report.version
    assert report.rows == lake.count("air", version=report.version)


def test_a_report_keeps_the_numbers_behind_every_score(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0), ("a", 1, 6.0), ("b", 2, -1.0), ("c", 3, None)))
    lake.append("stations", pa.table({"station": ["a", "b"]}))
    report = _check(lake, control, evidence=Evidence(access=Ratio(9, 10)))
    assert (report.rows, report.quarantined, report.version) == (4, 0, 0)
    assert report.dimensions == {
        Dimension.CONFORMITY: Ratio(4, 4),
        Dimension.COMPLETENESS: Ratio(8, 8),
        # Types of two columns, the lower bound, the key: 3 + 4 + 2 + 3 of 3 + 4 + 3 + 4.
        Dimension.ACCURACY: Ratio(12, 14),
        # The reference and the query: 3 + 1 of 4 + 1.
        Dimension.CONSISTENCY: Ratio(4, 5),
        Dimension.TIMELINESS: Ratio(1, 1),
        Dimension.ACCESSIBILITY: Ratio(9, 10),
    }
    assert (report.completeness, report.accuracy) == (Ratio(8, 8), Ratio(12, 14))
    assert report.timeliness == Ratio(1, 1)
    assert report.availability == Availability(Ratio(9, 10), Ratio(1, 1), None)
    assert (report.availability.value, report.availability.missing) == (0.9, ("use",))
    assert [m.check.id for m in report.failed] == [
        "air.pm10.minimum",
        "air.primary_key",
        "air.station.reference",
    ]
    assert [m.reason for m in report.unchecked] == [
        "it is written for people; no machine can check it"
    ]


def test_without_evidence_there_is_no_availability(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0)))
    report = _check(lake, control, evidence=Evidence(use=Ratio(3, 4)))
    assert report.availability.value is None
    assert report.availability.missing == ("access",)
    assert report.dimensions[Dimension.ACCESSIBILITY] is None


def test_a_reference_to_a_data_set_that_is_not_there_is_not_met_and_not_broken(
    lake: Lake, control: Control
) -> None:
    lake.append("air", _rows(("a", 1, 5.0)))
    report = _check(lake, control)
    assert "there is no data set stations in the lake yet" in [m.reason for m in report.unchecked]


def test_what_was_kept_out_at_the_door_counts(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0), ("a", 2, 6.0)))
    lake.append(
        "air__quarantine",
        _kept_out(
            "r1",
            ({"station": "a", "at": "soon", "pm10": "x"}, [("at", "type"), ("pm10", "type")]),
            ({"station": None, "at": "2026-03-01T00:00Z", "pm10": "-4"}, [("station", "required")]),
            ({"station": "b", "at": "2026-03-01T00:00Z", "pm10": "-4"}, [("pm10", "minimum")]),
            ({"text": "a;b"}, [(None, "ragged_row")]),
            ({"station": "a", "at": "2026", "pm10": 7}, [("station, at", "conflicting_key")]),
        ),
    )
    report = _check(lake, control)
    counted = _ratios(report)
    assert report.quarantined == 5
    assert counted["readable"] == Ratio(6, 7)
    assert counted["station.required"] == Ratio(5, 6)
    assert counted["at.type"] == Ratio(5, 6)
    assert counted["pm10.type"] == Ratio(5, 6)
    assert counted["pm10.minimum"] == Ratio(4, 5)
    assert counted["primary_key"] == Ratio(2, 3)


def test_after_an_overwrite_only_its_own_quarantine_counts(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0)), note={"run_id": "r1"})
    lake.append("air__quarantine", _kept_out("r1", ({"pm10": "x"}, [("pm10", "type")])))
    lake.overwrite("air", _rows(("a", 1, 6.0)), note={"run_id": "r2"})
    lake.append("air__quarantine", _kept_out("r2", ({"pm10": "y"}, [("pm10", "type")])))
    report = _check(lake, control)
    assert report.quarantined == 1
    assert _ratios(report)["pm10.type"] == Ratio(1, 2)


def test_reports_are_kept_and_read_back_whole(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, -5.0)))
    first = _check(lake, control, evidence=Evidence(Ratio(1, 2), Ratio(0, 0)))
    lake.overwrite("air", _rows(("a", 1, 5.0)))
    tomorrow = Instant(NOW + timedelta(days=1))
    second = _check(lake, control, now=tomorrow, run_id=OTHER_RUN)
    assert trend(control, "air") == (first, second)
    assert latest(control, "air") == second
    assert trend(control, "air", limit=1) == (second,)
    assert (latest(control, "water"), trend(control, "water")) == (None, ())
    values = [r.accuracy.value for r in trend(control, "air") if r.accuracy]
    assert values == [0.75, 1.0]


def test_each_failed_check_is_published_after_the_report_is_stored(
    lake: Lake, control: Control
) -> None:
    told: list[tuple[Event, Report | None]] = []
    publish = publisher({CheckFailed: [lambda e: told.append((e, latest(control, "air")))]})
    lake.append("air", _rows(("a", 30, -5.0)))
    report = _check(lake, control, publish=publish)
    assert [e.check.id for e, _ in told if isinstance(e, CheckFailed)] == [
        "air.pm10.minimum",
        "air.at.latency",
    ]
    assert [stored for _, stored in told] == [report, report]
    assert isinstance(told[0][0], CheckFailed)
    assert (told[0][0].occurred_at, told[0][0].ratio) == (NOW, Ratio(0, 1))


def test_worst_rows_come_with_key_cell_value_and_reason(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0), ("a", 1, -6.0), ("b", 2, -1.0)))
    shown = worst_rows(lake, TABLE, limit=2)
    assert [(r.key["station"], len(r.findings)) for r in shown] == [("a", 2), ("a", 1)]
    minimum = shown[0].findings[0]
    assert (minimum.check_id, minimum.column, minimum.value) == ("air.pm10.minimum", "pm10", -6.0)
    assert minimum.reason_en == "pm10 is at least 0 ug/m3"
    key = shown[0].findings[1]
    assert key.value == {"station": "a", "at": NOW - timedelta(hours=1)}
    assert _check(lake, control).rows == 3


def test_the_findings_of_one_check_can_be_sampled(lake: Lake) -> None:
    lake.append("air", _rows(*(("a", hour, float(-hour)) for hour in range(1, 9))))
    shown = findings(lake, TABLE, "air.pm10.minimum", limit=3)
    assert [row.findings[0].value for row in shown] == [-8.0, -7.0, -6.0]
    assert findings(lake, TABLE, "air.at.latency") == ()


def test_asking_for_what_is_not_there_is_refused(lake: Lake, control: Control) -> None:
    lake.append("air", _rows(("a", 1, 5.0)))
    with pytest.raises(RefusedError) as unknown:
        findings(lake, TABLE, "air.pm10.colour")
    assert str(unknown.value) == (
        "gather.no_such_check: The contract of air has no check 'air.pm10.colour'. "
        "Take an id from the data set's report."
    )
    with pytest.raises(RefusedError) as untried:
        findings(lake, TABLE, "air.station.reference")
    assert str(untried.value) == (
        "gather.not_checkable: The check air.station.reference cannot be tried: "
        "there is no data set stations in the lake yet. Mend the contract, or load what it needs."
    )
    with pytest.raises(RefusedError, match=r"gather\.no_such_dataset"):
        check(lake, control, CONTRACT, Table(DatasetName("water"), ()), now=NOW, run_id=RUN)


def test_promises_are_known_before_any_row_is() -> None:
    assert len(promises(TABLE)) == 11
    assert promises(TABLE)[0].source == "ODCS 3.1 required; GB/T 36344-2018 completeness"
