"""Pages of lists: each goes on where the last one ended, and is never counted from the start.

A cursor is opaque to whoever sends it back: the list that it belongs to, and the key of the last
thing shown.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from shuzhi.web.problems import WebError

MOST = 200
_MOST_CURSOR = 1_000
Place = int | str
Shown = TypeVar("Shown")


class Paging:
    """Which page of a list is asked for, and where the next one begins."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MOST, description="How many are shown at most.")] = 50,
        cursor: Annotated[
            str | None,
            Query(
                pattern=r"^[A-Za-z0-9_=-]+$",
                max_length=_MOST_CURSOR,
                description="`next` of the page before.",
            ),
        ] = None,
    ) -> None:
        self.limit = limit
        self._request = request
        self._response = response
        self._cursor = cursor

    @property
    def number(self) -> int | None:
        """The number after which this page begins; None for the first page."""
        place = self._place()
        if place is None or isinstance(place, int):
            return place
        raise _bad()

    @property
    def name(self) -> str | None:
        """The name after which this page begins; None for the first page."""
        place = self._place()
        if place is None or isinstance(place, str):
            return place
        raise _bad()

    def cut(
        self, found: Sequence[Shown], place: Callable[[Shown], Place]
    ) -> tuple[Sequence[Shown], str | None]:
        """Return what of `found` this page shows, and its `next`: None where that is all.

        `found` is one more than fits, if there are so many; `place` is the key that a list goes
        on after.
        """
        shown = found[: self.limit]
        last = place(shown[-1]) if len(found) > len(shown) else None
        return shown, self.goes_on(last)

    def goes_on(self, last: Place | None) -> str | None:
        """Return the cursor of the page after `last`, and say where it is (RFC 8288)."""
        if last is None:
            return None
        raw = json.dumps([self._list, last], ensure_ascii=False).encode()
        cursor = urlsafe_b64encode(raw).decode().rstrip("=")
        url = self._request.url.include_query_params(cursor=cursor)
        self._response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return cursor

    @property
    def _list(self) -> str:
        return str(self._request.scope["route"].path)

    def _place(self) -> Place | None:
        if self._cursor is None:
            return None
        padded = self._cursor.rstrip("=") + "=" * (-len(self._cursor.rstrip("=")) % 4)
        try:
            of, place = json.loads(urlsafe_b64decode(padded))
        except (ValueError, TypeError):
            raise _bad() from None
        is_ours = of == self._list and type(place) in (int, str)
        is_sane = "\x00" not in place if isinstance(place, str) else is_ours and 0 <= place < 2**62
        if not (is_ours and is_sane):
            raise _bad()
        return place  # type: ignore[no-any-return]


PageAsked = Annotated[Paging, Depends()]


def _bad() -> WebError:
    return WebError(
        "web.bad_cursor",
        "The cursor is not one that this list gave.",
        next_step="Begin at the first page, or send `next` of the page before as it is.",
    )
