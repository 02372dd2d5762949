"""The ASGI application of a city, and the server that runs it.

There are no accounts yet: without a token it listens on this machine alone.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, Request, Response

from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.web import sensorthings
from shuzhi.web.problems import WebError, problem, told

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Listen:
    """Where a server listens."""

    host: str
    port: int


def listen_of(text: str, *, has_token: bool) -> Listen:
    """Return what `HOST:PORT` names.

    Raises:
        RefusedError: `web.bad_address`; `web.token_needed` for an address that others reach.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise RefusedError(
            "web.bad_address",
            f"{text[:60]!r} is no address to listen on.",
            next_step="Write it as 127.0.0.1:8000.",
        )
    if not has_token and not _is_loopback(host):
        raise RefusedError(
            "web.token_needed",
            f"Others can reach {host}, and nothing would ask them who they are.",
            next_step="Set SHUZHI_WEB_TOKEN, or listen on 127.0.0.1.",
        )
    return Listen(host, int(port))


def make_app(city: City, *, token: str | None = None) -> FastAPI:
    """Return the application over a city; with a `token`, every request must bear it (RFC 6750)."""
    app = FastAPI(title="Shuzhi 数治", version="1", docs_url=None, redoc_url=None)
    app.include_router(sensorthings.routes(city))
    app.add_exception_handler(ShuzhiError, told)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if token is not None and not _bears(request, token):
            refused = WebError("web.unauthorized", "This service asks for a token.")
            answer: Response = problem(refused)
            answer.headers["WWW-Authenticate"] = "Bearer"
        else:
            answer = await call_next(request)
        answer.headers.update(_HEADERS)
        return answer

    return app


def serve(city: City, listen: Listen, *, token: str | None = None) -> None:
    """Serve a city until the process is told to stop."""
    uvicorn.run(
        make_app(city, token=token),
        host=listen.host,
        port=listen.port,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=10,
        limit_concurrency=512,
    )


def _bears(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return is_bearer and hmac.compare_digest(given.strip().encode(), token.encode())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
