"""What law lays on who provides, uses and manages data, and who does not keep it."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.ids import PartyId
from shuzhi.share.duties import breaches, duty_list, records
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.seeing import sharing_sight
from shuzhi.web.visitors import visitor_of

_A_PAGE = 50


def routes(site: Site) -> APIRouter:
    """Return the route of duties."""
    router = APIRouter()

    @router.get("/duties")
    def listed(request: Request, before: int = 0) -> Response:
        office, asked = site.city.duties_office, request.query_params
        party, duty = asked.get("party") or None, asked.get("duty") or None
        found = breaches(
            office,
            party=None if party is None else PartyId(party),
            duty=duty,
            seen_by=sharing_sight(visitor_of(request), site.city).parties,
            before=before if before > 0 else None,
            limit=_A_PAGE,
        )
        standing, law = records(office), duty_list()
        return site.page(
            request,
            "duties.html",
            law=law,
            titles={each.id: each.title for each in law.duties},
            standing=standing,
            going_on=sum((each.going_on for each in standing), Counter[str]()),
            found=found,
            party=party or "",
            duty=duty or "",
            next=found[-1].id if len(found) == _A_PAGE else None,
        )

    return router
