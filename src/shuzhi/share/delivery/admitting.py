"""From an agreement and somebody who asks to what may be seen now, or the reason why nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shuzhi.gather.contracts import table_named
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    DatasetFacts,
    Refusal,
    Request,
    decide,
)
from shuzhi.share.access.masks import KEEP
from shuzhi.share.access.reasons import refused
from shuzhi.share.agreements import Agreement, AgreementId, MatterKind, Terms, grant_of
from shuzhi.share.agreements.errors import unknown
from shuzhi.share.agreements.grants import condition
from shuzhi.share.agreements.store import find_matter
from shuzhi.share.catalogue import SharingMethod, described
from shuzhi.share.delivery.counting import asked_so_far
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.model import Asker, Wanted
from shuzhi.share.receipts import (
    Left,
    SubjectColumn,
    stopped_subjects,
    subject_columns,
    without_objectors,
)

# What is queried or looked at on line is not copied whole; changes are told to a system.
_SYSTEMS = frozenset({SharingMethod.DOCKING, SharingMethod.SERVICE})
_METHODS = {Left.FILE: _SYSTEMS | {SharingMethod.DOWNLOAD}, Left.PUSH: _SYSTEMS}


@dataclass(frozen=True)
class Admitted:
    """What one asker may see by one agreement, at one version of the data set.

    `keys` are the columns of the contract's key; `subjects` say whom a row is about.
    """

    agreement: Agreement
    asker: Asker
    allowed: Allowed
    contract_version: str
    version: int
    keys: tuple[str, ...]
    subjects: tuple[SubjectColumn, ...]

    @property
    def dataset(self) -> DatasetName:
        """The data set."""
        return self.allowed.dataset

    @property
    def view(self) -> list[object]:
        """Which columns, how, and which rows are seen, as plain values."""
        columns = [[c.name, repr(c.mask)] for c in self.allowed.columns]
        return [columns, repr(self.allowed.rows)]

    def at(self, version: int) -> Admitted:
        """Return the same at another version of the data set."""
        return replace(self, version=version)

    @property
    def masks(self) -> dict[str, str]:
        """The mask of each column that has one, in words."""
        return {c.name: repr(c.mask) for c in self.allowed.columns if c.mask != KEEP}


def admitted(desk: DeliveryDesk, wanted: Wanted, asker: Asker) -> Admitted | Refusal:
    """Return what `asker` may see of the newest version of what is `wanted`, or why nothing.

    Raises:
        AgreementError: `share.agreement_unknown`, `share.application_bad`, `share.no_contract`.
        RefusedError: `gather.no_contract`, `gather.no_such_dataset`.
    """
    with desk.moment() as now:
        return _admitted(now, wanted, asker)


def by_method(seen: Admitted | Refusal, left: Left) -> Admitted | Refusal:
    """Return what may be seen if it may leave so by the method that was agreed on, else why not."""
    if isinstance(seen, Refusal):
        return seen
    method = seen.agreement.terms.asked.method
    if method is None or method in _METHODS.get(left, SharingMethod):
        return seen
    return refused("not_by_method", method)


def _admitted(desk: DeliveryDesk, wanted: Wanted, asker: Asker) -> Admitted | Refusal:
    now, held = desk.clock(), _agreement(desk, wanted.agreement)
    if held.terms.assignee != asker.user.party:
        return refused("not_the_assignee")
    if not held.in_force(now):
        return refused(_not_in_force(held.terms, now))
    dataset = DatasetName(held.terms.dataset)
    contract, table = table_named(desk.control, dataset)
    grade = described(desk.control, dataset).grade
    facts = DatasetFacts.of(table, contract_version=contract.version, grade=grade or "")
    grant = grant_of(desk.sharing, held)
    types = {name: column.logical_type for name, column in facts.columns.items()}
    rows = condition(wanted.rows, types)
    asked = asked_so_far(desk.control, wanted.agreement)
    request = Request(
        asker.user, asker.role, asker.purpose, dataset, now, wanted.columns, rows, asked
    )
    decided = decide(grant, request, facts, desk.masks)
    if isinstance(decided, Refusal):
        return decided
    subjects = subject_columns(table, grant.subject)
    decided = without_objectors(stopped_subjects(desk.receipts, held.id), subjects, decided, types)
    read = desk.lake.version(dataset)
    return Admitted(held, asker, decided, contract.version, read, table.key, subjects)


def _agreement(desk: DeliveryDesk, number: AgreementId) -> Agreement:
    """Return an agreement without its history, which grows."""
    with desk.control.transaction() as connection:
        held = find_matter(connection, MatterKind.AGREEMENT, number)
    if isinstance(held, Agreement):
        return held
    raise unknown(MatterKind.AGREEMENT, number)


def _not_in_force(terms: Terms, now: Instant) -> str:
    if now < terms.since:
        return "not_yet"
    return "expired" if now >= terms.until else "no_grant"
