"""The verbs of linkage: who is the same across data sets, and one governed file per subject."""

from __future__ import annotations

import hashlib
from functools import partial

from shuzhi.app.share.delivering import Delivers
from shuzhi.audit.model import canonical_json
from shuzhi.gather.contracts import table_named
from shuzhi.gather.lake.schema import identifier
from shuzhi.share.access import Allowed, DatasetFacts, Limits, Refusal
from shuzhi.share.access.masks import KEEP
from shuzhi.share.agreements import AgreementId
from shuzhi.share.catalogue import entry
from shuzhi.share.delivery.counting import Counted, NotNow
from shuzhi.share.linkage import (
    Asker,
    Door,
    Leaving,
    LinkageOffice,
    Record,
    Source,
    SubjectFile,
    subject_file,
    take_up,
)
from shuzhi.share.receipts import (
    Delivered,
    Left,
    Reach,
    SubjectColumn,
    SubjectSet,
    record_receipt,
    set_of,
    stopped_subjects,
    subject_columns,
    subject_number,
    without_objectors,
)


class Links(Delivers):
    """How a city knows a person, a company or a place again."""

    @property
    def linkage_office(self) -> LinkageOffice:
        """Where linkages are: see the verbs of `shuzhi.share.linkage`."""
        return LinkageOffice(
            self.control,
            self.lake,
            self.declared.linkages,
            self.settings.folder / ".scratch" / "linkages",
            self.settings.memory_limit,
            self.clock,
            self.publish,
        )

    def link(self) -> int:
        """Train and run what was asked of linkages; return how many works ended."""
        return take_up(self.linkage_office)

    def subject_file(self, linkage: str, subject: str | Record, *, asker: Asker) -> SubjectFile:
        """What `asker` may see of one subject, by its id or by a record of it.

        Nothing leaves of who objected with success, and each data set that shows a row has its
        receipt before, and counts as one answer by its agreement. Raises as
        `linkage.subject_file`, `table_named`, `agreements.grants`, `record_receipt` and `masks`.
        """
        office = self.linkage_office
        datasets = [m.dataset for m in office.linkage(linkage).members]
        sources = {name: self._source_of(name, asker) for name in datasets}
        door = Door(
            self.lake,
            sources,
            self.masks,
            self.city_key,
            Limits(memory=self.settings.memory_limit),
            self._without_objectors,
            partial(self._receipt_of, asker),
        )
        return subject_file(office, door, linkage, subject, asker=asker)

    def _source_of(self, dataset: str, asker: Asker) -> Source:
        contract, table = table_named(self.control, dataset)
        grade = entry(self.control, dataset).entry.grade or ""
        facts = DatasetFacts.of(table, contract_version=contract.version, grade=grade)
        return Source(facts, self.grants(asker.user.party, dataset))

    def _without_objectors(self, allowed: Allowed) -> Allowed:
        stopped = stopped_subjects(self.receipt_office, _agreement_of(allowed))
        _, table = table_named(self.control, allowed.dataset)
        types = {field.name: field.logical_type for field in table.fields}
        return without_objectors(stopped, self._columns_of(allowed), allowed, types)

    def _columns_of(self, allowed: Allowed) -> tuple[SubjectColumn, ...]:
        return subject_columns(table_named(self.control, allowed.dataset)[1], allowed.grant.subject)

    def _receipt_of(self, asker: Asker, leaving: Leaving) -> Refusal | None:
        """Keep the receipt of rows that are about to be shown, found by whoever they are about."""
        numbers = self._numbers(leaving)
        what = self._leaving(asker, leaving)
        # Rows have no budget of questions, but so many answers within a minute.
        counted = Counted(what.agreement, None, self.settings.city.delivery.per_minute)
        try:
            record_receipt(self.receipt_office, what, subjects=numbers, also=counted)
        except NotNow as no:
            return no.refusal
        return None

    def _leaving(self, asker: Asker, leaving: Leaving) -> Delivered:
        allowed, grant = leaving.allowed, leaving.allowed.grant
        shown = canonical_json([[str(value) for value in row] for row in leaving.rows])
        return Delivered(
            _agreement_of(allowed),
            grant.assigner,
            grant.assignee,
            asker.user.id,
            asker.role,
            asker.purpose,
            str(allowed.dataset),
            table_named(self.control, allowed.dataset)[0].version,
            leaving.version,
            tuple(c.name for c in allowed.columns),
            {c.name: repr(c.mask) for c in allowed.columns if c.mask != KEEP},
            len(leaving.rows),
            len(shown),
            hashlib.sha256(shown).hexdigest(),
            Left.ROWS,
            "application/json",
            Reach.READ,
        )

    def _numbers(self, leaving: Leaving) -> SubjectSet | None:
        dataset, columns = str(leaving.allowed.dataset), self._columns_of(leaving.allowed)
        if not columns:
            return None
        names = ", ".join(identifier(column.name) for column in columns)
        key = f"CAST({identifier(leaving.member.key)} AS VARCHAR)"
        sql = f"SELECT {names} FROM {identifier(dataset)} WHERE list_contains(?, {key})"  # noqa: S608
        with self.lake.duck(only=(dataset,), version={dataset: leaving.version}) as connection:
            rows = connection.execute(sql, [list(leaving.keys)]).fetchall()
        return set_of(
            subject_number(self.receipt_office, column.kind, str(value))
            for row in rows
            for column, value in zip(columns, row, strict=True)
            if value is not None
        )


def _agreement_of(allowed: Allowed) -> AgreementId:
    return AgreementId(int(allowed.grant.id.removeprefix("agreement:")))
