"""Refusals as HTTP answers: problem details (RFC 9457)."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.web.statuses import status_of


class WebError(RefusedError):
    """A request that is refused before it reaches a verb."""


def problem(error: ShuzhiError) -> JSONResponse:
    """Return an error as problem details: what, why, and what to do next."""
    status = status_of(error)
    document = {
        "type": f"urn:shuzhi:error:{error.code}",
        "title": error.message,
        "status": status,
        "detail": error.next_step,
        "next_step": error.next_step,
        "errors": [],
    }
    return JSONResponse(document, status, media_type="application/problem+json")
