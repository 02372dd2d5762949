"""What a pack says to people: `messages/zh.yaml` and `en.yaml`, the same keys in both.

`rules.<rule>` is what a warning says and `cases.<kind>` what a case of that kind asks for.
`{station}` stands for a fact, and `{value|grade}` for what the pack's function `grade` makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    Where,
    read_document,
    shape,
)
from shuzhi.kernel.instant import parse_instant, wall_clock
from shuzhi.packs.functions import Function

LANGUAGES = ("zh", "en")
_CODE = "packs.bad_messages"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACE = re.compile(rf"\{{({_NAME})(?:\|({_NAME}))?\}}")
_BRACE = re.compile(r"[{}]")
# How facts tell an instant: ISO 8601 with its offset.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


@dataclass(frozen=True)
class Message:
    """One text in both languages."""

    zh: str
    en: str

    def says(
        self, language: str, facts: Mapping[str, Any], functions: Mapping[str, Function], zone: str
    ) -> str:
        """Return the text with its places filled; a fact that is not there shows as a dash.

        A fact that is an instant shows as the time in `zone` (an IANA name), to the minute.
        """
        text: str = getattr(self, language)

        def filled(found: re.Match[str]) -> str:
            return _filled(facts.get(found[1]), functions.get(found[2]), zone)

        return _PLACE.sub(filled, text)

    @property
    def places(self) -> frozenset[tuple[str, str | None]]:
        """The facts that are named, each with the function that is applied to it."""
        return frozenset((f[1], f[2]) for text in (self.zh, self.en) for f in _PLACE.finditer(text))


class _Texts(StrictModel):
    rules: dict[str, str] = Field({})
    cases: dict[str, str] = Field({})

    def flat(self) -> dict[tuple[str, str], str]:
        both = (("rules", self.rules), ("cases", self.cases))
        return {(room, name): text for room, texts in both for name, text in texts.items()}


def read_messages(folder: Path) -> Mapping[str, Message]:
    """Return the messages in `folder` by key (`rules.pm10_high`).

    Raises:
        DocumentError: `kernel.bad_document`; `packs.bad_messages` where a key, a language or a
            place is missing on one side, or a brace stands alone.
    """
    documents = {language: read_document(folder / f"{language}.yaml") for language in LANGUAGES}
    texts = {each: shape(d, _Texts, code=_CODE).flat() for each, d in documents.items()}
    findings = tuple(_findings(documents, texts))
    if findings:
        raise DocumentError(_CODE, findings)
    zh, en = (texts[language] for language in LANGUAGES)
    return {".".join(key): Message(zh[key], en[key]) for key in zh}


def _findings(
    documents: Mapping[str, Document], texts: Mapping[str, Mapping[tuple[str, str], str]]
) -> Iterator[Finding]:
    for language, other in (LANGUAGES, LANGUAGES[::-1]):
        document, here, there = documents[language], texts[language], texts[other]
        for key, text in here.items():
            where: Where = key
            if key not in there:
                yield document.finding(where, f"is missing in {other}.yaml")
            elif missing := _places(text) - _places(there[key]):
                shown = ", ".join(sorted(missing))
                yield document.finding(where, f"has {shown}, which {other}.yaml lacks")
            if not text.strip():
                yield document.finding(where, "says nothing")
            if _BRACE.search(_PLACE.sub("", text)):
                problem = "has a brace that is no place; write {fact} or {fact|function}"
                yield document.finding(where, problem)


def _places(text: str) -> set[str]:
    """Return the facts that a text names; what is made of them may differ with the language."""
    return {f"{{{found[1]}}}" for found in _PLACE.finditer(text)}


def _filled(fact: Any, function: Function | None, zone: str) -> str:
    if fact is None:
        return "–"
    if function is None:
        return wall_clock(parse_instant(fact), zone) if _INSTANT.fullmatch(str(fact)) else str(fact)
    try:
        return str(function(fact))
    except Exception:  # noqa: BLE001  (a notice that shows the bare fact is better than none)
        return str(fact)
