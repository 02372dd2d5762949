"""Foreign catalogues from a file or over HTTP: find out what was given, bound it, read it.

The kind is told by what the document says of itself, never by trying readers until one does not
fail; a page of HTML, an error document and an empty answer are refused by name.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2

from shuzhi.kernel.errors import RefusedError
from shuzhi.share.catalogue.ckan import read_packages
from shuzhi.share.catalogue.data_json import read_data_json
from shuzhi.share.catalogue.dcat_read import Contexts, read_dcat
from shuzhi.share.catalogue.imported import Imported

MOST_BYTES = 256_000_000
_PAGE_ROWS = 500
_MOST_PAGES = 10_000
_FORM_OF_ENDING = {
    ".ttl": "turtle",
    ".rdf": "rdf-xml",
    ".xml": "rdf-xml",
    ".jsonld": "json-ld",
    ".json": "json",
}
_FORM_OF_TYPE = {
    "text/turtle": "turtle",
    "application/rdf+xml": "rdf-xml",
    "application/ld+json": "json-ld",
    "application/json": "json",
}


def read_document(
    raw: bytes, *, name: str, origin: str, contexts: Contexts | None = None, form: str = ""
) -> Imported:
    """Read one catalogue document; `name` (file name or URL) and `form` tell its form.

    Raises:
        RefusedError: `share.empty_catalogue`, `share.html_not_catalogue`,
            `share.catalogue_too_large`, `share.unknown_catalogue`, or as `read_dcat`.
    """
    raw = _unpacked(raw, name).removeprefix(b"\xef\xbb\xbf")
    _look(raw, name)
    stem = name.removesuffix(".gz").lower()
    form = form or next((f for end, f in _FORM_OF_ENDING.items() if stem.endswith(end)), "")
    if form in ("json", "json-ld") or raw.lstrip()[:1] in (b"{", b"["):
        return _read_json(raw, name, origin, contexts)
    if not form:
        raise _unknown(name, "its name has no ending that tells its form")
    base = name if "://" in name else f"urn:shuzhi:import:{origin}"
    return read_dcat(raw, form=form, origin=origin, base=base, contexts=contexts)


def fetch_catalogue(
    url: str, *, client: httpx2.Client, origin: str, contexts: Contexts | None = None
) -> Imported:
    """Read the catalogue at `url`: a DCAT document, a `data.json`, or a CKAN site's API.

    A URL that ends in `/api/3` or `/api/3/action/package_search` is CKAN and is paged.

    Raises:
        RefusedError: `share.catalogue_gone` when nobody answers or the answer is an error; as
            `read_document`.
    """
    if "/api/3" in url:
        search = url.split("/api/3")[0] + "/api/3/action/package_search"
        return read_packages(_packages(search, client), origin=origin)
    raw, kind = _get(url, client)
    form = _FORM_OF_TYPE.get(kind, "")
    return read_document(raw, name=url, origin=origin, contexts=contexts, form=form)


def _packages(search: str, client: httpx2.Client) -> Iterator[Any]:
    seen = 0
    for _ in range(_MOST_PAGES):
        query = urlencode({"rows": _PAGE_ROWS, "start": seen, "sort": "id asc"})
        page = _ckan_result(_get(f"{search}?{query}", client)[0], search)
        yield from page
        seen += len(page)
        if not page:
            return


def _ckan_result(raw: bytes, name: str) -> list[Any]:
    _look(raw, name)
    content = _json(raw, name)
    result = content.get("result") if isinstance(content, dict) else None
    found = result.get("results") if isinstance(result, dict) else None
    if not (isinstance(content, dict) and content.get("success") and isinstance(found, list)):
        raise _unknown(name, "the answer is not that of CKAN's package_search")
    return found


def _get(url: str, client: httpx2.Client) -> tuple[bytes, str]:
    body = bytearray()
    try:
        with client.stream("GET", url) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                body += piece
                _bound(len(body), url)
    except httpx2.HTTPError as error:
        raise RefusedError(
            "share.catalogue_gone",
            f"The catalogue at {url} does not answer: {error}.",
            next_step="Check the address; what was harvested before is kept.",
        ) from None
    return bytes(body), answer.headers.get("content-type", "").split(";")[0].strip().lower()


def _read_json(raw: bytes, name: str, origin: str, contexts: Contexts | None) -> Imported:
    content = _json(raw, name)
    if isinstance(content, list):
        content = {"dataset": content} if _are_data_json(content) else {"@graph": content}
    if isinstance(content.get("result"), dict):
        return read_packages(_ckan_result(raw, name), origin=origin)
    if "dataset" in content or "datasetSeries" in content or "service" in content:
        return read_data_json(content, origin=origin)
    if {"@context", "@graph", "@id", "@type"} & set(content):
        text = json.dumps(content).encode()
        base = f"urn:shuzhi:import:{origin}"
        return read_dcat(text, form="json-ld", origin=origin, base=base, contexts=contexts)
    raise _unknown(name, "it is JSON, but neither data.json nor CKAN nor JSON-LD")


def _are_data_json(content: list[Any]) -> bool:
    return any(isinstance(item, dict) and "title" in item for item in content[:3])


def _json(raw: bytes, name: str) -> Any:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _unknown(name, f"it is not JSON ({error})") from None
    if not isinstance(content, (dict, list)):
        raise _unknown(name, "it is JSON, but no object")
    return content


def _unpacked(raw: bytes, name: str) -> bytes:
    if raw[:2] != b"\x1f\x8b":
        _bound(len(raw), name)
        return raw
    try:
        with gzip.open(io.BytesIO(raw)) as packed:
            unpacked = packed.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise _unknown(name, f"it is not a whole gzip file ({error})") from None
    _bound(len(unpacked), name)
    return unpacked


def _bound(size: int, name: str) -> None:
    if size > MOST_BYTES:
        raise RefusedError(
            "share.catalogue_too_large",
            f"The catalogue {name} is larger than {MOST_BYTES // 1_000_000} MB.",
            next_step="Ask its publisher for a paged catalogue, or harvest parts of it.",
        )


def _look(raw: bytes, name: str) -> None:
    if not raw.strip():
        raise RefusedError(
            "share.empty_catalogue",
            f"The catalogue {name} is empty.",
            next_step="Ask its publisher; what was harvested before is kept.",
        )
    if raw.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise RefusedError(
            "share.html_not_catalogue",
            f"{name} is a web page, not a catalogue.",
            next_step="Give the address of its DCAT document or its CKAN API (…/api/3).",
        )


def _unknown(name: str, why: str) -> RefusedError:
    return RefusedError(
        "share.unknown_catalogue",
        f"{name} is no catalogue that can be read: {why}.",
        next_step="Give DCAT (Turtle, JSON-LD, RDF/XML), data.json or a CKAN API address.",
    )
