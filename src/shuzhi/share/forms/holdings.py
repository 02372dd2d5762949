"""What the platform already holds: every column under a contract, with whose it is and its terms.

The semantic name of a column is its contract's custom property `meaning`; two columns with the
same one hold the same thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from shuzhi.gather.contracts import Table, contracted_datasets, table_named
from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import PartyId
from shuzhi.share.catalogue import CatalogueError, Sharing, entry

MEANING = "meaning"


@dataclass(frozen=True)
class Held:
    """One column that is held. `provider` and `sharing` are None where the catalogue is silent."""

    dataset: str
    column: str
    provider: PartyId | None
    sharing: Sharing | None
    meaning: str | None = None
    titles: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column as `dataset.column`."""
        return f"{self.dataset}.{self.column}"


@dataclass(frozen=True)
class Holdings:
    """All columns that are held."""

    columns: tuple[Held, ...]

    def named(self, name: str) -> tuple[Held, ...]:
        """Return the column that is called `dataset.column`; nothing when there is none."""
        return self._by_name.get(name, ())

    def meaning(self, meaning: str) -> tuple[Held, ...]:
        """Return the columns of that semantic name."""
        return self._by_meaning.get(meaning, ())

    @cached_property
    def _by_name(self) -> dict[str, tuple[Held, ...]]:
        return {held.name: (held,) for held in self.columns}

    @cached_property
    def _by_meaning(self) -> dict[str, tuple[Held, ...]]:
        found: dict[str, tuple[Held, ...]] = {}
        for held in self.columns:
            if held.meaning is not None:
                found[held.meaning] = (*found.get(held.meaning, ()), held)
        return found


def holdings(control: Control) -> Holdings:
    """Return what the platform holds now."""
    datasets = contracted_datasets(control)
    return Holdings(tuple(held for name in datasets for held in _of_dataset(control, name)))


def columns_with(table: Table, meaning: str) -> tuple[str, ...]:
    """Return the columns of `table` that have this semantic name."""
    return tuple(f.name for f in table.fields if f.properties.get(MEANING) == meaning)


def _of_dataset(control: Control, dataset: str) -> Iterator[Held]:
    _, table = table_named(control, dataset)
    provider, sharing = _terms(control, dataset)
    for field in table.fields:
        meaning = field.properties.get(MEANING)
        titles = (field.title_zh, field.title, field.name.replace("_", " "))
        yield Held(
            dataset,
            field.name,
            provider,
            sharing,
            meaning if isinstance(meaning, str) else None,
            tuple(dict.fromkeys(title for title in titles if title)),
        )


def _terms(control: Control, dataset: str) -> tuple[PartyId | None, Sharing | None]:
    try:
        found = entry(control, dataset)
    except CatalogueError:
        return None, None
    return (None, None) if found.is_withdrawn else (found.entry.provider.id, found.entry.sharing)
