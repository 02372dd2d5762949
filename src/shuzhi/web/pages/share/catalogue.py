"""The catalogue: search and facets."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from shuzhi.share.catalogue import FACETS, Sort
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError

_MOST_TEXT = 200


def routes(site: Site) -> APIRouter:
    """Return the route of the catalogue."""
    router = APIRouter()

    @router.get("/catalogue")
    def catalogue(
        request: Request, q: str = "", sort: str = Sort.RELEVANCE, after: str | None = None
    ) -> Response:
        if sort not in set(Sort):
            raise WebError("web.not_found", "There is no such order.")
        reader, text = site.reader(request), q.strip()[:_MOST_TEXT]
        asked = {facet: request.query_params.getlist(facet)[:50] for facet in FACETS}
        chosen = {facet: values for facet, values in asked.items() if values}
        page = site.city.search(
            text, facets=chosen, sort=Sort(sort), after=after or None, language=reader.language
        )
        return site.page(
            request,
            "catalogue.html",
            reader=reader,
            page=page,
            q=text,
            sort=sort,
            sorts=tuple(Sort),
            chosen=chosen,
        )

    return router
