"""`/sensorthings/v1.1`: observations for ordinary clients (OGC 18-088), read only."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from shuzhi.app import City
from shuzhi.share.sensorthings import Answer, Service, monitors_engine
from shuzhi.web.problems import WebError

PREFIX = "/sensorthings/v1.1"
_MOST_URL = 8_000


def routes(city: City) -> APIRouter:
    """Return the routes of the service over a city's monitors."""
    router = APIRouter(prefix=PREFIX)

    @router.get("", include_in_schema=False)
    @router.get("/{path:path}", summary="SensorThings 1.1: entities of the city's monitors")
    async def entities(request: Request, path: str = "") -> Response:
        # Keys may hold an escaped slash: the path is cut before it is unescaped.
        raw = request.scope["raw_path"].decode("ascii", "replace")
        query = request.scope["query_string"].decode("ascii", "replace")
        if len(raw) + len(query) > _MOST_URL:
            raise WebError("web.too_long", f"A URL has at most {_MOST_URL:,} characters.")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        way = raw.partition(PREFIX)[2] if PREFIX in raw else unquote(path)
        root = f"{request.base_url}".rstrip("/") + PREFIX
        return _shown(await run_in_threadpool(_answer, city, root, way, asked))

    return router


def _answer(city: City, root: str, path: str, query: dict[str, str]) -> Answer:
    opened = monitors_engine(
        city.lake,
        city.stations(),
        city.clock(),
        memory_limit=city.settings.memory_limit,
    )
    with opened as engine:
        return Service(engine, root).get(path, query)


def _shown(answer: Answer) -> Response:
    if answer.text is not None:
        return Response(answer.text, media_type="text/plain; charset=utf-8")
    text = json.dumps(answer.document, ensure_ascii=False, default=str)
    return Response(text, media_type="application/json")
