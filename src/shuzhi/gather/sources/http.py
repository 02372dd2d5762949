"""Reads a JSON API page by page: each group of pages is a part, stored in one commit.

Pages are walked strictly in order and never held all at once; a walk that goes in circles, ends
early or leaves its server is refused.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx2
import pyarrow as pa

from shuzhi.gather.sources import http_errors as errors
from shuzhi.gather.sources.content_hash import ContentHash
from shuzhi.gather.sources.dotted_path import find
from shuzhi.gather.sources.http_fetch import Fetched, Fetcher, World
from shuzhi.gather.sources.http_pages import Answer, Ask, check_total, first_ask, next_ask
from shuzhi.gather.sources.http_rows import NoRow, batch, greatest, parse_page, records
from shuzhi.gather.sources.model import Cursor, HttpSource, Part, Unreadable, Write
from shuzhi.gather.sources.references import Secret, Secrets

_MOST_SHOWN = 2_000
_REASONS = {
    "no_object": ("The record is no JSON object with members.", "该记录不是含有成员的 JSON 对象。"),
    "half_character": (
        "A text in the record holds half a character (a lone surrogate).",
        "该记录的文本含有半个字符（孤立的代理码元）。",
    ),
}


@dataclass(frozen=True)
class _Page:
    """A page as rows; `count` counts its records, those that are no objects included."""

    number: int
    label: str
    count: int
    rows: pa.RecordBatch = field(repr=False)
    no_rows: list[NoRow] = field(repr=False)
    reached: Cursor | None
    is_last: bool


@dataclass
class _Group:
    """The pages of one part, as they come in; `first_row` counts records of the whole walk."""

    first_page: int = 1
    first_row: int = 1
    last_page: int = 0
    count: int = 0
    bytes: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, page: _Page) -> None:
        place = self.first_row + self.count
        self.unreadable += [_unreadable(page.label, place, one) for one in page.no_rows]
        self.last_page = page.number
        self.count += page.count
        self.bytes += page.rows.nbytes
        self.batches.append(page.rows)

    def next(self) -> _Group:
        return _Group(self.last_page + 1, self.first_row + self.count)


class HttpReader:
    """A reader of one API. `world` brings sleep, chance and the clock, for tests to replace."""

    def __init__(self, source: HttpSource, secret: Secret, *, world: World | None = None) -> None:
        self._source = source
        self._secret = secret
        self._world = world or World()

    def parts(self, since: Cursor | None) -> Iterator[Part]:
        """Yield the API's records after `since` in groups of pages, in the API's own order.

        Only the last part moves the cursor on, because records may come in any order.

        Raises:
            RefusedError: one of `http_errors`, or `gather.http_short`.
        """
        source, secrets = self._source, Secrets(self._secret)
        with secrets.kept():
            url, headers = secrets.expand(source.url), secrets.expand_all(source.headers)
            params = secrets.expand_all(source.query)
            if since is not None and source.cursor_parameter:
                params[source.cursor_parameter] = since
            with _client(source.timeout_seconds) as client:
                fetcher = Fetcher(client, source, url, headers, self._world)
                ask = first_ask(str(fetcher.url), params, source.paging)
                with closing(self._pages(fetcher, ask, since)) as pages:
                    yield from self._grouped(pages, errors.shown(fetcher.url), since)

    def _grouped(self, pages: Iterator[_Page], shown: str, since: Cursor | None) -> Iterator[Part]:
        group = _Group()
        for page in pages:
            # A full group waits for more rows, so that an empty last page leaves no empty part.
            if page.count and self._is_full(group):
                if self._source.write is Write.REPLACE:
                    raise errors.too_much_to_replace(shown, group.count)
                yield _part(group, shown, since)
                group = group.next()
            group.add(page)
            if page.is_last and group.count:
                yield _part(group, shown, page.reached)

    def _is_full(self, group: _Group) -> bool:
        return group.count >= self._source.part_rows or group.bytes >= self._source.part_bytes

    def _pages(
        self, fetcher: Fetcher, first: Ask, since: Cursor | None
    ) -> Generator[_Page, None, None]:
        paging, received, seen, reached = self._source.paging, 0, set[str](), since
        ask: Ask | None = first
        while ask is not None:
            fetched = fetcher.get(ask.url, ask.params)
            label = f"Page {ask.number} of {errors.shown(fetched.url)}"
            content = parse_page(fetched.body, fetched.content_type, page=label)
            found = records(content, self._source.records, page=label)
            rows, no_rows = batch(found)
            _refuse_circles(found, rows, no_rows, seen, label)
            received += len(found)
            reached = greatest(self._cursor_values(found), reached, page=label)
            number, ask = ask.number, self._next(ask, fetched, content, len(found), received)
            if ask is not None and number >= paging.most_pages:
                raise errors.too_many_pages(label)
            yield _Page(number, label, len(found), rows, no_rows, reached, ask is None)

    def _next(
        self, ask: Ask, fetched: Fetched, content: Any, count: int, received: int
    ) -> Ask | None:
        answer = Answer(content, fetched.link_header, count, received)
        following = next_ask(ask, answer, self._source.paging)
        if following is None:
            check_total(answer, self._source.paging)
        elif self._source.paging.style == "link":
            return replace(following, url=str(fetched.url.join(following.url)))
        return following

    def _cursor_values(self, found: list[Any]) -> Iterator[Any]:
        if self._source.cursor_field is None:
            return
        for record in found:
            with suppress(LookupError):
                yield find(record, self._source.cursor_field)


def _client(timeout_seconds: float) -> httpx2.Client:
    # The environment's proxies and passwords are not ours to read.
    return httpx2.Client(trust_env=False, timeout=timeout_seconds, verify=_certificates())


@cache
def _certificates() -> ssl.SSLContext:
    # To read the certificates of all authorities takes longer than most pages.
    return httpx2.create_ssl_context(trust_env=False)


def _refuse_circles(
    found: list[Any],
    rows: pa.RecordBatch,
    no_rows: list[NoRow],
    seen: set[str],
    label: str,
) -> None:
    digest = ContentHash(rows.schema)
    digest.add(rows)
    digest.add_text(repr(no_rows))
    if found and digest.hexdigest() in seen:
        raise errors.same_page_twice(label)
    seen.add(digest.hexdigest())


def _part(group: _Group, shown: str, cursor: Cursor | None) -> Part:
    schema = pa.unify_schemas([taken.schema for taken in group.batches])
    whole = [_widened(taken, schema) for taken in group.batches]
    digest = ContentHash(schema)
    for taken in whole:
        digest.add(taken)
    unreadable = tuple(group.unreadable)
    digest.add_text(repr(unreadable))
    return Part(
        origin=f"{shown} pages {group.first_page}-{group.last_page}",
        fingerprint=digest.hexdigest(),
        rows=pa.RecordBatchReader.from_batches(schema, whole),
        cursor=cursor,
        unreadable=lambda: unreadable,
        first_row=group.first_row,
    )


def _widened(taken: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch with every column of `schema`, NULL where its page named none."""
    nothing = pa.nulls(taken.num_rows, pa.string())
    held = dict(zip(taken.schema.names, taken.columns, strict=True))
    return pa.RecordBatch.from_arrays(
        [held.get(name, nothing) for name in schema.names], schema=schema
    )


def _unreadable(label: str, first_row: int, one: NoRow) -> Unreadable:
    reason_en, reason_zh = _REASONS[one.reason_code]
    return Unreadable(
        origin=label,
        row_number=first_row + one.place,
        text=one.text[:_MOST_SHOWN],
        reason_code=one.reason_code,
        reason_en=reason_en,
        reason_zh=reason_zh,
    )
