"""Searching the catalogue: words, facets, order and pages.

A search makes three or four statements, however many data sets it meets. A facet's own selection
does not narrow the facet itself, so that a reader sees what else could be chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.errors import CatalogueError
from shuzhi.share.catalogue.facets import FACETS, NO_COLUMNS, Columns, Mask, Numbers, refresh
from shuzhi.share.catalogue.model import Entry, Text
from shuzhi.share.catalogue.store import entry_table, read_entry
from shuzhi.share.catalogue.text_index import TextIndex, text_index
from shuzhi.share.catalogue.tokens import Term, marks, query_terms

# Weighing words over more entries than this costs more than it tells; see the decision record.
MOST_RANKED = 5_000
MOST_PER_PAGE = 200
_MOST_VALUES = 50
_SNIPPET = 160


class Sort(StrEnum):
    """In which order hits come; ties by the entry's number, the older entry first.

    `relevance` is BM25 with the title weighing more, up to 5,000 matches; beyond that, entries
    with all words in the title, then short titles, then the newest. Without words: the newest.
    """

    RELEVANCE = "relevance"
    NEWEST = "newest"
    QUALITY = "quality"


@dataclass(frozen=True)
class Marked:
    """A text and the ranges (start, end in characters) of it that met the search."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Hit:
    """One found data set: its entry, its title and a piece of its abstract, marked."""

    entry: Entry
    title: Marked
    snippet: Marked
    quality_score: float | None
    row_count: int | None
    data_at: Instant | None


@dataclass(frozen=True)
class FacetCount:
    """How many data sets choosing `value` would show; `label` is empty for words of our own."""

    value: str
    label: Text
    count: int
    is_selected: bool


@dataclass(frozen=True)
class Page:
    """One page of hits. `total` counts all of them; `next` continues, None on the last page.

    `facets` has the 50 most frequent values of each facet, and those selected.
    """

    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]]
    total: int
    next: str | None


class Searcher:
    """Searches one control store and keeps its facet columns between searches.

    Threads may share it: columns are replaced whole, never changed.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._columns = NO_COLUMNS

    def search(
        self,
        text: str = "",
        *,
        facets: Mapping[str, Sequence[str]] | None = None,
        sort: Sort = Sort.RELEVANCE,
        after: str | None = None,
        limit: int = 20,
        language: str = "zh",
    ) -> Page:
        """Return a page of the data sets that hold all words of `text` and match `facets`.

        Blank text finds everything, text without letters or digits nothing. Values of one facet,
        or their labels, are alternatives; facets all must match. `after` is the `next` of the
        page before.

        Raises:
            CatalogueError: `share.bad_search` for an unknown facet, a limit outside 1 to 200, or
                an `after` that is not from a search sorted in the same way.
        """
        selected = _selected(facets or {}, limit)
        cursor = _cursor(after, sort)
        terms = query_terms(text)
        with self._control.transaction() as connection:
            columns = self._columns = refresh(connection, self._columns)
            found = _Found(connection, columns, terms, is_browsing=not text.strip())
            masks = {f: columns.having(f, wanted) for f, wanted in selected.items()}
            nos = np.flatnonzero(_narrowed(found.mask, masks))
            shown, following = _page(nos, found.keys(sort)[nos], cursor, limit)
            rows = _rows(connection, shown)
        return Page(
            hits=tuple(_hit(row, terms, language) for row in rows),
            facets={f: _counts(columns, f, found.mask, masks, selected) for f in FACETS},
            total=len(nos),
            next=None if following is None else f"{sort}:{following[0]}:{following[1]}",
        )


def search(control: Control, text: str = "", **asked: Any) -> Page:
    """Search once, as `Searcher.search`; who searches often keeps a `Searcher`."""
    return Searcher(control).search(text, **asked)


class _Found:
    """The entries that hold the words, before any facet, and the keys that order them."""

    def __init__(
        self,
        connection: Connection,
        columns: Columns,
        terms: tuple[Term, ...],
        *,
        is_browsing: bool,
    ) -> None:
        self._connection, self._columns, self._terms = connection, columns, terms
        self._index: TextIndex = text_index(connection)
        self._titled = np.empty(0, dtype=np.int64)
        self._count = 0
        self.mask: Mask = columns.listed()
        if not is_browsing:
            self._match()

    def _match(self) -> None:
        nos = np.empty(0, dtype=np.int64)
        if self._terms:
            nos, self._titled = self._index.find(self._connection, self._terms)
        self._count = len(nos)
        self.mask = self.mask & (self._placed(nos, np.ones_like(nos)) == 1)

    def keys(self, sort: Sort) -> Numbers:
        """Return what to order by, for every entry number; the largest comes first."""
        arrays = self._columns.arrays
        if sort is Sort.QUALITY:
            return arrays["score"]
        if sort is Sort.NEWEST or not self._terms:
            return arrays["modified"]
        if self._count <= MOST_RANKED:
            return self._placed(*self._index.scores(self._connection, self._terms))
        in_title = self._placed(self._titled, np.ones_like(self._titled))
        brevity = 4095 - np.clip(arrays["title_words"], 0, 4095)
        days = np.clip(arrays["modified"] // 86_400, 0, 65_535)
        return (in_title << 32) | (brevity << 16) | days

    def _placed(self, nos: Numbers, keys: Numbers) -> Numbers:
        placed = np.zeros(self._columns.size, dtype=np.int64)
        # Where statements see each other's commits, the index may know entries newer than ours.
        known = nos < self._columns.size
        placed[nos[known]] = keys[known]
        return placed


def _selected(facets: Mapping[str, Sequence[str]], limit: int) -> dict[str, Sequence[str]]:
    for facet in facets:
        if facet not in FACETS:
            raise _bad(f"There is no facet {facet[:40]!r}", f"Use one of {', '.join(FACETS)}.")
    if not 1 <= limit <= MOST_PER_PAGE:
        raise _bad(f"A page of {limit} is not possible", f"Ask for 1 to {MOST_PER_PAGE}.")
    return {facet: wanted for facet, wanted in facets.items() if wanted}


def _cursor(after: str | None, sort: Sort) -> tuple[int, int] | None:
    if after is None:
        return None
    kind, *numbers = after.split(":")
    try:
        key, no = map(int, numbers)
    except ValueError:
        key, no = 0, -1
    if kind != sort or no < 0 or max(abs(key), no) >= 2**63:
        raise _bad(
            f"{after[:40]!r} does not continue a search sorted by {sort}",
            "Give the `next` of the page before, with the same order.",
        )
    return key, no


def _narrowed(mask: Mask, selections: Mapping[str, Mask], *, but: str | None = None) -> Mask:
    for facet, selection in selections.items():
        mask = mask & selection if facet != but else mask
    return mask


def _page(
    nos: Numbers, keys: Numbers, cursor: tuple[int, int] | None, limit: int
) -> tuple[list[int], tuple[int, int] | None]:
    """Return the page's numbers in order, and where it ends if more follow."""
    if cursor is not None:
        rest = (keys < cursor[0]) | ((keys == cursor[0]) & (nos > cursor[1]))
        nos, keys = nos[rest], keys[rest]
    if len(nos) > limit:
        # Sorting all would cost more than the search; what ties at the border is in order already.
        border = np.partition(keys, len(keys) - limit)[len(keys) - limit]
        above, level = np.flatnonzero(keys > border), np.flatnonzero(keys == border)
        chosen = np.concatenate([above, level[: limit - len(above)]])
    else:
        chosen = np.arange(len(nos))
    order = chosen[np.lexsort((nos[chosen], -keys[chosen]))]
    shown = [int(no) for no in nos[order]]
    return shown, (int(keys[order[-1]]), shown[-1]) if len(nos) > limit else None


