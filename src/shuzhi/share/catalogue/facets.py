"""What every search counts: one small array per facet, in memory, brought up to date by revision.

A broad search meets most of the catalogue; counting its facets in SQL would visit every entry once
for each facet. Arrays of 100,000 numbers are counted in a fraction of a millisecond each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, select

from shuzhi.share.catalogue.model import Text
from shuzhi.share.catalogue.store import column_table, revision_table, theme_table, value_table

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SINGLE = ("provider", "sharing", "grade", "cycle", "format", "origin")
FACETS = ("theme", *SINGLE)
_KEPT = ("is_withdrawn", *SINGLE, "title_words", "modified", "score")


@dataclass(frozen=True)
class FacetValue:
    """One value of a facet; `label` is empty where the value is a word of our own."""

    facet: str
    value: str
    label: Text

    def is_any_of(self, words: Collection[str]) -> bool:
        """Return whether one of `words` is the value, or what people call it."""
        label = self.label
        return any(w in words for w in (self.value, label.zh, label.en, label.other) if w)


@dataclass(frozen=True)
class Columns:
    """The catalogue's numbers as of `revision`.

    `arrays` are indexed by an entry's number; a facet value of 0 means none. `theme_of` and
    `themes` are pairs of an entry's number and a theme's.
    """

    revision: int
    arrays: Mapping[str, Numbers]
    theme_of: Numbers
    themes: Numbers
    values: Mapping[int, FacetValue]

    @property
    def size(self) -> int:
        """One more than the largest entry number."""
        return len(self.arrays["is_withdrawn"])

    def listed(self) -> Mask:
        """Return which numbers are entries that stand in the catalogue."""
        return np.asarray(self.arrays["is_withdrawn"] == 0, dtype=np.bool_)

    def having(self, facet: str, wanted: Collection[str]) -> Mask:
        """Return which entries have any of the `wanted` values, or labels, of `facet`."""
        named = (n for n, v in self.values.items() if v.facet == facet and v.is_any_of(wanted))
        numbers = list(named)
        if facet != "theme":
            return np.isin(self.arrays[facet], numbers)
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[self.theme_of[np.isin(self.themes, numbers)]] = True
        return mask

    def count(self, facet: str, among: Mask) -> list[tuple[FacetValue, int]]:
        """Return each value of `facet` found `among` entries and how often, the most first."""
        found = self.themes[among[self.theme_of]] if facet == "theme" else self.arrays[facet][among]
        counts = np.bincount(found)
        present = [int(n) for n in np.flatnonzero(counts) if n]
        pairs = [(self.values[n], int(counts[n])) for n in present]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0].value))


_NONE = np.empty(0, dtype=np.int64)
NO_COLUMNS = Columns(-1, dict.fromkeys(_KEPT, _NONE), _NONE, _NONE, {})


def refresh(connection: Connection, seen: Columns) -> Columns:
    """Return the present columns: `seen` itself when nothing changed, else with the changes.

    One statement when nothing changed, four otherwise, whatever the number of entries.
    """
    revision = connection.execute(select(revision_table.c.value)).scalar() or 0
    if revision == seen.revision:
        return seen
    c = column_table.c
    changed = c.revision > seen.revision
    rows = connection.execute(select(c.no, *(c[name] for name in _KEPT)).where(changed)).all()
    table = np.array([tuple(r) for r in rows], dtype=np.int64).reshape(-1, len(_KEPT) + 1)
    themes = select(theme_table).join(column_table, c.no == theme_table.c.no).where(changed)
    pairs = np.array([tuple(r) for r in connection.execute(themes)], np.int64).reshape(-1, 2)
    values = {row.no: _value(row) for row in connection.execute(select(value_table))}
    return replace(_merged(seen, table, pairs), revision=revision, values=values)


def _merged(seen: Columns, table: Numbers, pairs: Numbers) -> Columns:
    nos = table[:, 0]
    size = max(seen.size, int(nos.max(initial=-1)) + 1)
    arrays = {name: _grown(seen.arrays[name], size, name) for name in _KEPT}
    for place, name in enumerate(_KEPT, start=1):
        arrays[name][nos] = table[:, place]
    kept = ~np.isin(seen.theme_of, nos)
    theme_of = np.concatenate([seen.theme_of[kept], pairs[:, 0]])
    themes = np.concatenate([seen.themes[kept], pairs[:, 1]])
    return replace(seen, arrays=arrays, theme_of=theme_of, themes=themes)


def _grown(array: Numbers, size: int, name: str) -> Numbers:
    # Numbers that no entry has count as withdrawn.
    grown = np.full(size, 1 if name == "is_withdrawn" else 0, dtype=np.int64)
    grown[: len(array)] = array
    return grown


def _value(row: Row[*tuple[Any, ...]]) -> FacetValue:
    return FacetValue(row.facet, row.value, Text(row.label_zh, row.label_en))
