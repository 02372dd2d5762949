"""One page over HTTP: bounded in bytes, time, tries and redirects, and never to a strange origin.

Follows RFC 9110: 429 and 5xx are tried again with backoff, as `Retry-After` says where it does.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from shuzhi.gather.sources import http_errors as errors
from shuzhi.gather.sources.model import HttpSource
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Clock, Instant, system_clock

_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_GONE = {404, 410}
_DENIED = {401, 403}
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_FIRST_WAIT_SECONDS = 0.5
_MOST_BACKOFF_SECONDS = 30.0


@dataclass(frozen=True)
class World:
    """What a fetch needs of the world; `jitter` gives numbers from 0 to below 1."""

    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    clock: Clock = system_clock


@dataclass(frozen=True)
class Fetched:
    """A page that arrived: from where, and its body as the server meant it (content decoded)."""

    url: httpx2.URL
    content_type: str
    link_header: str
    body: bytes = field(repr=False)


class _PassingError(Exception):
    """A failure that may pass; `error` is what to raise when it does not."""

    def __init__(self, error: RefusedError, wait_seconds: float | None = None) -> None:
        super().__init__(error.code)
        self.error = error
        self.wait_seconds = wait_seconds


class Fetcher:
    """Fetches the pages of one source. `url` and `headers` are the source's, secrets filled in."""

    def __init__(
        self,
        client: httpx2.Client,
        source: HttpSource,
        url: str,
        headers: Mapping[str, str],
        world: World,
    ) -> None:
        self._client = client
        self._source = source
        self._headers = {"Accept": "application/json", **headers}
        self._world = world
        self.url = _web_url(url)
        self._origins = {_origin(self.url), *map(_origin, map(_web_url, source.allow_origins))}

    def get(self, url: str | httpx2.URL, params: Mapping[str, str]) -> Fetched:
        """Return the page at `url`, which may be relative; `params` are added where it lacks them.

        Raises:
            RefusedError: one of `http_errors`, when no try brought the page.
        """
        target = self.url.join(url)
        absent = {name: text for name, text in params.items() if name not in target.params}
        target = target.copy_merge_params(absent) if absent else target
        for attempt in range(1, self._source.most_tries + 1):
            try:
                return self._follow(target)
            except _PassingError as passing:
                if attempt == self._source.most_tries:
                    raise passing.error from None
                self._wait(passing, attempt)
        raise AssertionError("most_tries is at least 1")

    def _wait(self, passing: _PassingError, attempt: int) -> None:
        backoff = min(_FIRST_WAIT_SECONDS * 2 ** (attempt - 1), _MOST_BACKOFF_SECONDS)
        # Half fixed, half random: many readers that failed together must not return together.
        seconds = backoff * (0.5 + self._world.jitter() / 2)
        if passing.wait_seconds is not None:
            seconds = passing.wait_seconds
        if seconds > self._source.most_wait_seconds:
            raise errors.asks_to_wait(self.url, seconds) from None
        self._world.sleep(seconds)

    def _follow(self, url: httpx2.URL) -> Fetched:
        for _ in range(_MOST_REDIRECTS + 1):
            reached = self._once(url)
            if isinstance(reached, Fetched):
                return reached
            url = reached
        raise errors.too_many_redirects(url, _MOST_REDIRECTS)

    def _once(self, url: httpx2.URL) -> Fetched | httpx2.URL:
        if _origin(url) not in self._origins:
            raise errors.foreign_origin(self.url, url)
        try:
            with self._client.stream("GET", url, headers=self._headers) as response:
                return self._judge(url, response)
        except httpx2.TimeoutException:
            raise _PassingError(errors.too_slow(url, self._source.timeout_seconds)) from None
        except httpx2.ConnectError as error:
            raise _PassingError(errors.unreachable(url, str(error))) from None
        except httpx2.RequestError as error:
            raise _PassingError(errors.broke_off(url, type(error).__name__)) from None

    def _judge(self, url: httpx2.URL, response: httpx2.Response) -> Fetched | httpx2.URL:
        status, headers = response.status_code, response.headers
        if status in _REDIRECTS and "location" in headers:
            return url.join(headers["location"])
        if status in _PASSING:
            wait = _retry_after(headers.get("retry-after", ""), self._world.clock())
            raise _PassingError(errors.keeps_failing(url, status, self._source.most_tries), wait)
        if status != httpx2.codes.OK:
            raise _final(url, status)
        link_header = ", ".join(headers.get_list("link"))
        return Fetched(url, headers.get("content-type", ""), link_header, self._body(url, response))

    def _body(self, url: httpx2.URL, response: httpx2.Response) -> bytes:
        started, body = self._world.clock(), bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._source.most_page_bytes:
                raise errors.too_large(url, self._source.most_page_bytes)
            # A server that sends a byte now and then would keep below every other time-out.
            if (self._world.clock() - started).total_seconds() > self._source.page_seconds:
                raise _PassingError(errors.too_slow(url, self._source.page_seconds))
        return bytes(body)


def _final(url: httpx2.URL, status: int) -> RefusedError:
    if status in _GONE:
        return errors.gone(url, status)
    return errors.denied(url, status) if status in _DENIED else errors.odd_status(url, status)


def _retry_after(text: str, now: Instant) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110 §10.2.3); None if unreadable."""
    if text.strip().isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware: datetime = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _web_url(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise errors.no_web_address() from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise errors.no_web_address()
    return url


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    """Return the origin (RFC 6454): scheme, host, port."""
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)
