"""`/deliveries`: data by an agreement, each time with a receipt; queries that were approved.

What leaves is exactly what the receipt has the hash of, and so nothing is told but in headers.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from shuzhi.gather.contracts import LogicalType
from shuzhi.share import delivery
from shuzhi.share.access import Refusal
from shuzhi.share.accounts import Right
from shuzhi.share.agreements import Actor, AgreementId
from shuzhi.share.delivery import ApprovedQuery, DeliveryDesk, MediaType
from shuzhi.web.api.frame.acting import VisitorHere, party_of, person_of
from shuzhi.web.api.frame.answers import Answer
from shuzhi.web.api.frame.asking import CityHere, asks, changes, reads, refusal
from shuzhi.web.api.frame.siding import SIDE_RIGHTS, seen_agreement
from shuzhi.web.api.share.delivery_given import NewQuery, Question
from shuzhi.web.problems import WebError

TAG = {
    "name": "deliveries",
    "description": "数据提供 · Deliveries: data by an agreement, each with a receipt.",
}
router = APIRouter(prefix="/deliveries", tags=["deliveries"])
_PIECE_BYTES = 256 * 1024
_MOST_CURSOR = 16_000
_BINARY = {"type": "string", "format": "binary"}
_ROWS = {"type": "array", "items": {"type": "object"}}
_FORMS = {each.value.partition(";")[0]: each for each in MediaType}
_TYPES = {name: _ROWS if each is MediaType.JSON else _BINARY for name, each in _FORMS.items()}
_HEADERS = {
    "Shuzhi-Receipt": "The number of the receipt.",
    "Content-Digest": "The SHA-256 of what follows, the same as in the receipt (RFC 9530).",
    "Link": "The receipt as `describedby`; the page after this one as `next`, to be asked for "
    "with the same body.",
}
# Whatever an agreement allows within a minute, it allows again a minute later.
_AGAIN_S = {"too_often": 60}


class NoAccessError(WebError):
    """A no of access: `retry_after_s` is when a yes may be had."""

    def __init__(self, no: Refusal) -> None:
        place = "" if no.line is None else f"Line {no.line}, column {no.column}: "
        next_step = "Ask for what the agreement covers: show_agreement."
        super().__init__(f"share.{no.reason}", f"{place}{no.en}", next_step=next_step)
        self.retry_after_s = _AGAIN_S.get(no.reason)


class ParameterAnswer(Answer):
    """A value that whoever asks gives."""

    name: str
    """Its name: `$name` in the SQL."""
    logical_type: LogicalType
    """Its type."""
    least: str | None
    """The least that it may be; null where nothing bounds it."""
    most: str | None
    """The most that it may be; of a text, how long; null where nothing bounds it."""
    choices: tuple[str, ...]
    """The only values that it may have; all where none are named."""


class QueryAnswer(Answer):
    """A query that may be asked by name."""

    agreement: int
    """By which agreement."""
    name: str
    """Its name."""
    sql: str
    """What it asks."""
    parameters: tuple[ParameterAnswer, ...]
    """Its parameters."""
    by: str
    """Who approved it."""
    at: datetime
    """When."""

    @classmethod
    def told(cls, query: ApprovedQuery) -> QueryAnswer:
        """Return an approved query."""
        parameters = tuple(ParameterAnswer.about(each) for each in query.parameters)
        return cls.about(query, parameters=parameters)


class Queries(Answer):
    """What may be asked by name."""

    items: tuple[QueryAnswer, ...]
    """The queries, by name."""


@router.post("", response_class=Response, **asks(Right.QUERY, types=_TYPES, headers=_HEADERS))
def ask_for_data(
    request: Request,
    city: CityHere,
    visitor: VisitorHere,
    given: Question,
    cursor: Annotated[
        str | None,
        Query(
            pattern=r"^[A-Za-z0-9_=-]+$",
            max_length=_MOST_CURSOR,
            description="As the header `Link` of the page before has it.",
        ),
    ] = None,
) -> Response:
    """Ask for data: rows page by page or all at once, or the answer to a query.

    The form is chosen by `Accept`: JSON, CSV, Parquet, or an Arrow stream. Every answer has its
    receipt, and counts in the agreement's budget; sent again, a request is answered anew.
    """
    media = _media(request)
    given.require_one(cursor)
    asker = given.asker(visitor)
    found = _found(city.delivery_desk, given, media, asker, cursor)
    # Neither an answer nor a refusal is known outside before it is in the audit log.
    city.record()
    if isinstance(found, Refusal):
        raise NoAccessError(found)
    return _sent(request, found)


@router.get("/queries", **reads(*SIDE_RIGHTS))
def list_queries(
    city: CityHere,
    visitor: VisitorHere,
    agreement: Annotated[int, Query(ge=1, lt=2**62, description="Of this agreement.")],
) -> Queries:
    """List the queries that may be asked by name, by name."""
    held = seen_agreement(visitor, city, agreement)
    found = delivery.approved_queries(city.delivery_desk, held.id)
    return Queries(items=tuple(map(QueryAnswer.told, found)))


@router.post("/queries", status_code=201, **changes(Right.ANSWER))
def approve_query(city: CityHere, visitor: VisitorHere, given: NewQuery) -> QueryAnswer:
    """Let a query be asked by name, as the provider of the agreement's data."""
    party = party_of(visitor, given)
    if not visitor.may(Right.ANSWER, party):
        raise refusal(visitor, party)
    by = Actor(person_of(visitor, given), party)
    parameters = tuple(each.parameter() for each in given.parameters)
    number = AgreementId(given.agreement)
    made = delivery.approve(city.delivery_desk, number, given.name, given.sql, parameters, by=by)
    return QueryAnswer.told(made)


