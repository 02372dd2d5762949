"""The verbs of correction: doubts, the recall of what rested on a wrong value, one source each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from shuzhi.app.decide.measuring import Measures
from shuzhi.app.reactions import origin_of_warning
from shuzhi.app.share.delivering import Delivers
from shuzhi.app.share.recalls import Recall
from shuzhi.gather.contracts import table_named
from shuzhi.share.access import Allowed, DatasetFacts, Refusal, Request, decide
from shuzhi.share.agreements import AgreementId, agreement, grants
from shuzhi.share.agreements.plain import canonical, plain
from shuzhi.share.catalogue import entry
from shuzhi.share.correction import (
    Comparison,
    Conflict,
    CorrectionOffice,
    Decision,
    Side,
    Used,
    compare,
    conflicts,
)
from shuzhi.share.delivery import Asker, MediaType
from shuzhi.share.delivery.admitting import Admitted
from shuzhi.share.delivery.delivering import delivered
from shuzhi.share.delivery.touching import of_all_rows
from shuzhi.share.forms.own import own_grant
from shuzhi.share.receipts import (
    Left,
    Reach,
    SubjectColumn,
    record_receipt,
    stopped_subjects,
    subject_columns,
    without_objectors,
)


class Corrects(Delivers, Measures):
    """How a city's wrong values are found, put right and called back."""

    @property
    def correction_office(self) -> CorrectionOffice:
        """Where doubts are: see the verbs of `shuzhi.share.correction`."""
        return CorrectionOffice(self.receipt_office, self.lake, self._decisions, self._subjects)

    def source_conflicts(self) -> tuple[Conflict, ...]:
        """Every datum with more than one source, those without a lead first."""
        return conflicts(self.control)

    def compare_sources(
        self,
        here: str,
        there: str,
        *,
        asker: Asker,
        examples: int = 20,
    ) -> Comparison | Refusal:
        """Compare two columns (`DATASET.COLUMN`), key by key, inside of what `asker` may see.

        What another party's agreement lets out has its receipt first, and nothing in it is of who
        objected with success.

        Raises as `correction.compare`, `table_named`, `agreements.grants`, `read_masks_file`.
        """
        sides: list[Side] = []
        for named in (here, there):
            dataset, _, column = named.partition(".")
            side = self._side(dataset, column, asker)
            if isinstance(side, Refusal):
                return side
            sides.append(side)
        found = compare(self.lake, sides[0], sides[1], examples=examples)
        if isinstance(found, Comparison):
            versions = (found.here_version, found.there_version)
            for side, version in zip(sides, versions, strict=True):
                self._keep_receipt(asker, side, version, found)
        return found

    def _side(self, dataset: str, column: str, asker: Asker) -> Side | Refusal:
        contract, table = table_named(self.control, dataset)
        record, now = entry(self.control, dataset).entry, self.clock()
        facts = DatasetFacts.of(table, contract_version=contract.version, grade=record.grade or "")
        columns = tuple(dict.fromkeys((*table.key, column)))
        user, role, purpose = asker.user, asker.role, asker.purpose
        request = Request(user, role, purpose, table.name, now, columns)
        held = grants(self.sharing_office, user.party, dataset, now)
        if record.provider.id == user.party:
            own = own_grant(user.party, contract, table, purpose=purpose, role=role, now=now)
            held = (own, *held)
        tried = [decide(grant, request, facts, self.masks) for grant in (*held, None)]
        allowed = next((each for each in tried if isinstance(each, Allowed)), None)
        if allowed is not None:
            number = _agreement_of(allowed)
            if number is not None:
                stopped = stopped_subjects(self.receipt_office, number)
                types = {field.name: field.logical_type for field in table.fields}
                columns_of = self._subjects(dataset)
                allowed = without_objectors(stopped, columns_of, allowed, types)
            return Side(allowed, table.key, column)
        return next(each for each in tried if isinstance(each, Refusal))

    def _keep_receipt(self, asker: Asker, side: Side, version: int, found: Comparison) -> None:
        number = _agreement_of(side.allowed)
        if number is None:
            # What a party reads of its own data leaves nowhere.
            return
        held = agreement(self.sharing_office, number).agreement
        dataset = str(side.allowed.dataset)
        contract, _ = table_named(self.control, dataset)
        subjects = tuple(self._subjects(dataset))
        seen = Admitted(held, asker, side.allowed, contract.version, version, side.key, subjects)
        left = canonical(plain(found))
        told = (
            len(found.differing) + len(found.lacking), len(left), hashlib.sha256(left).hexdigest()
        )  # fmt: skip
        what = delivered(seen, told, MediaType.JSON, Left.FIGURES, Reach.READ)
        touched = of_all_rows(self.delivery_desk, seen)
        record_receipt(self.receipt_office, what, subjects=touched)

    def _decisions(self, used: Used) -> Iterable[Decision]:
        declared = self.declared
        return Recall(
            used,
            self.control,
            self.lake,
            declared.indicators,
            {**declared.rules, **declared.forecasters},
            self.watch,
            self.office,
            origin_of_warning,
        ).decisions()

    def _subjects(self, dataset: str) -> Sequence[SubjectColumn]:
        return subject_columns(table_named(self.control, dataset)[1], None)


def _agreement_of(allowed: Allowed) -> AgreementId | None:
    """Return the agreement by which something is allowed; None for a party's own data."""
    kind, _, number = allowed.grant.id.partition(":")
    return AgreementId(int(number)) if kind == "agreement" else None
