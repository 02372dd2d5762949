"""The audit log: what was done, the proof of each entry, and whether the log is whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import seen_entries, seen_entry
from shuzhi.web.visitors import visitor_of

_A_PAGE = 50


def routes(site: Site) -> APIRouter:
    """Return the routes of the audit log."""
    router = APIRouter()

    @router.get("/audit")
    def entries(request: Request, before: int | None = None) -> Response:
        city = site.city
        if not city.has_audit_log():
            return site.page(request, "audit.html", head=None, entries=[], older=None, newer=None)
        head = city.audit_head()
        size = head.checkpoint.size
        end = size if before is None else min(max(before, 1), size)
        found = seen_entries(visitor_of(request), city, end, _A_PAGE)
        return site.page(
            request,
            "audit.html",
            head=head,
            entries=found.entries,
            older=found.older,
            newer=min(end + _A_PAGE, size) if end < size else None,
        )

    @router.get("/audit/verify")
    def verify(request: Request) -> Response:
        city = site.city
        report = city.verify_audit() if city.has_audit_log() else None
        return site.page(request, "verify.html", report=report)

    _one(router, site)
    return router


def _one(router: APIRouter, site: Site) -> None:
    @router.get("/audit/entries/{index}")
    def entry(request: Request, index: Annotated[int, Path(ge=0, lt=2**62)]) -> Response:
        found, proof = seen_entry(visitor_of(request), site.city, index)
        raw, content = found.raw.decode(errors="replace"), found.content
        return site.page(
            request, "entry.html", index=index, raw=raw, content=content, proof=f"{proof}"
        )

    @router.get("/audit/entries/{index}/proof")
    def proof(request: Request, index: Annotated[int, Path(ge=0, lt=2**62)]) -> Response:
        _, found = seen_entry(visitor_of(request), site.city, index)
        headers = {"Content-Disposition": f'attachment; filename="entry-{index}.tlog-proof"'}
        return Response(str(found), media_type="text/plain; charset=utf-8", headers=headers)
