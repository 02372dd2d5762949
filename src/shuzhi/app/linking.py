"""The verbs of linkage: who is the same across data sets, and one governed file per subject."""

from __future__ import annotations

from shuzhi.app.delivering import Delivers
from shuzhi.gather.contracts import table_named
from shuzhi.share.access import DatasetFacts, Limits
from shuzhi.share.catalogue import entry
from shuzhi.share.linkage import (
    Asker,
    Door,
    LinkageOffice,
    Record,
    Source,
    SubjectFile,
    subject_file,
)


class Links(Delivers):
    """How a city knows a person, a company or a place again."""

    @property
    def linkage_office(self) -> LinkageOffice:
        """Where linkages are: see the verbs of `shuzhi.share.linkage`."""
        limit = self.settings.memory_limit
        linkages = self.declared.linkages
        return LinkageOffice(self.control, self.lake, linkages, limit, self.clock, self.publish)

    def subject_file(self, linkage: str, subject: str | Record, *, asker: Asker) -> SubjectFile:
        """What `asker` may see of one subject, by its id or by a record of it.

        Raises as `linkage.subject_file`, `table_named`, `agreements.grants` and `masks`.
        """
        office = self.linkage_office
        datasets = [m.dataset for m in office.linkage(linkage).members]
        sources = {name: self._source_of(name, asker) for name in datasets}
        limits = Limits(memory=self.settings.memory_limit)
        door = Door(self.lake, sources, self.masks, self.city_key, limits)
        return subject_file(office, door, linkage, subject, asker=asker)

    def _source_of(self, dataset: str, asker: Asker) -> Source:
        contract, table = table_named(self.control, dataset)
        grade = entry(self.control, dataset).entry.grade or ""
        facts = DatasetFacts.of(table, contract_version=contract.version, grade=grade)
        return Source(facts, self.grants(asker.user.party, dataset))
