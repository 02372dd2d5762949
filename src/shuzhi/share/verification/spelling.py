"""How texts are made alike before they are compared: width, case, spaces, and dots in names.

Traditional and simplified characters stay different: no table of theirs is kept here.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# The dots between the parts of a name (阿卜杜拉·买买提): U+00B7 and what is typed in its place.
_DOTS = re.compile("[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65\u0387\u2024\ufe52\uff0e.]")
_SPACES = re.compile(r"[\s\u200b\u3000]+")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def folded(text: str) -> str:
    """Return `text` without what only its typing makes: width, case, outer and double spaces."""
    if text.isascii():
        return " ".join(text.split()).lower()
    return _SPACES.sub(" ", normalize("NFKC", text)).strip().casefold()


def folded_name(text: str) -> str:
    """Return a name as it is compared: dots count as spaces, and Han characters need neither."""
    name = folded(_DOTS.sub(" ", text))
    return name.replace(" ", "") if _HAN.search(name) else name


def spellings(subject: str) -> tuple[str, ...]:
    """Return the ways in which a subject's id may be held: as given, in capitals, in small."""
    given = subject.strip() if subject.isascii() else normalize("NFKC", subject).strip()
    return tuple(dict.fromkeys((given, given.upper(), given.lower())))
