"""The verbs of quality: check a data set, show its worst rows, tell how it has done over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import ibis
import ibis.expr.types as ir

from shuzhi.gather.contracts.model import Contract, Table
from shuzhi.gather.lake import Lake
from shuzhi.gather.lineage import Assertion, Input, Run, lake_node, record_run
from shuzhi.gather.quality import examples, store
from shuzhi.gather.quality.compile import compile_checks
from shuzhi.gather.quality.model import (
    Check,
    CheckFailed,
    Evidence,
    FaultyRow,
    Measurement,
    Report,
    Total,
)
from shuzhi.gather.quality.probe import Probe, Sight
from shuzhi.gather.quality.quarantine import (
    NOTHING_OUTSIDE,
    KeptOut,
    current_runs,
    kept_out,
    quarantine_name,
)
from shuzhi.gather.quality.scan import obstacle, run_probes
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant

_NO_EVIDENCE = Evidence()
_NEWEST: Mapping[str, int] = {}


def promises(table: Table) -> tuple[Check, ...]:
    """Return every check that the contract of `table` leads to, without looking at any row."""
    return tuple(probe.check for probe in compile_checks(table))


def check(
    lake: Lake,
    control: Control,
    contract: Contract,
    table: Table,
    *,
    now: Instant,
    run_id: RunId,
    evidence: Evidence = _NO_EVIDENCE,
    publish: Publish = ignore,
    memory_limit: str | None = None,
) -> Report:
    """Check the data set of `table` at its newest version, keep the report and return it.

    The report, and the run in the lineage, are stored before anything is published: one
    `CheckFailed` for each check that is not met. `memory_limit` is DuckDB's (`1GB`).

    Raises:
        RefusedError: `gather.no_such_dataset` when nothing was ever loaded into it.
    """
    probes = compile_checks(table)
    version = lake.version(table.name)
    at = {str(table.name): version}
    with _looking(lake, table, probes, memory_limit, at) as (backend, sight):
        outside = _outside(lake, backend, sight, table, version)
        rows, measured = run_probes(backend, probes, sight, now=now, outside=outside)
    report = Report(
        run_id=run_id,
        dataset=table.name,
        contract_id=contract.id,
        contract_version=contract.version,
        version=version,
        measured_at=now,
        rows=rows,
        quarantined=outside.rows,
        measurements=measured,
        evidence=evidence,
    )
    with control.transaction() as connection:
        store.put_report(connection, report)
    record_run(control, _lineage(report))
    for failure in _failures(report):
        publish(failure)
    return report


def worst_rows(
    lake: Lake, table: Table, *, limit: int = 20, memory_limit: str | None = None
) -> tuple[FaultyRow, ...]:
    """Return the `limit` rows that break the most checks, each with what is wrong in which cell.

    Raises: RefusedError `gather.no_such_dataset`.
    """
    probes = compile_checks(table)
    with _looking(lake, table, probes, memory_limit) as (backend, sight):
        possible = [p for p in probes if not obstacle(p, sight)]
        return examples.worst(backend, possible, sight, table.key, limit)


def findings(
    lake: Lake, table: Table, check_id: str, *, limit: int = 20, memory_limit: str | None = None
) -> tuple[FaultyRow, ...]:
    """Return at most `limit` rows that break one check; none for a check of the whole table.

    Raises:
        RefusedError: `gather.no_such_check` for an id that the contract does not lead to,
            `gather.not_checkable` when the check cannot be tried, `gather.no_such_dataset`.
    """
    probes = [p for p in compile_checks(table) if p.check.id == check_id]
    if not probes:
        raise RefusedError(
            "gather.no_such_check",
            f"The contract of {table.name} has no check {check_id!r}.",
            next_step="Take an id from the data set's report.",
        )
    with _looking(lake, table, probes, memory_limit) as (backend, sight):
        why = obstacle(probes[0], sight)
        if why:
            raise RefusedError(
                "gather.not_checkable",
                f"The check {check_id} cannot be tried: {why}.",
                next_step="Mend the contract, or load what it needs.",
            )
        return examples.broken_by(backend, probes[0], sight, table.key, limit)


def trend(control: Control, dataset: str, *, limit: int = 30) -> tuple[Report, ...]:
    """Return the last `limit` reports on a data set, oldest first; empty when there is none."""
    with control.transaction() as connection:
        return store.reports_of(connection, dataset, limit)


def totals_between(control: Control, start: Instant, end: Instant) -> tuple[Total, ...]:
    """Return what each report of `start` to before `end` found in all, the first one first."""
    with control.transaction() as connection:
        return store.totals_between(connection, start, end)


def latest(control: Control, dataset: str) -> Report | None:
    """Return the newest report on a data set; None when it was never checked."""
    return next(iter(trend(control, dataset, limit=1)), None)


def _outside(
    lake: Lake, backend: ibis.BaseBackend, sight: Sight, table: Table, version: int
) -> KeptOut:
    quarantine = sight.others.get(quarantine_name(table.name))
    if quarantine is None:
        return NOTHING_OUTSIDE
    runs = current_runs([v for v in lake.history(table.name) if v.version <= version])
    return kept_out(backend, quarantine, [f.name for f in table.fields], runs)


@contextmanager
def _looking(
    lake: Lake,
    table: Table,
    probes: Sequence[Probe],
    memory_limit: str | None,
    at: Mapping[str, int] = _NEWEST,
) -> Iterator[tuple[ibis.BaseBackend, Sight]]:
    wanted = {d for p in probes for d in p.datasets} | {quarantine_name(table.name)}
    others = sorted(d for d in wanted - {table.name} if lake.exists(d))
    with lake.ibis(only=[table.name, *others], version=at, memory_limit=memory_limit) as backend:
        rows = backend.table(table.name)
        views: dict[str, ir.Table] = {name: backend.table(name) for name in others}
        yield backend, Sight(rows, views | {table.name: rows})


def _failures(report: Report) -> Iterator[CheckFailed]:
    for failed in report.failed:
        if failed.ratio is not None:
            yield CheckFailed(
                occurred_at=report.measured_at,
                run_id=report.run_id,
                check=failed.check,
                ratio=failed.ratio,
                value=failed.value,
            )


def _lineage(report: Report) -> Run:
    tried = [m for m in report.measurements if m.is_met is not None]
    source = Input(
        lake_node(report.dataset),
        version=report.version,
        assertions=tuple(_assertion(m) for m in tried),
    )
    return Run(
        run_id=report.run_id,
        job=f"check:{report.dataset}",
        kind="check",
        inputs=(source,),
        outputs=(),
        started_at=report.measured_at,
        ended_at=report.measured_at,
        is_complete=True,
    )


def _assertion(measured: Measurement) -> Assertion:
    check = measured.check
    return Assertion(check.id, is_success=measured.is_met is True, column=check.column)
