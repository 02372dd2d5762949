"""Loads the parts of a source into the lake: good rows to the data set, bad ones to its quarantine.

Each of the two writes carries the part's number, so that a load that was cut off anywhere is
completed by running it again, and nothing is stored twice.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from shuzhi.gather.contracts.model import Table
from shuzhi.gather.lake import Commit, Lake, StagedFiles, Tx
from shuzhi.gather.lake.model import QUARANTINE
from shuzhi.gather.sources.conform import Drift, arrive
from shuzhi.gather.sources.findings import faults
from shuzhi.gather.sources.model import Part, Source, Write
from shuzhi.gather.sources.progress import Tell
from shuzhi.gather.sources.quarantine import KeptOut, not_there_yet, quarantine_rows
from shuzhi.gather.sources.report import Outcome
from shuzhi.gather.sources.sorting import Sorted, Sorter
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant


@dataclass(frozen=True)
class Loading:
    """What is loaded, where to, and by which run."""

    lake: Lake
    source: Source
    table: Table
    run_id: RunId
    now: Instant


def part_app_id(source: str, origin: str) -> str:
    """Return under which name the lake counts the states of a part."""
    return f"{source}:{origin}"


def load_part(
    loading: Loading,
    part: Part,
    number: int,
    connection: duckdb.DuckDBPyConnection,
    tell: Tell = lambda _share: None,
) -> Outcome:
    """Store one part and return what became of its rows; a state stored before is left alone.

    `number` counts the states of this part: the quarantine is written first and the data set last,
    so that a number found in the data set has been stored whole.
    """
    tx = Tx(part_app_id(loading.source.name, part.origin), number)
    if is_stored(loading.lake, loading.table.name, tx):
        return Outcome(parts=1, parts_known=1)
    folder = loading.lake.staging(loading.table.name)
    try:
        return _load(loading, part, tx, connection, folder, tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_stored(lake: Lake, name: str, tx: Tx) -> bool:
    """Whether a state of a part is in the data set."""
    stored = lake.committed(name, tx.app_id)
    return stored is not None and stored >= tx.version


def _load(
    loading: Loading,
    part: Part,
    tx: Tx,
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    tell: Tell,
) -> Outcome:
    lake, source, table = loading.lake, loading.source, loading.table
    quarantine = f"{table.name}{QUARANTINE}"
    arrival = arrive(connection, part, source, table)
    sorter = Sorter(
        connection,
        arrival,
        table,
        faults(arrival, source, table),
        folder,
        lake.settings.file_bytes,
    )
    found = sorter.sort(tell)
    unreadable = tuple(part.unreadable())
    if found.kept_out or unreadable:
        bad = sorter.keep_out(found)
        part.require_same()
        kept = KeptOut(source.name, part.origin, loading.run_id, loading.now)
        rows = quarantine_rows(kept, bad, unreadable)
        if source.write_mode(table.key) is Write.UPSERT:
            rows = not_there_yet(connection, lake, quarantine, source.name, rows)
        lake.append(quarantine, rows, tx=tx)
    part.require_same()
    stored = _store(loading, found.files, tx)
    return _outcome(found, arrival.drift, stored, len(unreadable))


def _store(loading: Loading, rows: StagedFiles, tx: Tx) -> Commit:
    lake, name = loading.lake, loading.table.name
    note = {"source": loading.source.name, "run_id": str(loading.run_id)}
    if lake.exists(name):
        # A newer contract may have more columns; rows stored before have no value in them.
        lake.widen(name, rows.schema, note=note)
    match loading.source.write_mode(loading.table.key):
        case Write.UPSERT:
            return lake.upsert(name, rows, key=loading.table.key, tx=tx, note=note)
        case Write.REPLACE:
            return lake.overwrite(name, rows, tx=tx, note=note)
        case Write.APPEND:
            return lake.append(name, rows, tx=tx, note=note)


def _outcome(found: Sorted, drift: Drift, stored: Commit, unreadable: int) -> Outcome:
    return Outcome(
        parts=1,
        read=found.read + unreadable,
        inserted=stored.inserted,
        updated=stored.updated,
        unchanged=stored.unchanged,
        repeated=found.repeated,
        quarantined=found.kept_out + unreadable,
        unknown_columns=drift.unknown,
        missing_columns=drift.missing,
    ).balanced()
