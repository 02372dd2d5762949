"""The ASGI application of a city, and the server that runs it.

Without a token or accounts that it asks for, it listens on this machine alone.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import uvicorn
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.web import assets, sensorthings, verifying
from shuzhi.web.api import PREFIX, make_api
from shuzhi.web.api.frame.receiving import DELIVERIES
from shuzhi.web.guarding import Entrance, Guard, Sealed, is_loopback
from shuzhi.web.live import Live
from shuzhi.web.pages import page_routes
from shuzhi.web.pages.frame.failing import misled, told
from shuzhi.web.patience import Patience
from shuzhi.web.reading import reader_of
from shuzhi.web.turns import Line
from shuzhi.web.visitors import Recognise, require_reader

_WORTH_PACKING_BYTES = 700
_MOST_AT_ONCE = 2_048
_COLLECT_AFTER, _SWITCH_S = (10_000, 20, 50), 0.001

# What is asked here goes to nobody, whatever exporters the environment names.
_UNTRACED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}

_ON_ERROR = ((ShuzhiError, told), (HTTPException, misled), (RequestValidationError, misled))


class _Packing(GZipMiddleware):
    """Packs answers, but not those whose bytes are the ones that a receipt has the hash of."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        is_sealed = scope["type"] == "http" and scope["path"] == f"{PREFIX}{DELIVERIES}"
        await (self.app if is_sealed else super().__call__)(scope, receive, send)


@dataclass(frozen=True)
class Listen:
    """Where a server listens."""

    host: str
    port: int


def listen_of(
    text: str, *, has_token: bool, is_acting: bool = False, asks_login: bool = False
) -> Listen:
    """Return what `HOST:PORT` names.

    Raises:
        RefusedError: `web.bad_address`; `web.token_needed` for an address that others reach;
            `web.acting_from_elsewhere` for a server that takes acts and is not this machine's own.
    """
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise RefusedError(
            "web.bad_address",
            f"{text[:60]!r} is no address to listen on.",
            next_step="Write it as 127.0.0.1:8000.",
        )
    if not (has_token or asks_login or is_loopback(host)):
        raise RefusedError(
            "web.token_needed",
            f"Others can reach {host}, and nothing would ask them who they are.",
            next_step="Start it with --login, set SHUZHI_WEB_TOKEN, or listen on 127.0.0.1.",
        )
    if is_acting and (has_token or asks_login or not is_loopback(host)):
        raise RefusedError(
            "web.acting_from_elsewhere",
            "With --acting no accounts say who acts, so that is for this machine alone.",
            next_step="Leave --acting away and let people sign in (docs/accounts.md).",
        )
    return Listen(host, int(port))


def make_app(
    city: City, *, token: str | None = None, is_acting: bool = False, asks_login: bool = False
) -> FastAPI:
    """Return the application over a city: pages and SensorThings.

    With a `token` every request must bear it (RFC 6750), or the cookie of who signed in with it.
    `is_acting` lets pages act on cases, under the name that the visitor gives. With `asks_login`
    nothing is shown before a visitor signed in; without, whoever has an account may sign in.
    """
    live = Live(city, city.settings.city.login.terms.idle)
    line = Line(city)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        with _steadily():
            yield
        await live.close()

    app = FastAPI(
        title="Shuzhi 数治",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
        telemetry=_UNTRACED,
        middleware=_guards(city, line, token, is_acting=is_acting, asks_login=asks_login),
    )
    app.router.routes.append(verifying.route(line))
    known = assets.read_assets()
    app.state.asks_login, app.state.line = asks_login, line
    app.include_router(sensorthings.routes(city), dependencies=[Depends(require_reader)])
    app.include_router(assets.routes(known))
    app.state.api = make_api(city, token=token, asks_login=asks_login)
    app.mount(PREFIX, app.state.api)
    app.state.site, pages = page_routes(city, known, live, token)
    app.include_router(pages)
    for kind, answer in _ON_ERROR:
        app.add_exception_handler(kind, answer)
    return app


@contextmanager
def _steadily() -> Iterator[None]:
    """Interrupt what answers less often than a process that does something once."""
    thresholds, interval_s = gc.get_threshold(), sys.getswitchinterval()
    # What is there before the first request stays: to look through it again stops every answer.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    # A thread that comes back from the disk waits for so long while others compute.
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval_s)


def _guards(
    city: City, line: Line, token: str | None, *, is_acting: bool, asks_login: bool
) -> list[Middleware]:
    """Return what each request passes, the outermost first."""
    return [
        Middleware(Sealed),
        Middleware(Patience),
        Middleware(
            Recognise,
            city=city,
            acts_unnamed=is_acting and token is None,
            busy={verifying.PATH: line.standing},
        ),
        Middleware(Guard, entrance=_entrance(city, token, asks_login=asks_login)),
        Middleware(verifying.Shortcut, line=line),
        Middleware(_Packing, minimum_size=_WORTH_PACKING_BYTES),
    ]


def _entrance(city: City, token: str | None, *, asks_login: bool) -> Entrance:
    host = urlsplit(city.settings.city.address).hostname
    return Entrance(token, asks_login, frozenset({host} if host else ()))


def serve(
    city: City,
    listen: Listen,
    *,
    token: str | None = None,
    is_acting: bool = False,
    asks_login: bool = False,
) -> None:
    """Serve a city until the process is told to stop."""
    # What the city's packs declare is read once, and refused before anybody waits for a page.
    _ = city.declared
    uvicorn.run(
        make_app(city, token=token, is_acting=is_acting, asks_login=asks_login),
        host=listen.host,
        port=listen.port,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=10,
        # What is asked most is read before all that a request may be.
        http=reader_of(verifying.PATH),
        # A page that looks on keeps its connection; stopping does not wait for it.
        timeout_graceful_shutdown=2,
        limit_concurrency=_MOST_AT_ONCE,
    )
