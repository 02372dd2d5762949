"""The texts of the pages in both languages, and which language a visitor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from fastapi import Request

from shuzhi.kernel.documents import read_document

LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE = "shuzhi_language"
Words = Mapping[str, Mapping[str, str]]


@cache
def read_words() -> Words:
    """Return every text by its key (`cases.title`) and language."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted((files("shuzhi.web") / "words").iterdir(), key=lambda each: each.name):
        with as_file(file) as path:
            found.update(_flat(read_document(path).content))
    return found


def language_of(request: Request) -> str:
    """Return the language that was chosen, else the first of the browser's that we have."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    asked = _by_weight(request.headers.get("accept-language", ""))
    return next((each for each in asked if each in LANGUAGES), LANGUAGES[0])


def _by_weight(header: str) -> list[str]:
    weighed = []
    for part in header.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for section, texts in content.items():
        for key, text in texts.items():
            yield f"{section}.{key}", text
