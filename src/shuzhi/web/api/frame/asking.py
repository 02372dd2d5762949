"""What each operation asks of whoever sends it: a right, and for acts their form.

Every operation is declared with `reads` or `changes`, which check the right before anything else
is done, and say in its description what it may be answered with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request

from shuzhi.act.services import Blank
from shuzhi.app import City
from shuzhi.app.repeats import MOST_KEY
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import Right, Session, Standing
from shuzhi.web.api.frame.answers import Problem
from shuzhi.web.api.frame.problems import MEDIA_TYPE
from shuzhi.web.guarding import bears
from shuzhi.web.pages.frame.lately import Lately
from shuzhi.web.problems import WebError
from shuzhi.web.visitors import Visitor, bearer, visitor_of

KEY_HEADER = "Idempotency-Key"
_OPEN_READING = frozenset({Right.READ, Right.READ_AUDIT})
_READ_STATUSES = (400, 401, 403, 404, 422, 503)
_CHANGE_STATUSES = (*_READ_STATUSES, 409, 413, 415)
_VERSION_STATUSES = (412, 428)
_TEXT = {"type": "string"}
_ETAG = r'^"[0-9]{1,18}"$'


@dataclass(frozen=True)
class Site:
    """The city that the interface shows, and to whom unnamed: see `make_api`."""

    city: City
    token: str | None
    asks_login: bool

    @cached_property
    def blanks(self) -> Lately[Blank]:
        """The forms of services that were filled in lately."""
        return Lately(self.city.clock)


@dataclass(frozen=True)
class Needs:
    """Refuses who has none of some rights, for whatever party; without any, who did not sign in."""

    rights: frozenset[Right]

    def __call__(self, request: Request) -> None:
        """Refuse (`web.unauthorized`, `web.not_allowed`) a request that may not come."""
        visitor = visitor_of(request)
        if not self.rights:
            signed_in(visitor)
            return
        if any(visitor.may(right) for right in self.rights) or self._is_open(request, visitor):
            return
        raise refusal(visitor)

    def _is_open(self, request: Request, visitor: Visitor) -> bool:
        """Tell whether one may read unnamed, as the pages of this server may be read."""
        if visitor.standing is not None or not self.rights & _OPEN_READING:
            return False
        site = site_of(request)
        if site.token is not None:
            return bears(request.headers, site.token)
        return not site.asks_login


def reads(*rights: Right, types: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return how an operation is declared that shows something to who has one of the `rights`.

    Without any, it is for whoever signed in, about themselves; so it is for all that is declared.
    `types` are the media types of what is no JSON, with their schemas.
    """
    declared = _declared(rights, [], _READ_STATUSES)
    if types is not None:
        shown = {media_type: {"schema": schema} for media_type, schema in types.items()}
        declared["responses"][200] = {"content": shown}
    return declared


