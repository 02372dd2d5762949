"""A data set: what it is, who may have it, its columns, its quality, where it comes from."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response

from shuzhi.app import City
from shuzhi.gather.contracts.model import ServiceLevel, Table
from shuzhi.gather.lineage import Trace
from shuzhi.gather.quality import trend
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Agreement, agreements
from shuzhi.share.catalogue import CatalogueError, Record
from shuzhi.web.drawing.lineage import lineage
from shuzhi.web.pages.frame.reading import Reader
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import require_rows, sees_rows, sharing_sight
from shuzhi.web.visitors import Visitor, visitor_of

_WORST = 20


def routes(site: Site) -> APIRouter:
    """Return the routes of a data set's pages."""
    router = APIRouter()

    @router.get("/datasets/{dataset:path}")
    def show(request: Request, dataset: str) -> Response:
        city, reader = site.city, site.reader(request)
        record = _record(city, dataset)
        trace, table = _trace(city, dataset), _table(city, dataset)
        return site.page(
            request,
            "dataset.html",
            reader=reader,
            dataset=dataset,
            record=record,
            table=table,
            kept=table and _kept(table),
            trend=trend(city.control, dataset),
            is_checked=dataset in city.datasets() and city.lake.exists(dataset),
            trace=trace,
            drawn=trace and _drawn(city, reader, trace),
            users=_users(city, visitor_of(request), dataset),
            may_apply=_may_apply(visitor_of(request), record),
            sees_rows=sees_rows(visitor_of(request), city, [dataset]),
        )

    @router.get("/worst-rows/{dataset:path}")
    def worst(request: Request, dataset: str) -> Response:
        require_rows(visitor_of(request), site.city, dataset)
        rows = site.city.worst_rows(dataset, _WORST)
        return site.page(request, "worst_rows.html", dataset=dataset, worst=rows)

    return router


def _users(city: City, visitor: Visitor, dataset: str) -> tuple[Agreement, ...]:
    """Return by which agreements the data are used, as far as the visitor sees them."""
    seen_by = sharing_sight(visitor, city).parties
    return agreements(city.sharing_office, dataset=dataset, in_force=True, seen_by=seen_by)


def _record(city: City, dataset: str) -> Record | None:
    """Return the catalogue's record; one that models make may have none."""
    try:
        return city.entry(dataset)
    except CatalogueError:
        if dataset not in city.datasets() and not city.lake.exists(dataset):
            raise
        return None


def _may_apply(visitor: Visitor, record: Record | None) -> bool:
    """Whether a visitor may apply for data, for another party than the one that provides them."""
    if visitor.standing is None or record is None:
        return False
    return bool(visitor.standing.parties(Right.APPLY) - {record.entry.provider.id})


def _table(city: City, dataset: str) -> Table | None:
    with suppress(RefusedError):
        return city.contract(dataset)[1]
    return None


def _kept(table: Table) -> ServiceLevel | None:
    """Return for how long the contract promises to keep rows, if it does."""
    return next((level for level in table.service_levels if level.name == "retention"), None)


def _trace(city: City, dataset: str) -> Trace | None:
    with suppress(RefusedError):
        return city.trace(dataset, depth=6)
    return None


def _drawn(city: City, reader: Reader, trace: Trace) -> Any:
    held = set(city.lake.names())

    def address(name: str) -> str | None:
        return f"/datasets/{name}" if name in held else None

    return lineage(trace, reader.t("dataset.lineage"), address)
