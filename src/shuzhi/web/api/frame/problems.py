"""Refusals as problem details (RFC 9457), in the language of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from shuzhi.act.services import FieldProblem, ServiceError
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.web.api.frame.answers import Problem, Wrong
from shuzhi.web.pages.frame.languages import language_of, read_words
from shuzhi.web.problems import WebError
from shuzhi.web.statuses import status_of

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 50
_MOST_DETAIL = 500
# What somebody saw is a condition here (RFC 9110, section 13), and not a part of the request.
_CONDITIONAL = {"act.changed_meanwhile": 412, "share.changed_meanwhile": 412}
_WRONG_METHOD = 405
_HTTP = {404: "web.not_found", 405: "web.wrong_method", 413: "web.too_large"}


def problem(request: Request, error: ShuzhiError, errors: Sequence[Wrong] = ()) -> JSONResponse:
    """Return what `request` is answered with when `error` refuses it."""
    language = language_of(request)
    status = _CONDITIONAL.get(error.code) or status_of(error)
    told = Problem(
        type=f"urn:shuzhi:error:{error.code}",
        title=read_words()[f"problem.s{status}"][language],
        status=status,
        detail=error.message,
        next_step=error.next_step,
        errors=tuple(errors[:_MOST_ERRORS]) or _findings(error),
    )
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    again_s = getattr(error, "retry_after_s", None)
    if error.code == "app.still_answering":
        again_s = 1
    if again_s is not None:
        headers["Retry-After"] = f"{again_s}"
    return JSONResponse(told.model_dump(mode="json"), status, headers, MEDIA_TYPE)


def handle_problems(api: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Let an interface with these `routes` answer all that goes wrong with problem details."""

    async def _misled(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101  (registered for these alone)
        code = _HTTP.get(error.status_code, "web.bad_request")
        answer = problem(request, WebError(code, f"{error.detail}."))
        if error.status_code == _WRONG_METHOD:
            # The router names the methods of the first route alone that has the path.
            path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
            here = (route for route in routes if route.path_regex.match(path))
            methods = {method for route in here for method in route.methods or ()}
            answer.headers["Allow"] = ", ".join(sorted(methods))
        return answer

    api.add_exception_handler(ShuzhiError, _refused)
    api.add_exception_handler(RequestValidationError, _unfit)
    api.add_exception_handler(HTTPException, _misled)
    api.add_exception_handler(Exception, _broken)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ShuzhiError)  # noqa: S101  (registered for these alone)
    return problem(request, error)


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        said = WebError("web.bad_json", "The body is no JSON.", next_step="Send JSON in UTF-8.")
        return problem(request, said, [_wrong(each) for each in found])
    if any(_is_missing(each, "if-match") for each in found):
        said = WebError(
            "web.seen_missing",
            "The request does not say which version it is about.",
            next_step="Send the ETag of what you saw as If-Match.",
        )
        return problem(request, said)
    said = WebError(
        "web.bad_words",
        "Some parts of the request cannot be used.",
        next_step="Mend what `errors` names.",
    )
    return problem(request, said, [_wrong(each) for each in found])


async def _broken(request: Request, _error: Exception) -> JSONResponse:
    said = "Something of ours failed; it is in the log of the server."
    return problem(request, WebError("web.broken", said, next_step="Try again later."))


def _findings(error: ShuzhiError) -> tuple[Wrong, ...]:
    if isinstance(error, ServiceError):
        return tuple(map(_unfit_field, error.problems))
    found = error.findings if isinstance(error, DocumentError) else ()
    return tuple(Wrong(pointer=f.path, code=error.code, detail=f.problem) for f in found)


def _unfit_field(found: FieldProblem) -> Wrong:
    said = found.code.replace("_", " ")
    return Wrong(pointer=f"/fields/{found.field}", code=found.code, detail=f"It is: {said}.")


def _is_missing(error: dict[str, Any], header: str) -> bool:
    return error["type"] == "missing" and tuple(error["loc"]) == ("header", header)


def _wrong(error: dict[str, Any]) -> Wrong:
    place, *rest = (str(part) for part in error["loc"])
    if place == "body":
        way = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in rest)
        place = way.encode(errors="replace").decode()
    else:
        place = " ".join((place, *rest))
    return Wrong(pointer=place[:_MOST_DETAIL], code=error["type"], detail=error["msg"])
