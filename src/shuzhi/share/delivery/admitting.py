"""From an agreement and somebody who asks to what may be seen now, or the reason why nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shuzhi.gather.contracts import LogicalType, Table, table_named
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    DatasetFacts,
    Either,
    Operator,
    Refusal,
    Request,
    Term,
    decide,
)
from shuzhi.share.access.conditions import both
from shuzhi.share.access.masks import KEEP
from shuzhi.share.access.reasons import refused
from shuzhi.share.agreements import Agreement, Terms, grant_of
from shuzhi.share.agreements import agreement as read_agreement
from shuzhi.share.agreements.grants import condition
from shuzhi.share.catalogue import entry
from shuzhi.share.delivery.counting import asked_so_far
from shuzhi.share.delivery.desk import DeliveryDesk
from shuzhi.share.delivery.errors import DeliveryError
from shuzhi.share.delivery.model import Asker, Wanted
from shuzhi.share.receipts import SubjectColumn, stopped_subjects

_SUBJECT_KIND = "subjectKind"
_ANY_KIND = "subject"
_IDS = (LogicalType.STRING, LogicalType.INTEGER)


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
    now = desk.clock()
    held = read_agreement(desk.sharing, wanted.agreement).agreement
    if held.terms.assignee != asker.user.party:
        return refused("not_the_assignee")
    if not held.in_force(now):
        return refused(_not_in_force(held.terms, now))
    dataset = DatasetName(held.terms.dataset)
    contract, table = table_named(desk.control, dataset)
    grade = entry(desk.control, dataset).entry.grade
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


def _not_in_force(terms: Terms, now: Instant) -> str:
    if now < terms.since:
        return "not_yet"
    return "expired" if now >= terms.until else "no_grant"


def without_objectors(
    stopped: Iterable[tuple[str, str]],
    subjects: Iterable[SubjectColumn],
    decided: Allowed,
    types: Mapping[str, LogicalType],
) -> Allowed:
    """Return what is allowed without the rows of those who objected with success."""
    left_out: dict[str, list[str]] = {}
    for kind, subject in stopped:
        left_out.setdefault(kind, []).append(subject)
    rows = decided.rows
    for column in subjects:
        if values := _values(left_out.get(column.kind, ()), types[column.name]):
            others = Term(column.name, Operator.NONE_OF, values)
            rows = both(rows, Either((others, Term(column.name, Operator.IS_MISSING))))
    return replace(decided, rows=rows)


def _values(subjects: Iterable[str], logical_type: LogicalType) -> tuple[str | int, ...]:
    if logical_type is LogicalType.STRING:
        return tuple(subjects)
    # One that is no number stands in no column of numbers.
    return tuple(int(subject) for subject in subjects if subject.isdecimal())


def subject_columns(table: Table, named: str | None) -> tuple[SubjectColumn, ...]:
    """Return the columns whose values are ids of subjects, with their kind.

    They have the custom property `subjectKind` in the contract; the one that an agreement names is
    there in any case.
    """
    kinds = {f.name: str(f.properties.get(_SUBJECT_KIND, "")) for f in table.fields}
    if named is not None and not kinds.get(named):
        kinds[named] = _ANY_KIND
    for f in table.fields:
        is_word = not kinds[f.name] or kinds[f.name].isidentifier()
        if not is_word or (kinds[f.name] and f.logical_type not in _IDS):
            raise DeliveryError(
                "share.bad_subject_kind",
                f"{table.name}.{f.name} cannot say whom a row is about.",
                next_step="Let subjectKind be one word (person, company), of a string or integer.",
            )
    return tuple(SubjectColumn(name, kind) for name, kind in kinds.items() if kind)
