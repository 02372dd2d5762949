"""Quality: what a contract promises, checked in one scan, with every figure's numbers kept."""

from shuzhi.gather.quality.model import (
    Availability,
    CellFinding,
    Check,
    CheckFailed,
    Evidence,
    FaultyRow,
    Kind,
    Measurement,
    Ratio,
    Report,
    Total,
)
from shuzhi.gather.quality.use_cases import (
    check,
    findings,
    latest,
    promises,
    totals_between,
    trend,
    worst_rows,
)

__all__ = [
    "Availability",
    "CellFinding",
    "Check",
    "CheckFailed",
    "Evidence",
    "FaultyRow",
    "Kind",
    "Measurement",
    "Ratio",
    "Report",
    "Total",
    "check",
    "findings",
    "latest",
    "promises",
    "totals_between",
    "trend",
    "worst_rows",
]