def asks(
    *rights: Right,
    types: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return how an operation is declared whose question is long or personal, and has a body.

    It is answered as it comes and not kept (`receiving.ASKED`). `types` are the media types of
    what is no JSON, with their schemas, and `headers` say what they tell.
    """
    form = [Depends(require_json), Depends(require_same_origin)]
    declared = _declared(rights, form, (*_READ_STATUSES, 406, 409, 413, 415, 429))
    if types is not None:
        told = {name: {"description": said, "schema": _TEXT} for name, said in headers.items()}
        shown = {media_type: {"schema": schema} for media_type, schema in types.items()}
        declared["responses"][200] = {"content": shown, "headers": told}
    return declared


def changes(*rights: Right, versioned: bool = False, is_json: bool = True) -> dict[str, Any]:
    """Return how an operation is declared that changes something; `versioned`: what was seen."""
    form = [Depends(require_json)] if is_json else []
    statuses = (*_CHANGE_STATUSES, *_VERSION_STATUSES) if versioned else _CHANGE_STATUSES
    return _declared(rights, [*form, Depends(require_same_origin), Depends(_key)], statuses)


def site_of(request: Request) -> Site:
    """Return what the interface stands on."""
    found = request.app.state.site
    assert isinstance(found, Site)  # noqa: S101  (set where the interface is made)
    return found


def _city_of(request: Request) -> City:
    return site_of(request).city


CityHere = Annotated[City, Depends(_city_of)]


def refusal(visitor: Visitor, party: PartyId | None = None) -> WebError:
    """Return why a visitor may not do something, for `party` where one is named."""
    if visitor.standing is None:
        return WebError(
            "web.unauthorized",
            "Nobody is signed in who may do this.",
            next_step="Send an API key: Authorization: Bearer KEY.",
        )
    where = "for any party" if party is None else f"for {party}"
    return WebError(
        "web.not_allowed",
        f"{visitor.account} has no right to do this {where}.",
        next_step="Ask an administrator for a role that has it, or use a key that carries it.",
    )


def signed_in(visitor: Visitor) -> tuple[Standing, Session]:
    """Return who signed in, and their visit.

    Raises:
        WebError: `web.unauthorized` for nobody, `web.not_allowed` for a program with its key.
    """
    standing = visitor.standing
    if standing is None:
        raise refusal(visitor)
    if standing.session is None:
        raise WebError(
            "web.not_allowed",
            "This is for people who signed in; a key does not open it.",
            next_step="Sign in, and send the cookie of the session.",
        )
    return standing, standing.session


def require_same_origin(request: Request) -> None:
    """Refuse (`web.other_origin`) an act that a page of a stranger sends in somebody's name."""
    if bearer(request.headers):
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_ours or site not in ("same-origin", "none"):
        raise WebError(
            "web.other_origin",
            "A page of another site cannot act here in your name.",
            next_step="Send it from a page of this server, or with an API key.",
        )


def require_json(request: Request) -> None:
    """Refuse (`web.wrong_type`) a body that is no JSON."""
    require_type(request, "application/json")


def require_type(request: Request, media_type: str) -> None:
    """Refuse (`web.wrong_type`) a body of another type."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != media_type:
        raise WebError(
            "web.wrong_type",
            f"A body of the type {given[:60]!r} is not taken here.",
            next_step=f"Send it as {media_type}.",
        )


def _key(
    _key: Annotated[
        str,
        Header(
            alias=KEY_HEADER,
            min_length=1,
            max_length=MOST_KEY,
            pattern=r"^[!-~]+$",
            description="Names this request: sent again within a day, it counts once and is "
            "answered as the first time.",
        ),
    ],
) -> None:
    """Ask for the key; what it does is done before the request comes here."""


def _seen(
    if_match: Annotated[
        str,
        Header(pattern=_ETAG, description="The ETag of what you saw; refused once it changed."),
    ],
) -> int:
    return int(if_match.strip('"'))


Seen = Annotated[int, Depends(_seen)]


def require_seen(seen: int, version: int) -> None:
    """Refuse (`web.never_seen`) a version that nobody can have seen; older ones their room refuses.

    A room lets pass what happened since and touches nobody: clocks, reports that joined.
    """
    if seen > version:
        raise WebError(
            "web.never_seen",
            f"There is no version {seen}; the newest is {version}.",
            next_step="Look at it again, and send the ETag that comes with it.",
        )


def etag(version: int) -> dict[str, str]:
    """Return the header that says which version of a thing is shown."""
    return {"ETag": f'"{version}"'}


def _declared(
    rights: tuple[Right, ...], more: list[Any], statuses: tuple[int, ...]
) -> dict[str, Any]:
    told = {"model": Problem, "content": {MEDIA_TYPE: {}}}
    return {
        "dependencies": [Depends(Needs(frozenset(rights))), *more],
        "responses": dict.fromkeys((*statuses, "default"), told),
        "openapi_extra": {"x-rights": sorted(right.value for right in rights)},
    }
