"""Builds models over the lake, each after those that it reads, and tells the lineage of each.

A build that stops half-way has written nothing or all: the lake commits once, and a build that was
committed but not noted is built again to the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from threading import Timer

import duckdb
import pyarrow as pa
from sqlglot import exp

from shuzhi.decide.models.model import Model, ModelBuilt, ModelRun, State
from shuzhi.decide.models.order import ordered
from shuzhi.decide.models.store import Build, find_build, save_build
from shuzhi.gather.lake import Commit, Lake
from shuzhi.gather.lineage import (
    ColumnRef,
    Input,
    Output,
    Run,
    SchemaField,
    columns_of,
    lake_node,
    parse_query,
    record_run,
)
from shuzhi.gather.sources import Progress
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import DatasetName, new_run_id
from shuzhi.kernel.instant import Clock, Instant

# Counts changes of how models are built: raise it, and every model is built anew.
_FORM = 1
_NOT_BUILT = (State.FAILED, State.SKIPPED)


@dataclass(frozen=True)
class Building:
    """What building models needs of the platform."""

    control: Control
    lake: Lake
    clock: Clock
    publish: Publish = ignore
    memory_limit: str = "1GB"
    most_seconds: float = 600.0


def run_models(
    building: Building, models: Iterable[Model], progress: Progress
) -> tuple[ModelRun, ...]:
    """Build every model whose inputs or SQL changed and return what became of each, in order.

    A model that fails holds up only those that read it.

    Raises:
        RefusedError: `decide.model_cycle`.
    """
    done: dict[DatasetName, ModelRun] = {}
    in_order = ordered(models)
    progress.started("models", len(in_order))
    try:
        for model in in_order:
            done[model.name] = _one(building, model, done)
            progress.advanced(1)
    finally:
        progress.finished()
    return tuple(done.values())


def _one(building: Building, model: Model, done: Mapping[DatasetName, ModelRun]) -> ModelRun:
    broken = [
        r for r in model.reads if r in done and done[r].state in (State.FAILED, State.SKIPPED)
    ]
    if broken:
        return ModelRun(model.name, State.SKIPPED, reason=f"{broken[0]} was not built")
    absent = [r for r in model.reads if not building.lake.exists(r)]
    if absent:
        return ModelRun(model.name, State.SKIPPED, reason=f"there is no data set {absent[0]} yet")
    try:
        return _built(building, model)
    except ShuzhiError as error:
        return ModelRun(
            model.name, State.FAILED, reason=f"{error.message} {error.next_step}".strip()
        )


def _built(building: Building, model: Model) -> ModelRun:
    inputs = {str(name): building.lake.version(name) for name in model.reads}
    digest = hashlib.sha256(f"{_FORM}{model.sql}{model.incremental}".encode()).hexdigest()
    with building.control.transaction() as connection:
        before = find_build(connection, model.name)
    is_there = before is not None and building.lake.exists(model.name)
    if is_there and before and (before.digest, before.inputs) == (digest, inputs):
        return ModelRun(model.name, State.UNCHANGED, version=before.version)
    known = before if is_there and before and before.digest == digest else None
    started = building.clock()
    schemas = {str(r): _types(building.lake.schema(r)) for r in model.reads}
    columns = columns_of(model.sql, schemas)
    commit, seen_until = _written(building, model, known)
    run = _lineage(building, model, commit, columns, inputs, started)
    with building.control.transaction() as connection:
        build = Build(digest, inputs, commit.version, run.ended_at or started, seen_until)
        save_build(connection, model.name, build)
    record_run(building.control, run)
    building.publish(ModelBuilt(run.ended_at or started, model.name, commit.version))
    return ModelRun(model.name, State.BUILT, commit.inserted + commit.updated, commit.version)


def _written(
    building: Building, model: Model, known: Build | None
) -> tuple[Commit, Instant | None]:
    with (
        building.lake.duck(only=model.reads, memory_limit=building.memory_limit) as connection,
        _bounded(connection, building.most_seconds, model),
    ):
        seen_until = _newest(connection, model)
        since = known.seen_until if known else None
        query = _since(model, since)
        rows = connection.sql(query).to_arrow_reader(122_880)
        return _stored(building.lake, model, rows, is_part=since is not None), seen_until


def _stored(lake: Lake, model: Model, rows: pa.RecordBatchReader, *, is_part: bool) -> Commit:
    if lake.exists(model.name):
        lake.widen(model.name, rows.schema)
    if model.incremental is not None and is_part:
        return lake.upsert(model.name, rows, key=model.incremental.key)
    return lake.overwrite(model.name, rows)


def _newest(connection: duckdb.DuckDBPyConnection, model: Model) -> Instant | None:
    given = model.incremental
    if given is None:
        return None
    newest = exp.select(exp.Max(this=exp.column(given.by, quoted=True)))
    query = newest.from_(exp.to_table(given.dataset)).sql("duckdb")
    found = connection.execute(query).fetchall()[0][0]
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    return Instant(found.astimezone(UTC)) if isinstance(found, datetime) else None


def _since(model: Model, since: Instant | None) -> str:
    given = model.incremental
    if given is None or since is None:
        return model.sql
    by, grain = exp.column(given.by, quoted=True), given.grain.value
    seen = exp.cast(exp.Literal.string(since.isoformat()), "TIMESTAMPTZ")
    back = exp.Interval(this=exp.Literal.string(str(given.look_back)), unit=exp.var(grain))
    whole = exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(grain), seen])
    recent = (
        exp.select("*")
        .from_(exp.to_table(given.dataset))
        .where(exp.GTE(this=by, expression=exp.Sub(this=whole, expression=back)))
    )

    def narrowed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Table) and node.name == given.dataset:
            return recent.subquery(node.alias_or_name)
        return node

    return parse_query(model.sql).transform(narrowed).sql("duckdb")


@contextmanager
def _bounded(connection: duckdb.DuckDBPyConnection, seconds: float, model: Model) -> Iterator[None]:
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    except (duckdb.Error, pa.ArrowException) as error:
        late = not timer.is_alive()
        why = f"it took longer than {seconds:g} s" if late else str(error).split("\n\n")[0]
        raise RefusedError(
            "decide.model_failed",
            f"The model {model.name} could not be built: {why}.",
            next_step="Correct its SQL; what was built before stays.",
        ) from None
    finally:
        timer.cancel()


def _types(schema: pa.Schema) -> dict[str, str]:
    return {f.name: str(f.type) for f in schema}


def _lineage(
    building: Building,
    model: Model,
    commit: Commit,
    columns: Mapping[str, tuple[ColumnRef, ...]],
    inputs: Mapping[str, int],
    started: Instant,
) -> Run:
    fields = tuple(SchemaField(n, t) for n, t in _types(building.lake.schema(model.name)).items())
    rows = commit.inserted + commit.updated
    return Run(
        run_id=new_run_id(),
        job=f"model:{model.name}",
        kind="model",
        inputs=tuple(Input(lake_node(name), version=version) for name, version in inputs.items()),
        outputs=(
            Output(lake_node(model.name), fields, columns, row_count=rows, version=commit.version),
        ),
        started_at=started,
        ended_at=building.clock(),
        is_complete=True,
        sql=model.sql.strip(),
    )
