"""The verbs of sources: read their YAML, run one, see its runs and what it kept out."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from shuzhi.gather.contracts import Table, table_named
from shuzhi.gather.lake import Lake, Tx
from shuzhi.gather.lake.query import workbench
from shuzhi.gather.lineage import Input, Node, Output, Run, SchemaField, lake_node, record_run
from shuzhi.gather.sources import store
from shuzhi.gather.sources.events import RowsStored
from shuzhi.gather.sources.files import FileReader
from shuzhi.gather.sources.http import HttpReader
from shuzhi.gather.sources.load import Loading, is_stored, load_part, part_app_id
from shuzhi.gather.sources.model import (
    Cursor,
    FileSource,
    HttpSource,
    Part,
    Reader,
    Source,
    SqlSource,
    Write,
)
from shuzhi.gather.sources.progress import Gauge, Progress
from shuzhi.gather.sources.references import Secret
from shuzhi.gather.sources.report import Outcome, RunReport, State
from shuzhi.gather.sources.sql import SqlReader
from shuzhi.kernel.control import Control
from shuzhi.kernel.documents import DocumentError, read_document, shape
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import DatasetName, SourceName, new_run_id
from shuzhi.kernel.instant import Clock, Instant

_KINDS: Mapping[str, type[FileSource | SqlSource | HttpSource]] = {
    "file": FileSource,
    "sql": SqlSource,
    "http": HttpSource,
}
_BAD = "gather.bad_source"


@dataclass(frozen=True)
class Gathering:
    """What a run needs of the platform."""

    control: Control
    lake: Lake
    scratch: Path
    secret: Secret
    clock: Clock
    memory_limit: str = "1GB"
    publish: Publish = ignore


def read_source(path: Path) -> Source:
    """Read the YAML of one source.

    Raises:
        DocumentError: `kernel.bad_document`; `gather.bad_source` with every finding.
    """
    document = read_document(path)
    kind = _KINDS.get(str(document.content.get("kind")))
    if kind is None:
        problem = f"is to be one of {', '.join(_KINDS)}"
        raise DocumentError(_BAD, (document.finding(("kind",), problem),))
    return shape(document, kind, code=_BAD)


def read_sources(folder: Path) -> dict[SourceName, tuple[Source, Path]]:
    """Read every source of a folder (`*.yaml`), by name, with its path. Raises as `read_source`."""
    found = ((read_source(path), path) for path in sorted(folder.glob("*.yaml")))
    return {SourceName(source.name): (source, path) for source, path in found}


def run_source(gathering: Gathering, source: Source, folder: Path, progress: Progress) -> RunReport:
    """Read what is new at `source` and store it; `folder` is where its relative paths start.

    A run that fails is kept with its error, and what it had stored stays; run it again to go on.

    Raises:
        RefusedError: `gather.source_running` when another run of it is under way, and all that
            its reader, its contract and its rows can be refused for.
    """
    _, table = table_named(gathering.control, source.dataset)
    _refuse_doubles(source, table)
    report = RunReport(
        new_run_id(),
        SourceName(source.name),
        DatasetName(source.dataset),
        State.RUNNING,
        gathering.clock(),
    )
    with _alone(gathering, report):
        loading = Loading(gathering.lake, source, table, report.run_id, report.started_at)
        return _run(gathering, loading, report, folder, progress)


def runs(control: Control, source: str | None = None, *, limit: int = 20) -> tuple[RunReport, ...]:
    """Return the newest runs, of one source or of all."""
    with control.transaction() as connection:
        return tuple(store.find_runs(connection, source, limit))


def newest_runs(control: Control) -> dict[str, RunReport]:
    """Return the newest run of each source that ever ran."""
    with control.transaction() as connection:
        return {run.source: run for run in store.find_newest(connection)}


def runs_between(control: Control, start: Instant, end: Instant) -> tuple[RunReport, ...]:
    """Return the runs of all sources that ended from `start` to before `end`, in that order."""
    with control.transaction() as connection:
        return tuple(store.find_ended(connection, start, end))


def reads(control: Control, dataset: str) -> tuple[int, int]:
    """Return how many runs for a data set succeeded, of how many that ended."""
    with control.transaction() as connection:
        return store.count_reads(connection, DatasetName(dataset))


def _run(
    gathering: Gathering, loading: Loading, report: RunReport, folder: Path, progress: Progress
) -> RunReport:
    _save(gathering, report)
    outcome, origins = Outcome(), list[str]()
    try:
        for part_outcome, origin in _parts(gathering, loading, folder, progress):
            outcome += part_outcome
            origins.append(origin)
    except ShuzhiError as error:
        failed = report.ended(State.FAILED, gathering.clock(), outcome)
        failed = replace(failed, error_code=error.code, error=error.message)
        _finish(gathering, loading, failed, origins)
        raise
    finally:
        progress.finished()
    done = report.ended(State.DONE, gathering.clock(), outcome)
    _finish(gathering, loading, done, origins)
    return done


def _parts(
    gathering: Gathering, loading: Loading, folder: Path, progress: Progress
) -> Iterator[tuple[Outcome, str]]:
    source = loading.source
    with (
        _spool(gathering, source.name) as spool,
        workbench(spool, gathering.memory_limit) as connection,
    ):
        since = _since(gathering, loading)
        reader = _reader(gathering, loading, folder, spool, connection)
        total = reader.total_bytes() if isinstance(reader, FileReader) else None
        progress.started(source.name, total)
        for part in reader.parts(since):
            number = _number(gathering, source, part)
            gauge = Gauge(progress, part.size_bytes)
            outcome = load_part(loading, part, number, connection, gauge.tell)
            gauge.end(outcome.read)
            yield outcome, part.origin
            if part.cursor is not None:
                with gathering.control.transaction() as control:
                    store.save_cursor(control, SourceName(source.name), part.cursor)


@contextmanager
def _spool(gathering: Gathering, source: str) -> Iterator[Path]:
    """Make the source's scratch folder; what a killed run left in it goes first."""
    spool = gathering.scratch / f"{source}.spool"
    shutil.rmtree(spool, ignore_errors=True)
    spool.mkdir(parents=True)
    try:
        yield spool
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def _since(gathering: Gathering, loading: Loading) -> Cursor | None:
    """Return where the last run stopped, even if it ended between storing a part and saying so."""
    with gathering.control.transaction() as control:
        mark = store.find_mark(control, SourceName(loading.source.name))
    if mark is None:
        return None
    app_id = part_app_id(loading.source.name, mark.next_origin)
    stored = gathering.lake.committed(loading.table.name, app_id) or 0
    return mark.next_cursor if stored >= mark.next_number else mark.cursor


