"""Whom rows are about, and what is allowed without the rows of those who objected with success."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shuzhi.gather.contracts import LogicalType, Table
from shuzhi.share.access import Allowed, Either, Operator, Term
from shuzhi.share.access.conditions import both
from shuzhi.share.receipts.errors import ReceiptError
from shuzhi.share.receipts.model import SubjectColumn

_SUBJECT_KIND = "subjectKind"
_ANY_KIND = "subject"
_IDS = (LogicalType.STRING, LogicalType.INTEGER)


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
    return tuple(int(subject) for subject in subjects if subject.removeprefix("-").isdecimal())


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
            raise ReceiptError(
                "share.bad_subject_kind",
                f"{table.name}.{f.name} cannot say whom a row is about.",
                next_step="Let subjectKind be one word (person, company), of a string or integer.",
            )
    return tuple(SubjectColumn(name, kind) for name, kind in kinds.items() if kind)
