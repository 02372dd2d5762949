"""What data sets and their columns are called, for people who never saw the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field

from shuzhi.app import City
from shuzhi.share.catalogue import CatalogueError, Entry, described


@dataclass(frozen=True)
class Titles:
    """The titles of one look, each entry of the catalogue read once."""

    city: City
    language: str
    _entries: dict[str, Entry | None] = field(default_factory=dict)

    def of_dataset(self, name: str) -> str:
        """Return what a data set is called in the visitor's language, else its name."""
        entry = self._entry(name)
        return (entry.title.in_(self.language) if entry else "") or name

    def of_column(self, dataset: str, name: str) -> str:
        """Return what a column is called in the visitor's language, else its name."""
        entry = self._entry(dataset)
        titles = (item.title for item in (entry.items if entry else ()) if item.name == name)
        return next((t.in_(self.language) for t in titles), "") or name

    def _entry(self, name: str) -> Entry | None:
        if name not in self._entries:
            try:
                self._entries[name] = described(self.city.control, name)
            except CatalogueError:
                # Models make data sets that nobody described.
                self._entries[name] = None
        return self._entries[name]