def _number(gathering: Gathering, source: Source, part: Part) -> int:
    with gathering.control.transaction() as control:
        number = store.number_part(control, source.name, part.origin, part.fingerprint)
        if part.cursor is not None:
            name = SourceName(source.name)
            store.save_next(control, name, part.cursor, part.origin, number)
    return number


def _reader(
    gathering: Gathering,
    loading: Loading,
    folder: Path,
    spool: Path,
    connection: duckdb.DuckDBPyConnection,
) -> Reader:
    source = loading.source
    if isinstance(source, FileSource):

        def is_known(origin: str, fingerprint: str) -> bool:
            return _is_stored(gathering, loading, origin, fingerprint)

        return FileReader(source, folder, spool, connection, is_known)
    if isinstance(source, SqlSource):
        return SqlReader(source, gathering.secret, folder=folder, spool=spool)
    return HttpReader(source, gathering.secret)


def _is_stored(gathering: Gathering, loading: Loading, origin: str, fingerprint: str) -> bool:
    name = loading.source.name
    with gathering.control.transaction() as control:
        number = store.find_part(control, name, origin, fingerprint)
    if number is None:
        return False
    return is_stored(loading.lake, loading.table.name, Tx(part_app_id(name, origin), number))


def _save(gathering: Gathering, report: RunReport) -> None:
    with gathering.control.transaction() as connection:
        store.save_run(connection, report)


def _finish(
    gathering: Gathering, loading: Loading, report: RunReport, origins: Sequence[str]
) -> None:
    _save(gathering, report)
    is_done = report.state is State.DONE
    stored = report.outcome.inserted + report.outcome.updated
    fields = tuple(SchemaField(f.name, f.logical_type.value) for f in loading.table.fields)
    kind = loading.source.kind
    record_run(
        gathering.control,
        Run(
            run_id=report.run_id,
            job=f"load:{report.source}",
            kind="load",
            inputs=tuple(Input(Node(kind, origin)) for origin in dict.fromkeys(origins)),
            outputs=(Output(lake_node(report.dataset), fields, row_count=stored),),
            started_at=report.started_at,
            ended_at=report.ended_at,
            is_complete=is_done,
            error=report.error,
        ),
    )
    if stored:
        version = gathering.lake.version(report.dataset)
        gathering.publish(RowsStored(gathering.clock(), report.dataset, version))


def _refuse_doubles(source: Source, table: Table) -> None:
    """Refuse to append from a source that tells the same rows again in every run."""
    if source.rereads and source.write_mode(table.key) is Write.APPEND:
        raise RefusedError(
            "gather.would_double",
            f"Source {source.name!r} tells rows again that it told before, and to append them to "
            f"{table.name!r} would store them twice.",
            next_step="Give the contract a primary key, or use write: replace, or, for a database, "
            "a `cursor_column` with `cursor_is_unique`.",
        )


@contextmanager
def _alone(gathering: Gathering, report: RunReport) -> Iterator[None]:
    """Hold the source's lock; the kernel lets go of it when the process dies."""
    gathering.scratch.mkdir(parents=True, exist_ok=True)
    with (gathering.scratch / f"{report.source}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(
                "gather.source_running",
                f"Source {report.source!r} is being run already.",
                next_step="Wait until that run has ended, then run it again.",
            ) from None
        with gathering.control.transaction() as connection:
            store.end_abandoned(connection, report.source)
        yield