def _found(
    desk: DeliveryDesk,
    given: Question,
    media: MediaType,
    asker: delivery.Asker,
    cursor: str | None,
) -> delivery.Answer | Refusal:
    wanted = given.wanted(media)
    if given.sql is not None:
        return delivery.answer(desk, wanted, asker, given.sql)
    if given.query is not None:
        name, values = given.query.name, given.query.values
        return delivery.ask_approved(desk, wanted, asker, name, values)
    if given.whole:
        return delivery.file(desk, wanted, asker)
    return delivery.page(desk, wanted, asker, limit=given.limit, cursor=cursor)


def _sent(request: Request, found: delivery.Answer) -> Response:
    receipt = found.receipt
    digest = b64encode(bytes.fromhex(receipt.what.sha256)).decode()
    root = request.scope.get("root_path", "")
    links = [f'<{root}/receipts/{receipt.id}>; rel="describedby"']
    if found.next_cursor is not None:
        url = request.url.include_query_params(cursor=found.next_cursor)
        links.append(f'<{url.path}?{url.query}>; rel="next"')
    headers = {
        "Content-Digest": f"sha-256=:{digest}:",
        "Content-Length": f"{receipt.what.size_bytes}",
        "Link": ", ".join(links),
        "Shuzhi-Receipt": f"{receipt.id}",
        "Vary": "Accept",
    }
    return StreamingResponse(_pieces(found.content), 200, headers, found.media.value)


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE_BYTES):
            yield piece


def _media(request: Request) -> MediaType:
    """Return the form that is liked best (RFC 9110, section 12.5.1); JSON where all are equal.

    Raises:
        WebError: `web.not_acceptable`.
    """
    liked: list[tuple[float, int, MediaType]] = []
    for place, each in enumerate(request.headers.get("accept", "*/*").split(",")):
        name, *parameters = (part.strip().lower() for part in each.split(";"))
        found = MediaType.JSON if name in ("*/*", "application/*") else _FORMS.get(name)
        weight = _weight(parameters)
        if found is not None and weight > 0:
            liked.append((-weight, place, found))
    if not liked:
        raise WebError(
            "web.not_acceptable",
            "Data do not come in any of these forms.",
            next_step=f"Accept one of: {', '.join(_FORMS)}.",
        )
    return min(liked)[2]


def _weight(parameters: list[str]) -> float:
    given: dict[str, Any] = dict(each.partition("=")[::2] for each in parameters)
    try:
        return float(given.get("q", 1))
    except ValueError:
        return 0.0
