"""Where the next page of an API is: pure decisions.

Speaks the Link header (RFC 8288) and five styles of paging; keeps no state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shuzhi.gather.sources.dotted_path import find
from shuzhi.gather.sources.model import Paging
from shuzhi.kernel.errors import RefusedError

_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAMETER = re.compile(
    r'\s*;\s*([^\s=;,"<>]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?', re.DOTALL
)
_MOST_HEADER = 16_384


@dataclass(frozen=True)
class Link:
    """One link of a Link header (RFC 8288 §3): its target and its parameters, names lower case."""

    target: str
    parameters: Mapping[str, str]

    @property
    def relations(self) -> tuple[str, ...]:
        """Its relation types in lower case; none when it speaks of another page (`anchor`)."""
        if "anchor" in self.parameters:
            return ()
        return tuple(self.parameters.get("rel", "").lower().split())


@dataclass(frozen=True)
class Ask:
    """A page to ask for; `number` counts pages from 1."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    number: int = 1


@dataclass(frozen=True)
class Answer:
    """What paging needs to know of a page; `received` counts records of all pages so far."""

    content: Any
    link_header: str
    records: int
    received: int


def links(header: str) -> Iterator[Link]:
    """Yield the links of a Link header (RFC 8288 Appendix B.2), stopping at what is no link.

    The first of repeated parameters counts, as §3.3 says of `rel`.
    """
    position = 0
    while target := _TARGET.match(header, position):
        position, parameters = target.end(), dict[str, str]()
        while parameter := _PARAMETER.match(header, position):
            quoted, plain = parameter[2], parameter[3]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
            parameters.setdefault(parameter[1].lower(), value)
            position = parameter.end()
        yield Link(target[1].strip(), parameters)


def first_ask(url: str, params: Mapping[str, str], paging: Paging) -> Ask:
    """Return the first page to ask for."""
    start = dict(params)
    if paging.style in {"page", "offset"}:
        start[paging.counter] = str(paging.first)
    if paging.size_parameter and paging.size:
        start[paging.size_parameter] = str(paging.size)
    return Ask(url, start)


def next_ask(ask: Ask, answer: Answer, paging: Paging) -> Ask | None:
    """Return the page after this one, or None when this was the last.

    A short page is not the end, because servers cut the size that was asked for; the end is an
    empty page, the stated `total`, or no next link or token.
    """
    match paging.style:
        case "page" | "offset":
            return _counted(ask, answer, paging)
        case "cursor":
            token = _scalar(answer.content, paging.next or "")
            return _with(ask, {paging.counter: token}) if token else None
        case "link":
            target = _next_link(answer, paging)
            return Ask(target, ask.params, ask.number + 1) if target else None
        case _:
            return None


def check_total(answer: Answer, paging: Paging) -> None:
    """Refuse a walk that ended before all records came (`gather.http_short`)."""
    total = _total(answer, paging)
    if total is not None and answer.received < total:
        raise RefusedError(
            "gather.http_short",
            f"The API says it has {total} records but its pages gave {answer.received}.",
            next_step="Nothing of the last pages was stored. Run again; if it stays so, "
            "check `paging`, or ask who keeps the API.",
        )


def _counted(ask: Ask, answer: Answer, paging: Paging) -> Ask | None:
    total = _total(answer, paging)
    if answer.records == 0 or (total is not None and answer.received >= total):
        return None
    counts_records = paging.style == "offset"
    place = paging.first + (answer.received if counts_records else ask.number)
    return _with(ask, {paging.counter: str(place)})


def _with(ask: Ask, params: Mapping[str, str]) -> Ask:
    return Ask(ask.url, {**ask.params, **params}, ask.number + 1)


def _total(answer: Answer, paging: Paging) -> int | None:
    text = _scalar(answer.content, paging.total) if paging.total else None
    return int(text) if text is not None and text.isdecimal() else None


def _next_link(answer: Answer, paging: Paging) -> str | None:
    if paging.next:
        return _scalar(answer.content, paging.next)
    header = answer.link_header[:_MOST_HEADER]
    return next((link.target for link in links(header) if "next" in link.relations), None)


def _scalar(content: Any, path: str) -> str | None:
    """Return the text or number at `path`; None for nothing, null, false and the empty text."""
    try:
        value = find(content, path)
    except LookupError:
        return None
    is_value = isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    return str(value) if is_value else None
