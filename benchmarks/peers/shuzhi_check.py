"""Our check, whole: the contract compiled, one scan, report and lineage stored."""

from __future__ import annotations

from pathlib import Path

# The clock starts after the imports, so the engine that the first check would import comes first.
import ibis.backends.duckdb
import ibis.formats.pandas  # noqa: F401
import readings as r

from shuzhi.gather.contracts import Bounds, Contract, Field, LogicalType, Reference, Table
from shuzhi.gather.contracts.model import QualityRule, ServiceLevel
from shuzhi.gather.lake import open_lake
from shuzhi.gather.quality import Measurement, check
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.ids import DatasetName, new_run_id
from shuzhi.kernel.instant import Instant

_TYPES = {
    "reading_id": LogicalType.INTEGER,
    "observed_at": LogicalType.TIMESTAMP,
    **dict.fromkeys(r.RANGES, LogicalType.NUMBER),
}
_COLUMNS = (
    *("reading_id", "station_id", "observed_at", "pm10", "temperature", "humidity", "wind"),
    *("serial", "phone", "district_code", "status", "grade"),
)


def contract() -> Contract:
    """Return the contract that makes the 20 promises."""
    table = Table(
        DatasetName("readings"),
        tuple(_field(name) for name in _COLUMNS),
        references=(Reference((r.REFERENCE,), DatasetName("stations"), ("station_id",)),),
        quality=(
            QualityRule(
                "",
                "library",
                None,
                metric="rowCount",
                limits={"mustBeGreaterOrEqualTo": r.LEAST_ROWS},
            ),
        ),
        service_levels=(ServiceLevel("latency", r.MOST_HOURS, "h", f"readings.{r.FRESH}"),),
    )
    return Contract("urn:bench", "bench", "1.0.0", "active", (table,))


def _field(name: str) -> Field:
    least, most = r.RANGES.get(name, (None, None))
    return Field(
        name,
        _TYPES.get(name, LogicalType.STRING),
        is_required=name in r.NOT_NULL,
        is_unique=name == r.UNIQUE,
        bounds=Bounds(minimum=least, maximum=most, pattern=r.PATTERNS.get(name)),
        allowed_values=r.SETS.get(name, ()),
    )


_WORDS = {
    "required": "not_null",
    "minimum": "range",
    "maximum": "range",
    "allowed_values": "set",
    "latency": "fresh",
}


def _name(measured: Measurement) -> str:
    code = _WORDS.get(measured.check.code, measured.check.code)
    return f"{measured.check.column}.{code}" if measured.check.column else code


def run(folder: Path) -> set[str]:
    """Return the broken promises."""
    agreed = contract()
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    metadata.create_all(control.engine)
    report = check(
        open_lake(folder / "lake"),
        control,
        agreed,
        agreed.tables[0],
        now=Instant(r.NOW),
        run_id=new_run_id(),
    )
    return {_name(m) for m in report.failed}


if __name__ == "__main__":
    r.run(run)
