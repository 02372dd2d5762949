"""The verbs of correction: doubts, the recall of what rested on a wrong value, one source each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shuzhi.app.delivering import Delivers
from shuzhi.app.measuring import Measures
from shuzhi.app.reactions import origin_of_warning
from shuzhi.app.recalls import Recall
from shuzhi.gather.contracts import table_named
from shuzhi.share.access import Allowed, DatasetFacts, Refusal, Request, decide
from shuzhi.share.agreements import grants
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
from shuzhi.share.delivery import Asker
from shuzhi.share.forms.own import own_grant
from shuzhi.share.receipts import SubjectColumn, subject_columns


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

        Raises as `correction.compare`, `table_named`, `agreements.grants`, `read_masks_file`.
        """
        sides: list[Side] = []
        for named in (here, there):
            dataset, _, column = named.partition(".")
            side = self._side(dataset, column, asker)
            if isinstance(side, Refusal):
                return side
            sides.append(side)
        return compare(self.lake, sides[0], sides[1], examples=examples)

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
            return Side(allowed, table.key, column)
        return next(each for each in tried if isinstance(each, Refusal))

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
