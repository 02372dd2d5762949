"""Refusals as HTTP answers: problem details (RFC 9457), with one table of statuses."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from shuzhi.kernel.errors import BrokenError, RefusedError, ShuzhiError
from shuzhi.share.sensorthings import QueryError

_REFUSED, _BROKEN = 400, 503
_STATUS = {"web.unauthorized": 401, "web.not_found": 404, "web.too_long": 414}


class WebError(RefusedError):
    """A request that is refused before it reaches a verb."""


def status_of(error: ShuzhiError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, QueryError):
        return error.status
    if isinstance(error, BrokenError):
        return _BROKEN
    return _STATUS.get(error.code, _REFUSED)


def problem(error: ShuzhiError) -> JSONResponse:
    """Return an error as problem details: what, why, and what to do next."""
    status = status_of(error)
    document = {
        "type": f"urn:shuzhi:error:{error.code}",
        "title": error.message,
        "status": status,
        "detail": error.next_step,
    }
    return JSONResponse(document, status, media_type="application/problem+json")


async def told(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose verb refused or broke."""
    assert isinstance(error, ShuzhiError)  # noqa: S101  (registered for these alone)
    return problem(error)
