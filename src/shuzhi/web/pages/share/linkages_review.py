"""Pairs of records that somebody should look at, one at a time: those that wait, or a sample.

Keys name people: they are sent in a form, and never stand in an address. Why a pair is one is told
by levels and weights. Values are shown to data users alone, as their own agreements show them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from shuzhi.kernel.errors import RefusedError
from shuzhi.share import linkage as room
from shuzhi.share.accounts import Right
from shuzhi.share.linkage import (
    LinkageOffice,
    Precision,
    Record,
    Verdict,
    Waiting,
)
from shuzhi.web.pages.frame.sending import FieldError, Once, Typed, send, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.pages.share.asked import chosen
from shuzhi.web.pages.share.linkages import ALL_WAITING
from shuzhi.web.pages.share.linkages_look import Seen, look
from shuzhi.web.pages.share.linkages_why import explained
from shuzhi.web.pages.share.subjects import agreed_purposes
from shuzhi.web.sides import sharing_manager
from shuzhi.web.visitors import visitor_of

_FIELDS = {"share.linkage_bad_verdict": "text"}
_FOR_TWO = 6
_SIZES = (50, 100, 200, 500)
# What goes on from pair to pair: where one stands in a queue, and for what one looks at values.
_CARRIED = ("after", "size", "seed", "party", "role", "purpose")


@dataclass(frozen=True)
class Queue:
    """Pairs of a linkage, one of which is shown, and how many come before it.

    `sent` is a pair that was sent back and waits no more, as when others decided it meanwhile.
    """

    name: str
    pairs: Sequence[Waiting]
    at: int
    precision: Precision | None = None
    sent: Waiting | None = None

    @property
    def pair(self) -> Waiting | None:
        """The pair that is shown; None at the end."""
        return self.sent or (self.pairs[self.at] if self.at < len(self.pairs) else None)

    @property
    def middle(self) -> str:
        """After which turn somebody else may begin; empty where too few are left for two."""
        left = len(self.pairs) - self.at
        return self.pairs[self.at + left // 2 - 1].turn if left >= _FOR_TWO else ""

    def shows(self, typed: Typed) -> bool:
        """Tell whether what was typed is of the pair that is shown."""
        pair = self.pair
        return pair is not None and (pair.placed.pair.left, pair.placed.pair.right) == _ends(typed)


Read = Callable[[LinkageOffice, str, Typed], Queue]


def routes(site: Site) -> APIRouter:
    """Return the routes of the review."""
    router = APIRouter()
    _queue(router, site, "review", _waiting)
    _queue(router, site, "sample", _drawn)
    return router


def _queue(router: APIRouter, site: Site, name: str, read: Read) -> None:
    path = f"/linkages/{{linkage}}/{name}"

    @router.get(path, name=name)
    def show(request: Request, linkage: str) -> Response:
        return _page(site, request, linkage, read)

    @router.post(path, name=f"act_on_{name}")
    async def act(request: Request, linkage: str) -> Response:
        def do(typed: Typed) -> str | Once:
            by = sharing_manager(visitor_of(request), site.city)
            back = f"/linkages/{linkage}/{name}"
            if typed.one("verb") == "look":
                seen = look(request, site.city, linkage, _ends(typed), typed)
                # Who goes back to the page sees nothing of it: each look has its receipts.
                led_to = f"{back}?{_carried(typed, typed.one('after'))}"
                return Once(lambda: _page(site, request, linkage, read, typed, seen=seen), led_to)
            _decide(site.city.linkage_office, linkage, typed, by)
            return f"{back}?{_carried(typed, typed.one('turn'))}"

        def again(typed: Typed, error: RefusedError) -> Response:
            return _page(site, request, linkage, read, typed, error)

        return await send(site, request, do, again)


def _page(
    site: Site,
    request: Request,
    linkage: str,
    read: Read,
    typed: Typed | None = None,
    error: RefusedError | None = None,
    seen: Sequence[Seen] = (),
) -> Response:
    visitor, city = visitor_of(request), site.city
    by, office = sharing_manager(visitor, city), city.linkage_office
    asked = Typed.asked(request) if typed is None else typed
    reader, declared = site.reader(request), office.linkage(linkage)
    try:
        queue, why = read(office, linkage, asked), None
    except FieldError as refused:
        queue, why, error = read(office, linkage, Typed()), None, refused
    if queue.pair is not None:
        pair = queue.pair.placed.pair
        why = explained(room.why(office, linkage, pair.left, pair.right, by=by), declared, reader)
        # Whoever looked is in the log before the page is there.
        city.record()
    standing = visitor.standing
    parties = sorted(standing.parties(Right.QUERY)) if standing else []
    roles = {role.value for party in parties for role in standing.roles(party)} if standing else ()
    return shown(
        site, request, "linkage_pair.html", typed, error, _FIELDS, reader=reader,
        declared=declared, queue=queue, why=why, seen=seen, asked=asked, sizes=_SIZES,
        is_of_pair=queue.shows(asked), reasons=room.reasons(office, linkage, by=by),
        others=room.others_at_review(office, linkage, by=by),
        parties=parties, roles=sorted(roles), carried=_CARRIED,
        purposes=agreed_purposes(city, parties, [declared]),
    )  # fmt: skip


def _waiting(office: LinkageOffice, linkage: str, asked: Typed) -> Queue:
    """Return who waits: the pair that was sent back, else the first after where one stands."""
    pairs = room.review(office, linkage, limit=ALL_WAITING)
    after, place = asked.one("after"), _place(pairs, asked)
    behind = sum(each.turn <= after for each in pairs)
    sent = _sent(office, linkage, asked) if place is None else None
    return Queue("review", pairs, behind if place is None else place, sent=sent)


def _drawn(office: LinkageOffice, linkage: str, asked: Typed) -> Queue:
    """Return the links of a random sample of which nobody has said anything."""
    size, seed = asked.number("size") or _SIZES[1], asked.number("seed")
    seed = 1 if seed is None else seed
    known, pairs = room.sample(office, linkage, size=min(size, _SIZES[-1]), seed=seed)
    place = _place(pairs, asked)
    sent = _sent(office, linkage, asked) if place is None else None
    return Queue("sample", pairs, place or 0, known, sent)


def _place(pairs: Sequence[Waiting], asked: Typed) -> int | None:
    ends = _ends(asked)
    found = (n for n, w in enumerate(pairs) if (w.placed.pair.left, w.placed.pair.right) == ends)
    return next(found, None)


def _sent(office: LinkageOffice, linkage: str, asked: Typed) -> Waiting | None:
    """Return the pair that was sent back, as it stands now: what was typed is of no other."""
    return room.pair_as_it_stands(office, linkage, *_ends(asked))


def _ends(typed: Typed) -> tuple[Record, Record]:
    one, other = (
        Record(typed.one(f"{side}_dataset"), typed.one(f"{side}_key")) for side in ("left", "right")
    )
    return one, other


def _decide(office: LinkageOffice, linkage: str, typed: Typed, by: str) -> None:
    verdict = chosen(Verdict, typed, "verdict")
    if verdict is None:
        raise FieldError("web.bad_choice", "verdict", "Choose what the two records are.")
    reason, seen = typed.one("text"), typed.one("seen")
    room.decide(office, linkage, *_ends(typed), verdict, by=by, reason=reason, seen=seen)


def _carried(typed: Typed, after: str) -> str:
    held = {name: typed.one(name) for name in _CARRIED} | {"after": after}
    return urlencode({name: value for name, value in held.items() if value})
