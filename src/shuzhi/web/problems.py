"""Refusals as HTTP answers, problem details (RFC 9457), with one table of statuses."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from shuzhi.kernel.errors import BrokenError, RefusedError, ShuzhiError
from shuzhi.share.sensorthings import QueryError

_REFUSED, _BROKEN = 400, 503
_STATUS = {
    "act.changed_meanwhile": 409,
    "act.no_such_case": 404,
    "act.no_such_score": 404,
    "act.no_such_measure": 404,
    "act.not_scored": 404,
    "app.no_such_rule": 404,
    "audit.no_log": 404,
    "audit.no_such_entry": 404,
    "decide.goal_unknown": 404,
    "decide.indicator_group_unknown": 404,
    "decide.indicator_unknown": 404,
    "gather.no_such_source": 404,
    "share.account_unknown": 404,
    "share.entry_unknown": 404,
    "share.key_unknown": 404,
    "share.login_refused": 401,
    "share.oidc_refused": 401,
    "share.session_unknown": 404,
    "web.form_expired": 403,
    "web.not_allowed": 403,
    "web.not_found": 404,
    "web.read_only": 403,
    "web.sign_in_again": 403,
    "web.tls_needed": 403,
    "web.too_long": 414,
    "web.too_many_tries": 429,
    "web.unauthorized": 401,
    "web.wrong_host": 421,
}


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
