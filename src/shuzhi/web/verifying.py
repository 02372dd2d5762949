"""`POST /api/v1/verifications`: one question, or up to a thousand; the way is kept short."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from math import ceil
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shuzhi.kernel.errors import ShuzhiError
from shuzhi.share.access import Refusal, User
from shuzhi.share.accounts import Right, Standing
from shuzhi.share.verification import Answered, Receipted, Slowed, question_of, with_receipt
from shuzhi.web.api.frame.asking import require_json, require_same_origin
from shuzhi.web.problems import WebError, problem
from shuzhi.web.turns import MOST_BYTES, MOST_QUESTIONS, Line
from shuzhi.web.visitors import bearer, visitor_of

PATH = "/api/v1/verifications"
# One question, or a few; answers to more are worth packing.
_MOST_SHORT_BYTES = 1_500
_MOST_KNOWN = 10_000
_JSON = (b"content-type", b"application/json")
_PROBLEM = "application/problem+json"
_SHARED = ("agreement", "purpose", "role")


class _Told(Response):
    """JSON that is written already."""

    def __init__(self, body: bytes) -> None:
        # What the constructor of responses does for any body takes longer than to answer.
        self.status_code, self.body, self.background = 200, body, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON]


def route(line: Line) -> Route:
    """Return the route over a line."""
    return Route(PATH, _verify(line), methods=["POST"])


class Shortcut:
    """Takes short questions past all that other answers pass after the guards (ASGI).

    Their answers are too short to be packed, and no page or exception of the framework is in them.
    """

    def __init__(self, app: ASGIApp, line: Line) -> None:
        self._app = app
        self._verify = _verify(line)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        app = self._answer if _is_short(scope) else self._app
        await app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._verify(Request(scope, receive))
        await answer(scope, receive, send)


def _is_short(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
        return False
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return bool(length.isdigit()) and int(length) <= _MOST_SHORT_BYTES


def _verify(line: Line) -> Callable[[Request], Awaitable[Response]]:
    async def verify(request: Request) -> Response:
        try:
            return await _verified(line, request)
        except ShuzhiError as error:
            return problem(error)

    return verify


async def _verified(line: Line, request: Request) -> Response:
    standing = visitor_of(request).standing
    if standing is None:
        raise WebError("web.unauthorized", "Verification asks who you are.")
    if standing.scopes is None:
        _require_ours(request)
    user = _user_of(standing)
    document = await _document(request)
    if isinstance(document, dict) and "questions" in document:
        return await _many(line, user, document)
    result = await line.asked(user, question_of(document))
    if isinstance(result, Refusal):
        return _refused(result)
    return _Told(with_receipt(result.body, result.receipt))


def _require_ours(request: Request) -> None:
    """Refuse what a stranger's page may send in somebody's name: a session, but never a key."""
    require_same_origin(request)
    if not bearer(request.headers):
        # A browser sends this type for a stranger's page only after it asked (CORS).
        require_json(request)


async def _many(line: Line, user: User, document: dict[str, Any]) -> Response:
    """Answer questions that share agreement, purpose and role, each as if it came alone."""
    listed = document["questions"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_QUESTIONS:
        raise WebError(
            "web.bad_questions",
            f"`questions` is a list of 1 to {MOST_QUESTIONS:,} questions.",
            next_step="Send larger lists as a file: shuzhi verification batch.",
        )
    shared = {name: document[name] for name in _SHARED if name in document}
    questions = [question_of({**shared, **q} if isinstance(q, dict) else q) for q in listed]
    desk = await line.desk()
    results = [await line.answered(desk, user, question) for question in questions]
    waiting = [result for result in results if isinstance(result, Answered)]
    settled = iter(await line.settled(desk, waiting))
    shown = [_shown(next(settled) if isinstance(r, Answered) else r) for r in results]
    return _Told(b'{"answers": [%b]}' % b", ".join(shown))


@lru_cache(_MOST_KNOWN)
def _user_of(standing: Standing) -> User:
    """Return as whom somebody asks. Raises WebError `web.not_allowed`."""
    party = standing.key_party or standing.party
    if not standing.may(Right.VERIFY, party):
        raise WebError(
            "web.not_allowed",
            f"Your roles for {party} do not allow to verify.",
            next_step="Ask for the role of a data user, or for a key with data.verify.",
        )
    return User(standing.account, party, frozenset(r.value for r in standing.roles(party)))


async def _document(request: Request) -> Any:
    body, has_more = b"", True
    while has_more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise WebError(
                "web.too_large", f"A request has at most {MOST_BYTES:,} bytes.",
                next_step="Ask fewer questions at once.",
            )  # fmt: skip
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise WebError(
            "web.bad_json", "The body is no JSON.", next_step="Send JSON in UTF-8."
        ) from None


def _shown(result: Receipted | Refusal) -> bytes:
    if isinstance(result, Refusal):
        return json.dumps({"refused": _problem(result)}, ensure_ascii=False).encode()
    return with_receipt(result.body, result.receipt)


def _refused(refusal: Refusal) -> Response:
    told = _problem(refusal)
    wait_s = told.get("retry_after_s")
    headers = None if wait_s is None else {"Retry-After": f"{wait_s}"}
    content = json.dumps(told, ensure_ascii=False)
    return Response(content, told["status"], headers, media_type=_PROBLEM)


def _problem(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as problem details (RFC 9457), in both languages."""
    told = {
        "type": f"urn:shuzhi:refusal:{refusal.reason}",
        "title": refusal.en,
        "title_zh": refusal.zh,
        "status": 403,
    }
    if isinstance(refusal, Slowed):
        # Of many questions each is told by itself, where a header has no place.
        told |= {"status": 429, "retry_after_s": max(1, ceil(refusal.retry_after_s))}
    return told
