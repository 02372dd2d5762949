"""Builds models over the lake, each after those that it reads, and tells the lineage of each.

A build that stops half-way has written nothing or all: the lake commits once, and a build that was
committed but not noted is built again to the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Timer

import duckdb
import pyarrow as pa

from shuzhi.decide.models.building import build_changes, build_whole, changed_rows
from shuzhi.decide.models.by_law import law_inputs, schemas_of, told_law, with_law
from shuzhi.decide.models.changes import change_by_grain, moved
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
    record_run,
)
from shuzhi.gather.sources import Progress
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.kernel.events import Publish, ignore
from shuzhi.kernel.ids import DatasetName, new_run_id
from shuzhi.kernel.instant import Clock, Instant
from shuzhi.kernel.law import Law

# Counts changes of how models are built: raise it, and every model is built anew.
_FORM = 2
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
    law: Law = field(default_factory=lambda: Law({}))
    zone: str = "UTC"


def run_models(
    building: Building, models: Iterable[Model], progress: Progress
) -> tuple[ModelRun, ...]:
    """Build every model whose inputs, SQL or law changed; return what became of each, in order.

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


def _built(building: Building, declared: Model) -> ModelRun:
    lake, started = building.lake, building.clock()
    model = with_law(declared, building.law, zone=building.zone)
    inputs = {str(name): lake.version(name) for name in model.reads}
    digest = hashlib.sha256(f"{_FORM}{model.sql}{model.incremental}".encode()).hexdigest()
    with building.control.transaction() as connection:
        before = find_build(connection, model.name)
    known = before if before and before.digest == digest and _stands(lake, model, before) else None
    if known is not None and not moved(lake, known.inputs, inputs):
        return _unchanged(building, model, known, inputs)
    columns = _columns(building, declared, inputs)
    commit = _written(building, model, known, inputs)
    if known is not None and commit.version == known.version:
        return _unchanged(building, model, known, inputs)
    run = _lineage(building, model, commit, columns, inputs, started)
    # Told before it is noted: whoever dies in between builds again, and tells it again.
    record_run(building.control, run)
    ended = run.ended_at or started
    _note(building, model, Build(digest, inputs, commit.version, ended))
    building.publish(ModelBuilt(ended, model.name, commit.version))
    return ModelRun(model.name, State.BUILT, commit.inserted + commit.updated, commit.version)


def _stands(lake: Lake, model: Model, build: Build) -> bool:
    """Tell whether the data set is as this build left it: an older one may have ended later."""
    if not lake.exists(model.name):
        return False
    name = str(model.name)
    return not moved(lake, {name: build.version}, {name: lake.version(name)})


def _unchanged(
    building: Building, model: Model, known: Build, inputs: Mapping[str, int]
) -> ModelRun:
    if known.inputs != inputs:
        _note(building, model, replace(known, inputs=inputs))
    return ModelRun(model.name, State.UNCHANGED, version=known.version)


def _note(building: Building, model: Model, build: Build) -> None:
    with building.control.transaction() as connection:
        save_build(connection, model.name, build)


def _written(
    building: Building, model: Model, known: Build | None, inputs: Mapping[str, int]
) -> Commit:
    lake, given = building.lake, model.incremental
    since = None if known is None else known.inputs
    change = None if since is None else change_by_grain(lake, model, since, inputs)
    also = () if change is None else changed_rows(change)
    names = (*model.reads, *(() if change is None else (model.name,)))
    with (
        lake.duck(
            only=names, also=also, version=inputs, memory_limit=building.memory_limit
        ) as connection,
        _bounded(connection, building.most_seconds, model),
    ):
        if change is None or given is None:
            return build_whole(model, connection, lake)
        return build_changes(model, given, change, connection, lake)


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


def _columns(
    building: Building, model: Model, inputs: Mapping[str, int]
) -> Mapping[str, tuple[ColumnRef, ...]]:
    """Return what each column of the answer comes from, read off the SQL as it was written."""
    schemas = {r: _types(building.lake.schema(r, version=v)) for r, v in inputs.items()}
    found = columns_of(model.sql, {**schemas, **schemas_of(model, building.law)})
    return {name: tuple(told_law(ref, model) for ref in refs) for name, refs in found.items()}


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
    read = (Input(lake_node(name), version=version) for name, version in inputs.items())
    return Run(
        run_id=new_run_id(),
        job=f"model:{model.name}",
        kind="model",
        inputs=(*read, *law_inputs(model)),
        outputs=(
            Output(lake_node(model.name), fields, columns, row_count=rows, version=commit.version),
        ),
        started_at=started,
        ended_at=building.clock(),
        is_complete=True,
        sql=model.sql.strip(),
    )
