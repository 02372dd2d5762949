"""Says why a run kept rows out: each reason once, with how many rows and one to look at."""

from __future__ import annotations

from dataclasses import dataclass

from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.model import QUARANTINE
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.sources.report import RunReport


@dataclass(frozen=True)
class Reason:
    """Why rows were kept out: how many, and where the first of them stands, as a person counts.

    `column` is None where a row could not be cut into cells; `value` is the first row's.
    """

    column: str | None
    code: str
    reason_en: str
    reason_zh: str
    rows: int
    origin: str
    row_number: int
    value: str | None


def reasons(lake: Lake, report: RunReport, *, limit: int = 20) -> tuple[Reason, ...]:
    """Return why `report`'s run kept rows out, the most frequent reasons first."""
    if not report.outcome.quarantined:
        return ()
    name = f"{report.dataset}{QUARANTINE}"
    # One row may have several reasons, each of them once.
    each = (
        "SELECT origin, row_number, unnest(findings) AS f "  # noqa: S608
        f"FROM {identifier(name)} WHERE run_id = ?"
    )
    sql = (
        'SELECT why."column", why.code, why.reason_en, why.reason_zh, n, '  # noqa: S608
        "one.origin, one.row_number, one.value FROM (SELECT "
        '{"column": f."column", code: f.code, reason_en: f.reason_en, '
        "reason_zh: f.reason_zh} AS why, count(*) AS n, "
        "min({origin: origin, row_number: row_number, value: f.value}) AS one "
        f"FROM ({each}) GROUP BY why) ORDER BY n DESC, one LIMIT ?"
    )
    with lake.duck(only=[name]) as connection:
        rows = connection.execute(sql, [str(report.run_id), limit]).fetchall()
    return tuple(Reason(*row) for row in rows)
