"""The tables of quality: one row per report and one per measurement, kept for the trend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    desc,
    func,
    insert,
    select,
)

from shuzhi.gather.contracts.model import Dimension
from shuzhi.gather.quality.model import (
    Check,
    Evidence,
    Kind,
    Measurement,
    Ratio,
    Report,
    Total,
)
from shuzhi.kernel.control import InstantColumn, metadata
from shuzhi.kernel.ids import DatasetName, RunId
from shuzhi.kernel.instant import Instant

report_table = Table(
    "quality_report",
    metadata,
    Column("run_id", String(36), primary_key=True),
    Column("dataset", String(120), nullable=False),
    Column("contract_id", Text, nullable=False),
    Column("contract_version", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("measured_at", InstantColumn, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("access_satisfied", BigInteger),
    Column("access_checked", BigInteger),
    Column("use_satisfied", BigInteger),
    Column("use_checked", BigInteger),
    Index("ix_quality_report_dataset", "dataset", "measured_at"),
)

measurement_table = Table(
    "quality_measurement",
    metadata,
    Column("run_id", String(36), ForeignKey(report_table.c.run_id), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("check_id", Text, nullable=False, index=True),
    Column("column_name", Text),
    Column("code", Text, nullable=False),
    Column("dimension", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("title_en", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("unit", String(16), nullable=False),
    Column("satisfied", BigInteger),
    Column("checked", BigInteger),
    Column("is_met", Boolean),
    Column("value", Float),
    Column("reason", Text, nullable=False),
)


def put_report(connection: Connection, report: Report) -> None:
    """Keep a report with all its measurements."""
    connection.execute(insert(report_table).values(**_report_row(report)))
    rows = [_measurement_row(report, place, m) for place, m in enumerate(report.measurements)]
    if rows:
        connection.execute(insert(measurement_table), rows)


def reports_of(connection: Connection, dataset: str, limit: int) -> tuple[Report, ...]:
    """Return the last `limit` reports on a data set, oldest first, with their measurements."""
    newest = (
        select(report_table)
        .where(report_table.c.dataset == dataset)
        .order_by(desc(report_table.c.measured_at), desc(report_table.c.run_id))
        .limit(limit)
    )
    heads = connection.execute(newest).mappings().all()
    found = (
        select(measurement_table)
        .where(measurement_table.c.run_id.in_([head["run_id"] for head in heads]))
        .order_by(measurement_table.c.place)
    )
    by_run: dict[str, list[RowMapping]] = {head["run_id"]: [] for head in heads}
    for row in connection.execute(found).mappings():
        by_run[row["run_id"]].append(row)
    return tuple(_report(head, by_run[head["run_id"]]) for head in reversed(heads))


def totals_between(connection: Connection, start: Instant, end: Instant) -> tuple[Total, ...]:
    """Return what each report measured from `start` to before `end` found in all, in that order."""
    m, r = measurement_table.c, report_table.c
    # What is known of access stands in the report; no measurement counts towards it.
    counts = (m.dimension != Dimension.ACCESSIBILITY.value) & m.checked.is_not(None)
    sums = [func.coalesce(func.sum(column), 0) for column in (m.satisfied, m.checked)]
    query = (
        select(r.run_id, r.dataset, r.measured_at, r.access_satisfied, r.access_checked, *sums)
        .join_from(report_table, measurement_table, (m.run_id == r.run_id) & counts, isouter=True)
        .where(r.measured_at >= start, r.measured_at < end)
        .group_by(r.run_id)
        .order_by(r.measured_at, r.run_id)
    )
    return tuple(
        Total(
            RunId(UUID(run)),
            DatasetName(dataset),
            Instant(at),
            Ratio(int(satisfied), int(checked)) + Ratio(access or 0, asked or 0),
        )
        for run, dataset, at, access, asked, satisfied, checked in connection.execute(query)
    )


def _report_row(report: Report) -> dict[str, Any]:
    access, use = report.evidence.access, report.evidence.use
    return {
        "run_id": str(report.run_id),
        "dataset": report.dataset,
        "contract_id": report.contract_id,
        "contract_version": report.contract_version,
        "version": report.version,
        "measured_at": report.measured_at,
        "rows": report.rows,
        "quarantined": report.quarantined,
        "access_satisfied": access and access.satisfied,
        "access_checked": access and access.checked,
        "use_satisfied": use and use.satisfied,
        "use_checked": use and use.checked,
    }


def _measurement_row(report: Report, place: int, measured: Measurement) -> dict[str, Any]:
    check, ratio = measured.check, measured.ratio
    return {
        "run_id": str(report.run_id),
        "place": place,
        "check_id": check.id,
        "column_name": check.column,
        "code": check.code,
        "dimension": check.dimension.value,
        "kind": check.kind.value,
        "title_en": check.title_en,
        "title_zh": check.title_zh,
        "source": check.source,
        "severity": check.severity,
        "limits": dict(check.limits),
        "unit": check.unit,
        "satisfied": ratio and ratio.satisfied,
        "checked": ratio and ratio.checked,
        "is_met": measured.is_met,
        "value": measured.value,
        "reason": measured.reason,
    }


def _report(head: RowMapping, rows: list[RowMapping]) -> Report:
    return Report(
        run_id=RunId(UUID(head["run_id"])),
        dataset=DatasetName(head["dataset"]),
        contract_id=head["contract_id"],
        contract_version=head["contract_version"],
        version=head["version"],
        measured_at=Instant(head["measured_at"]),
        rows=head["rows"],
        quarantined=head["quarantined"],
        measurements=tuple(_measurement(head["dataset"], row) for row in rows),
        evidence=Evidence(access=_ratio(dict(head), "access_"), use=_ratio(dict(head), "use_")),
    )


def _measurement(dataset: str, row: RowMapping) -> Measurement:
    check = Check(
        id=row["check_id"],
        dataset=DatasetName(dataset),
        column=row["column_name"],
        code=row["code"],
        dimension=Dimension(row["dimension"]),
        kind=Kind(row["kind"]),
        title_en=row["title_en"],
        title_zh=row["title_zh"],
        source=row["source"],
        severity=row["severity"],
        limits=row["limits"],
        unit=row["unit"],
    )
    return Measurement(check, _ratio(dict(row), ""), row["is_met"], row["value"], row["reason"])


def _ratio(row: Mapping[str, Any], prefix: str) -> Ratio | None:
    checked = row[f"{prefix}checked"]
    return None if checked is None else Ratio(row[f"{prefix}satisfied"], checked)
