"""`/datasets`: what a data set promises, what it holds, how good it is, where it comes from.

No rows: those leave by an agreement. Only who answers for a data set sees its faulty cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from shuzhi.app import City
from shuzhi.gather.contracts import LogicalType
from shuzhi.gather.contracts.model import Dimension
from shuzhi.gather.lineage import Trace
from shuzhi.gather.lineage.model import Subtype
from shuzhi.gather.lineage.trace import Place
from shuzhi.gather.lineage.trace import Step as LineageStep
from shuzhi.gather.quality.model import Report
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts import Right
from shuzhi.web.api.frame.acting import VisitorHere
from shuzhi.web.api.frame.answers import Answer, Facts, Listed, Name
from shuzhi.web.api.frame.asking import CityHere, reads
from shuzhi.web.api.frame.owning import require_owner
from shuzhi.web.api.frame.paging import PageAsked

TAG = {
    "name": "datasets",
    "description": "数据集 · Data sets: columns, versions, quality, lineage.",
}
router = APIRouter(prefix="/datasets", tags=["datasets"])
Dataset = Annotated[Name, InPath(description="The name of the data set.")]
_MOST_DEPTH = 50


class HeldAnswer(Answer):
    """A data set, and what the lake holds of it."""

    name: str
    """Its name."""
    provider: str | None
    """Who answers for it; null where the catalogue does not say."""
    is_stored: bool
    """Whether anything was stored yet."""
    version: int | None
    """Its newest version in the lake."""
    stored_at: datetime | None
    """When that was stored."""


class Datasets(Listed):
    """A page of data sets, by name."""

    items: tuple[HeldAnswer, ...]
    """The data sets."""


class FieldAnswer(Answer):
    """A column of a data set."""

    name: str
    """Its name."""
    logical_type: LogicalType
    """What it holds."""
    title: str
    """What people call it."""
    title_zh: str
    """What people call it, in Chinese."""
    description: str
    """What it means."""
    unit: str | None
    """The unit of its values."""
    is_required: bool
    """Whether it must have a value."""
    is_unique: bool
    """Whether no value comes twice."""
    key_position: int | None
    """Its place in the primary key, from 1; null outside of it."""
    classification: str | None
    """How sensitive it is."""


class SchemaAnswer(HeldAnswer):
    """A data set with its contract."""

    contract: str
    """The contract that answers for it."""
    contract_version: str
    """The version of the contract."""
    status: str
    """How far the contract is."""
    description: str
    """What the contract is for."""
    fields: tuple[FieldAnswer, ...]
    """Its columns."""
    row_count: int | None
    """How many rows its newest version has."""


class VersionAnswer(Answer):
    """A version of a data set in the lake."""

    version: int
    """Its number."""
    committed_at: datetime
    """When it was stored."""
    verb: str
    """How it came about."""
    counts: Mapping[str, int]
    """What was written."""


class Versions(Listed):
    """A page of versions, the newest first."""

    items: tuple[VersionAnswer, ...]
    """The versions."""


class RatioAnswer(Answer):
    """A share, with the numbers that it comes from."""

    satisfied: int
    """How many satisfy what is asked."""
    checked: int
    """Of how many."""
    value: float | None
    """The share, 0 to 1."""


class FailedCheck(Answer):
    """A promise of the contract that is not kept."""

    id: str
    """Which promise."""
    column: str | None
    """About which column."""
    dimension: Dimension
    """The dimension of quality that it belongs to (GB/T 36344)."""
    title_en: str
    """What was promised."""
    title_zh: str
    """What was promised, in Chinese."""
    ratio: RatioAnswer | None
    """How far it is kept."""


class ReportAnswer(Answer):
    """What checking a version of a data set found."""

    version: int
    """The version that was checked."""
    measured_at: datetime
    """When."""
    contract_version: str
    """The version of the contract that it was held against."""
    rows: int
    """How many rows it had."""
    quarantined: int
    """How many rows were kept out."""
    total: RatioAnswer | None
    """Everything together."""
    dimensions: Mapping[Dimension, RatioAnswer | None]
    """By dimension (GB/T 36344)."""
    failed: tuple[FailedCheck, ...]
    """The promises that are not kept."""

    @classmethod
    def told(cls, report: Report) -> ReportAnswer:
        """Return a report."""
        failed = tuple(FailedCheck.about(m.check, ratio=m.ratio) for m in report.failed)
        return cls.about(report, failed=failed)


class Reports(Answer):
    """Reports on a data set, the oldest first."""

    items: tuple[ReportAnswer, ...]
    """The reports."""


class CellAnswer(Answer):
    """A cell that breaks a promise."""

    check_id: str
    """Which promise."""
    column: str | None
    """In which column."""
    value: Any
    """What stands there."""
    reason_en: str
    """What is wrong with it."""
    reason_zh: str
    """What is wrong with it, in Chinese."""


class FaultyAnswer(Answer):
    """A row with faults."""

    key: Facts
    """Its primary key, or all of it where there is none."""
    findings: tuple[CellAnswer, ...]
    """What is wrong in it."""


class FaultyRows(Answer):
    """The rows with the most faults."""

    items: tuple[FaultyAnswer, ...]
    """The rows, the worst first."""


class EdgeAnswer(Answer):
    """Something that was made of something."""

    source: str
    """Of what: a data set, or one of its columns."""
    target: str
    """What was made."""
    job: str
    """By which job."""
    ran_at: datetime
    """When that ran last."""
    distance: int
    """How many steps away from what was asked about."""
    how: tuple[Subtype, ...]
    """How a column depends on another (OpenLineage)."""

    @classmethod
    def told(cls, step: LineageStep) -> EdgeAnswer:
        """Return a step of a trace."""
        return cls.about(step, source=_place(step.source), target=_place(step.target))


class LineageAnswer(Answer):
    """Where a data set or a column comes from, and what depends on it."""

    place: str
    """What was asked about."""
    upstream: tuple[EdgeAnswer, ...]
    """What it was made of."""
    downstream: tuple[EdgeAnswer, ...]
    """What was made of it."""
    is_cut: bool
    """Whether there is more, further away."""

    @classmethod
    def told(cls, trace: Trace) -> LineageAnswer:
        """Return a trace."""
        ways = (map(EdgeAnswer.told, steps) for steps in (trace.upstream, trace.downstream))
        up, down = map(tuple, ways)
        return cls(place=_place(trace.place), upstream=up, downstream=down, is_cut=trace.is_cut)


@router.get("", **reads(Right.READ))
def list_datasets(city: CityHere, page: PageAsked) -> Datasets:
    """List the data sets that a contract answers for, by name."""
    names = [name for name in city.datasets() if page.name is None or name > page.name]
    shown, following = page.cut(names, lambda one: one)
    items = tuple(HeldAnswer(**_held(city, name)) for name in shown)
    return Datasets(items=items, next=following)


@router.get("/{dataset}", **reads(Right.READ))
def show_dataset(city: CityHere, dataset: Dataset) -> SchemaAnswer:
    """Show a data set with its columns, as its contract has them."""
    contract, table = city.contract(dataset)
    is_stored = city.lake.exists(dataset)
    return SchemaAnswer.about(
        contract,
        **_held(city, dataset),
        contract=contract.name,
        contract_version=contract.version,
        fields=table.fields,
        row_count=city.lake.count(dataset) if is_stored else None,
    )


@router.get("/{dataset}/versions", **reads(Right.READ))
def list_dataset_versions(city: CityHere, dataset: Dataset, page: PageAsked) -> Versions:
    """List the versions of a data set in the lake, the newest first."""
    city.contract(dataset)
    found = city.lake.history(dataset) if city.lake.exists(dataset) else []
    before = page.number
    older = [v for v in found if before is None or v.version < before]
    shown, following = page.cut(older, lambda one: one.version)
    return Versions(items=tuple(VersionAnswer.about(version) for version in shown), next=following)


@router.get("/{dataset}/quality", **reads(Right.READ))
def list_quality_reports(
    city: CityHere,
    dataset: Dataset,
    limit: Annotated[int, Query(ge=1, le=100, description="How many reports at most.")] = 30,
) -> Reports:
    """Show how good a data set was at each of the newest checks, the oldest of them first."""
    return Reports(items=tuple(map(ReportAnswer.told, city.trend(dataset, limit))))


@router.get("/{dataset}/worst-rows", **reads(Right.CORRECT))
def list_worst_rows(
    city: CityHere,
    visitor: VisitorHere,
    dataset: Dataset,
    limit: Annotated[int, Query(ge=1, le=100, description="How many rows at most.")] = 20,
) -> FaultyRows:
    """Show the rows with the most faults, to whoever corrects data for their provider."""
    city.contract(dataset)
    require_owner(visitor, city, dataset)
    found = city.worst_rows(dataset, limit) if city.lake.exists(dataset) else ()
    return FaultyRows(items=tuple(FaultyAnswer.about(row) for row in found))


@router.get("/{dataset}/lineage", **reads(Right.READ))
def trace_dataset(
    city: CityHere,
    dataset: Dataset,
    column: Annotated[Name | None, Query(description="Of this column alone.")] = None,
    depth: Annotated[int, Query(ge=1, le=_MOST_DEPTH, description="How far.")] = 6,
) -> LineageAnswer:
    """Show what a data set or a column was made of, and what was made of it."""
    what = dataset if column is None else f"{dataset}.{column}"
    return LineageAnswer.told(city.trace(what, depth=depth))


def _held(city: City, name: str) -> dict[str, Any]:
    version, stored_at = None, None
    is_stored = city.lake.exists(name)
    if is_stored:
        version = city.lake.version(name)
        # When an old version was stored may be known no longer.
        with suppress(RefusedError):
            stored_at = city.lake.committed_at(name, version)
    return {
        "name": name,
        "provider": city.provider(name),
        "is_stored": is_stored,
        "version": version,
        "stored_at": stored_at,
    }


def _place(place: Place) -> str:
    return f"{place.node}" if place.column is None else f"{place.node}.{place.column}"
