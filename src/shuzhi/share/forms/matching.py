"""Candidates for a field that names no meaning and no column: likely the same, for a person to say.

A candidate never refuses a field by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator

from rapidfuzz import fuzz

from shuzhi.kernel.control import Control
from shuzhi.share.catalogue import Text, search
from shuzhi.share.forms.holdings import Holdings
from shuzhi.share.forms.model import Candidate, FormField

# Below this two names have less than three quarters of their letters in common.
LEAST_SCORE = 75.0
_MOST = 5
# The catalogue is asked for this many data sets about a field.
_MOST_FOUND = 5

Search = Callable[[str], tuple[tuple[str, Text], ...]]


def catalogue_search(control: Control) -> Search:
    """Return what finds data sets of the catalogue by words, with their titles."""

    def find(words: str) -> tuple[tuple[str, Text], ...]:
        hits = search(control, words, limit=_MOST_FOUND).hits
        return tuple((hit.entry.id, hit.entry.title) for hit in hits)

    return find


def candidates(
    field: FormField, held: Holdings, find: Search, denied: Collection[tuple[str, str]]
) -> tuple[Candidate, ...]:
    """Return what may hold `field`, the most alike first, at most five.

    Columns are told by their titles and names, data sets by the catalogue's search for the words
    of the field. The score is the ratio of rapidfuzz: twice the letters that both names have in
    the same order over the letters of both, in percent. `denied` were looked at and are others.
    """
    names = [n for n in (field.title.zh, field.title.en, *field.synonyms) if n.strip()]
    columns = [
        Candidate(each.dataset, each.column, *nearest)
        for each in held.columns
        if (each.dataset, each.column) not in denied
        and (nearest := _nearest(names, each.titles))[0] >= LEAST_SCORE
    ]
    seen = {each.dataset for each in columns}
    found = [each for each in _found(names, find) if each.dataset not in seen]
    ordered = sorted([*columns, *found], key=lambda c: (-c.score, c.dataset, c.column or ""))
    return tuple(ordered[:_MOST])


def _found(names: list[str], find: Search) -> Iterator[Candidate]:
    known: dict[str, Candidate] = {}
    for name in names:
        for dataset, title in find(name):
            nearest = _nearest([name], [t for t in (title.zh, title.en, title.other) if t])
            found = Candidate(dataset, None, *nearest)
            known[dataset] = max(known.get(dataset, found), found, key=lambda c: c.score)
    yield from known.values()


def _nearest(ours: Collection[str], theirs: Collection[str]) -> tuple[float, str, str]:
    """Return the score of the two names that are most alike, and the two."""
    pairs = ((_score(a, b), a, b) for a in ours for b in theirs)
    return max(pairs, default=(0.0, "", ""))


def _score(ours: str, theirs: str) -> float:
    return round(fuzz.ratio(_folded(ours), _folded(theirs)), 1)


def _folded(name: str) -> str:
    """Return a name without case, width and gaps, in which people write it differently."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
