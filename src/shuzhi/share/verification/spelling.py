"""How texts are made alike before they are compared: width, case, spaces, and dots in names.

What cannot be seen is left out: marks of direction, which come along when a text is copied, and
those that choose another form of the same character.

Traditional and simplified characters stay different: no table of theirs is kept here.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# The dots between the parts of a name (阿卜杜拉·买买提): U+00B7 and what is typed in its place.
_DOTS = re.compile("[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65\u0387\u2024\ufe52\uff0e.]")
_SPACES = re.compile(r"\s+")
_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
    "\U000e0100-\U000e01ef]"
)
_HALVES = re.compile("[\ud800-\udfff]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def is_seen(text: str) -> bool:
    """Tell whether there is something to see in a text, and all of it are characters."""
    if text.isascii():
        return not text.isspace()
    # JSON can name halves of characters, which no encoding has.
    return not _HALVES.search(text) and bool(_UNSEEN.sub("", text).strip())


def folded(text: str) -> str:
    """Return `text` without what only its typing makes: width, case, outer and double spaces."""
    if text.isascii():
        return " ".join(text.split()).lower()
    return _SPACES.sub(" ", _normal(text)).strip().casefold()


def folded_name(text: str) -> str:
    """Return a name as it is compared: dots count as spaces, and Han characters need neither."""
    name = folded(_DOTS.sub(" ", text))
    return name.replace(" ", "") if _HAN.search(name) else name


def spellings(subject: str) -> tuple[str, ...]:
    """Return the ways in which a subject's id may be held: as given, in capitals, in small.

    Then without the spaces that somebody wrote between its signs.
    """
    given = subject.strip() if subject.isascii() else _normal(subject).strip()
    ways = [given, given.upper(), given.lower()]
    if not given.isalnum():
        joined = "".join(given.split())
        ways += [joined, joined.upper(), joined.lower()]
    return tuple(dict.fromkeys(ways))


def _normal(text: str) -> str:
    return normalize("NFKC", _UNSEEN.sub("", text))
