"""The verbs of share (通): the catalogue."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from shuzhi.app.wired import Wired
from shuzhi.kernel.ids import PartyId
from shuzhi.share.catalogue import (
    CatalogueError,
    CatalogueForm,
    HarvestReport,
    Page,
    Publisher,
    Record,
    Refusal,
    Text,
    entry,
    harvest,
    read_catalogue,
    records,
    refusals,
    search,
    write_catalogue,
)
from shuzhi.share.parties import (
    Imported,
    Organisation,
    Territories,
    read_boundaries,
    read_territories,
    tree,
    write_territories,
)


class Shares(Wired):
    """What a city tells others of its data, and takes from their catalogues."""

    def search(self, text: str = "", **asked: Any) -> Page:
        """Search the catalogue. Takes and raises what `catalogue.Searcher.search` does."""
        return search(self.control, text, **asked)

    def entry(self, dataset: str) -> Record:
        """What the catalogue holds of a data set. Raises `share.entry_unknown`."""
        return entry(self.control, dataset)

    def organisation(self) -> Organisation:
        """Every party that is registered, and who stands above whom."""
        return tree(self.control)

    def import_boundaries(self, file: Path, *, key: str | None = None) -> Imported:
        """Take an official boundary file for the map. Raises as `parties.read_boundaries`."""
        done = read_boundaries(file, self.organisation(), key=key)
        write_territories(done.territories, self.settings.map_file)
        return done

    def remove_boundaries(self) -> bool:
        """Forget the boundaries; tell whether there were any."""
        was_there = self.settings.map_file.exists()
        self.settings.map_file.unlink(missing_ok=True)
        return was_there

    def territories(self) -> Territories | None:
        """Where the parties lie, by the file that was imported; None where none was.

        Raises as `parties.read_territories`.
        """
        file = self.settings.map_file
        return _read(file, file.stat().st_mtime_ns) if file.exists() else None

    def provider(self, dataset: str) -> PartyId | None:
        """The party that provides a data set; None where the catalogue does not say."""
        try:
            return self.entry(dataset).entry.provider.id
        except CatalogueError:
            return None

    def harvest(
        self, source: str, origin: str, *, may_withdraw_most: bool = False
    ) -> HarvestReport:
        """Take the catalogue in a file or at an address: DCAT, data.json or a CKAN site.

        Raises:
            RefusedError: as `read_catalogue` and `harvest`.
        """
        imported = read_catalogue(source, origin)
        return harvest(
            self.control,
            imported,
            origin=origin,
            now=self.clock(),
            may_withdraw_most=may_withdraw_most,
        )

    def refusals(self, origin: str) -> tuple[Refusal, ...]:
        """What the newest harvest of a foreign catalogue could not use."""
        return refusals(self.control, origin)

    def export_catalogue(self, form: CatalogueForm) -> str:
        """Return the catalogue as DCAT-AP 3.0.1, in Turtle or JSON-LD."""
        city = self.settings.city
        name = Text(zh=city.title_zh, en=city.title_en)
        publisher = Publisher(city.address, name, name, name)
        return write_catalogue((r.entry for r in records(self.control)), publisher, form)


# Screens ask every second; the file changes with its time.
@lru_cache(maxsize=4)
def _read(file: Path, _changed_ns: int) -> Territories | None:
    return read_territories(file)
