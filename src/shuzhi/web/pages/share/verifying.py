"""Verification at a window (核验比对): does this hold, of one subject or of a list in a file.

What is typed is sent in a form and never stands in an address; an answer is shown again to the
visit that asked, for minutes, without being asked for again.
"""

from __future__ import annotations

from math import ceil
from typing import cast

from anyio import from_thread
from fastapi import APIRouter, Request, Response

from shuzhi.gather.contracts import table_named
from shuzhi.kernel.errors import RefusedError
from shuzhi.share.access import Refusal
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.verification import Asking, Permit, Slowed
from shuzhi.web.pages.frame.sending import FieldError, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.askers import standing_of
from shuzhi.web.pages.share.verifying_lists import FILE, list_answered
from shuzhi.web.pages.share.verifying_told import Listed, Single, held_told, keep_told
from shuzhi.web.pages.share.verifying_who import (
    NotAnsweredError,
    asking_of,
    choices,
    question_typed,
    ways_of,
)
from shuzhi.web.problems import WebError
from shuzhi.web.turns import MOST_BYTES, MOST_QUESTIONS, Line

_PATH = "/verify"
# Beside the file a form holds a few words.
_MOST_SENT = MOST_BYTES + 10_000
_LIST = "list"
_FIELDS = {"share.bad_question": "subject"}
_FIELDS_OF_LIST = {"share.bad_question": FILE, "share.bad_batch": FILE, "web.too_large": FILE}


def routes(site: Site) -> APIRouter:
    """Return the routes of verification at a window."""
    router = APIRouter()

    @router.get(_PATH)
    def blank(request: Request) -> Response:
        return _page(site, request)

    @router.post(_PATH)
    async def one(request: Request) -> Response:
        return await _one(site, request)

    @router.post(f"{_PATH}/lists")
    async def many(request: Request) -> Response:
        return await _many(site, request)

    @router.get(f"{_PATH}/answers/{{kept}}")
    def again(request: Request, kept: str) -> Response:
        return _page(site, request, told=_held(site, request, kept), kept=kept)

    @router.get(f"{_PATH}/answers/{{kept}}/list.csv")
    def file(request: Request, kept: str) -> Response:
        return _file(_held(site, request, kept))

    return router


async def _one(site: Site, request: Request) -> Response:
    """Ask about one subject, among all who ask at the same time."""
    standing, line = _asker(request), cast("Line", request.app.state.line)

    def do(typed: Typed) -> str:
        asking = asking_of(standing, typed)
        question = question_typed(site.city.verification_desk, asking, typed)
        result = from_thread.run(line.asked, asking.user, question)
        if isinstance(result, Refusal):
            raise NotAnsweredError(result)
        return _kept(site, standing, Single.of(asking, question, result))

    def again(typed: Typed, error: RefusedError) -> Response:
        return _page(site, request, typed, error)

    return await send(site, request, do, again)


async def _many(site: Site, request: Request) -> Response:
    """Ask about those in a file."""
    standing = _asker(request)
    _require_short(request)

    def do(typed: Typed) -> str:
        asking, content = asking_of(standing, typed), typed.files.get(FILE, b"")
        if not content:
            raise FieldError("web.no_file", FILE, "There is no file.")
        listed = list_answered(site.city.verification_desk, asking, content)
        return _kept(site, standing, listed)

    def again(typed: Typed, error: RefusedError) -> Response:
        return _page(site, request, typed, error)

    return await send(site, request, do, again, most_files=1)


def _file(held: Single | Listed) -> Response:
    """Return the answers to a list as a file to keep."""
    if not isinstance(held, Listed):
        raise WebError("web.not_found", "This answer is of no list.")
    named = f'attachment; filename="answers-{held.receipt or 0}.csv"'
    headers = {"Content-Disposition": named, "Cache-Control": "private, no-store"}
    return Response(held.content, headers=headers, media_type="text/csv; charset=utf-8")


def _asker(request: Request) -> Standing:
    """Return the standing of who may verify, for whom alone this is."""
    otherwise = WebError(
        "web.not_allowed",
        "Verification is for who uses data by an agreement.",
        next_step="Sign in as a data user.",
    )
    return standing_of(request, Right.VERIFY, otherwise)


def _require_short(request: Request) -> None:
    """Refuse a body that is too long for a list before it is read."""
    length = request.headers.get("content-length", "")
    if not (length.isdecimal() and int(length) <= _MOST_SENT):
        raise WebError(
            "web.too_large",
            f"A list has at most {MOST_BYTES:,} bytes.",
            next_step="Send a shorter list, or ask for: shuzhi verification batch.",
        )


def _kept(site: Site, standing: Standing, what: Single | Listed) -> str:
    """Keep an answer for the visit; return where it is shown."""
    return f"{_PATH}/answers/{keep_told(site.city, standing, what)}"


def _held(site: Site, request: Request, name: str) -> Single | Listed:
    held = held_told(site.city, _asker(request), name)
    if held is None:
        raise WebError(
            "web.not_found",
            "This answer is not shown any more.",
            next_step="Its receipt stands at /receipts; ask anew at /verify.",
        )
    return held


def _page(
    site: Site,
    request: Request,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    *,
    told: Single | Listed | None = None,
    kept: str = "",
) -> Response:
    standing = _asker(request)
    found = choices(site.city, standing)
    asking = told.asking if told else _chosen(standing, typed or Typed.asked(request))
    if asking is None and len(found) == 1:
        (only,) = found
        asking = asking_of(standing, Typed({n: (f"{v}",) for n, v in vars(only).items()}))
    permit = site.city.verification_desk.permit(asking) if asking else None
    if isinstance(permit, Refusal):
        # An answer that was given stays one, also where it was the last that might be given.
        error, permit = error or (None if told else NotAnsweredError(permit)), None
    refusal = getattr(error, "refusal", None)
    fields = _FIELDS_OF_LIST if typed and typed.one("verb") == _LIST else _FIELDS
    answer = shown(
        site, request, "verification.html", typed, error, fields,
        choices=found, asking=asking, refusal=refusal, told=told, kept=kept,
        is_list=isinstance(told, Listed), most=MOST_QUESTIONS,
        **_asked_about(site, permit),
    )  # fmt: skip
    if told:
        # Else the next at the same machine may see it by going back.
        answer.headers["Cache-Control"] = "private, no-store"
    if isinstance(refusal, Slowed):
        answer.headers["Retry-After"] = f"{max(1, ceil(refusal.retry_after_s))}"
    return answer


def _chosen(standing: Standing, typed: Typed) -> Asking | None:
    return asking_of(standing, typed) if typed.one("party") else None


def _asked_about(site: Site, permit: Permit | None) -> dict[str, object]:
    """Return the columns that may be asked about, as the contract describes them."""
    if permit is None:
        return {"columns": [], "ways": {}, "dataset": ""}
    ways = ways_of(permit)
    _, table = table_named(site.city.control, permit.verifiable.dataset)
    columns = [each for each in table.fields if each.name in ways]
    return {"columns": columns, "ways": ways, "dataset": permit.verifiable.dataset}