def _rows(connection: Connection, nos: Sequence[int]) -> list[Row[*tuple[Any, ...]]]:
    c = entry_table.c
    query = select(c.no, c.document, c.quality_score, c.row_count, c.data_at).where(c.no.in_(nos))
    by_no: dict[int, Row[*tuple[Any, ...]]] = {row.no: row for row in connection.execute(query)}
    return [by_no[no] for no in nos]


def _counts(
    columns: Columns,
    facet: str,
    found: Mask,
    masks: Mapping[str, Mask],
    selected: Mapping[str, Sequence[str]],
) -> tuple[FacetCount, ...]:
    chosen = selected.get(facet, ())
    counts = columns.count(facet, _narrowed(found, masks, but=facet))
    return tuple(
        FacetCount(v.value, v.label, count, v.is_any_of(chosen))
        for place, (v, count) in enumerate(counts)
        if place < _MOST_VALUES or v.is_any_of(chosen)
    )


def _hit(row: Row[*tuple[Any, ...]], terms: tuple[Term, ...], language: str) -> Hit:
    entry = read_entry(row.document)
    return Hit(
        entry=entry,
        title=_best(entry.title, terms, language),
        snippet=_window(_best(entry.abstract, terms, language)),
        quality_score=row.quality_score,
        row_count=row.row_count,
        data_at=row.data_at,
    )


def _best(text: Text, terms: tuple[Term, ...], language: str) -> Marked:
    """Return the words of `text` that met most, those of `language` where all met the same."""
    choices = [Marked(t, marks(t, terms)) for t in (text.zh, text.en, text.other) if t]
    preferred = text.best(language)
    return max(choices, key=lambda m: (len(m.marks), m.text == preferred), default=Marked(""))


def _window(marked: Marked) -> Marked:
    if len(marked.text) <= _SNIPPET:
        return marked
    first = marked.marks[0][0] if marked.marks else 0
    start = max(0, min(first - _SNIPPET // 4, len(marked.text) - _SNIPPET))
    end = start + _SNIPPET
    inside = [(max(a, start), min(b, end)) for a, b in marked.marks if a < end and b > start]
    return Marked(marked.text[start:end], tuple((a - start, b - start) for a, b in inside))


def _bad(problem: str, next_step: str) -> CatalogueError:
    return CatalogueError("share.bad_search", f"{problem}.", next_step=next_step)
