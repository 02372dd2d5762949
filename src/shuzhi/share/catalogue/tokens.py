"""Words of Chinese and Latin text, for the index and for queries, and where they stand in a text.

A run of CJK characters gives its overlapping pairs and its last character; any other run of
letters and digits is one word. So every two characters of a Chinese text are a word of it, one
character is the beginning of a word, and no dictionary decides what can be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]{{1,64}}")
_STARTS_CJK = re.compile(rf"[{_CJK}]")
_MOST_TERMS = 16
_SHORTEST_PREFIX = 3


@dataclass(frozen=True)
class Term:
    """One thing a query asks for: the word itself, or any word that begins with it."""

    word: str
    is_prefix: bool = False


def index_words(text: str) -> list[str]:
    """Return the words under which `text` is found, in its order, repeats included."""
    words: list[str] = []
    for run in _RUN.findall(_fold(text)):
        words.extend(_pairs(run) if _STARTS_CJK.match(run) else [run])
    return words


def query_terms(text: str) -> tuple[Term, ...]:
    """Return what a search for `text` asks for; all terms must be met.

    At most 16 terms: a longer query is cut there. Empty when the text holds no letter or digit.
    """
    terms: dict[Term, None] = {}
    for match in _RUN.finditer(_fold(text)):
        terms.update(dict.fromkeys(_terms(match.group())))
        if len(terms) >= _MOST_TERMS:
            break
    return tuple(terms)[:_MOST_TERMS]


def marks(text: str, terms: tuple[Term, ...]) -> tuple[tuple[int, int], ...]:
    """Return the ranges of `text` that meet any of `terms`, in order and merged."""
    folded = [_fold_character(character) for character in text]
    places = [place for place, parts in enumerate(folded) for _ in parts]
    found: list[tuple[int, int]] = []
    for start, end in _hits("".join(folded), terms):
        first, last = places[start], places[end - 1] + 1
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def _hits(folded: str, terms: tuple[Term, ...]) -> Iterator[tuple[int, int]]:
    for match in _RUN.finditer(folded):
        run, start = match.group(), match.start()
        if _STARTS_CJK.match(run):
            words = [t.word for t in terms]
            spans = [
                (i, i + len(w)) for w in words for i in range(len(run)) if run.startswith(w, i)
            ]
            yield from ((start + first, start + last) for first, last in sorted(spans))
        elif any(run == t.word or (t.is_prefix and run.startswith(t.word)) for t in terms):
            yield start, match.end()


def _terms(run: str) -> list[Term]:
    if not _STARTS_CJK.match(run):
        return [Term(run, is_prefix=len(run) >= _SHORTEST_PREFIX)]
    if len(run) == 1:
        return [Term(run, is_prefix=True)]
    return [Term(pair) for pair in _pairs(run)[:-1]]


def _pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run, and its last character alone."""
    return [run[i : i + 2] for i in range(len(run))]


def _fold(text: str) -> str:
    """Return `text` without differences of case, width and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(c for c in parts if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)


@lru_cache(maxsize=65536)
def _fold_character(character: str) -> str:
    return _fold(character)
