"""Agreements as what access decides on: the one place where terms become a `Grant`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from shuzhi.gather.contracts import LogicalType, Table, version_named
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.access import Condition, Every, Grant, Term
from shuzhi.share.access.conditions import Value
from shuzhi.share.agreements.errors import AgreementError
from shuzhi.share.agreements.model import Agreement, RowTerm, Scalar
from shuzhi.share.agreements.office import SharingOffice
from shuzhi.share.agreements.queries import in_force

Types = Mapping[str, LogicalType]


def types_of(table: Table) -> Types:
    """Return the types of a table's columns, by name."""
    return {field.name: field.logical_type for field in table.fields}


def terms_of(agreement: Agreement, types: Types) -> Grant:
    """Return what `agreement` lets its user do, with rows over columns of these `types`.

    Whether it is in force at all is not asked here: `grants` gives only those that are.

    Raises:
        AgreementError: `share.application_bad` for rows that cannot be tested on such columns.
        AccessError: `share.grant_bad` for terms that contradict themselves.
    """
    terms, asked = agreement.terms, agreement.terms.asked
    return Grant(
        f"agreement:{agreement.id}",
        terms.assigner,
        terms.assignee,
        DatasetName(terms.dataset),
        terms.contract_version,
        asked.fields,
        frozenset(asked.purposes),
        frozenset(asked.roles),
        terms.since,
        terms.until,
        asked.form,
        condition(asked.rows or (), types),
        asked.minimum_group,
        asked.subject,
        asked.budget,
    )


def grants(
    office: SharingOffice, assignee: PartyId, dataset: str, now: Instant
) -> tuple[Grant, ...]:
    """Return what `assignee` may do with `dataset` at `now`: a grant for each agreement in force.

    Columns have the types of the contract's version that was agreed on. Raises as `terms_of`.
    """
    return tuple(
        grant_of(office, agreement) for agreement in in_force(office, assignee, dataset, now)
    )


def grant_of(office: SharingOffice, agreement: Agreement) -> Grant:
    """Return what `agreement` lets its user do, in force or not. Raises as `terms_of`."""
    return terms_of(agreement, _types(office, agreement))


def condition(rows: tuple[RowTerm, ...], types: Types) -> Condition | None:
    """Return the rows that are asked for as a condition; None stands for all rows.

    Raises:
        AgreementError: `share.application_bad` for a column that is not there, or a value that
            its type does not have.
    """
    terms = tuple(_term(row, types) for row in rows)
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else Every(terms)


def _types(office: SharingOffice, agreement: Agreement) -> Types:
    terms = agreement.terms
    contract = version_named(office.control, terms.contract_name, terms.contract_version)
    if contract is not None:
        return types_of(contract.table(terms.dataset))
    raise AgreementError(
        "share.no_contract",
        f"Version {terms.contract_version} of the contract {terms.contract_name!r} is not kept.",
        next_step="Register the version that agreement "
        f"{agreement.id} was bound to, or end the agreement.",
    )


def _term(row: RowTerm, types: Types) -> Term:
    logical_type = types.get(row.column)
    if logical_type is None:
        raise _bad(row, "is no column of the data set")
    try:
        term = Term(row.column, row.operator, tuple(_value(v, logical_type) for v in row.values))
    except (ValueError, InvalidOperation, RefusedError):
        raise _bad(row, f"has a value that is no {logical_type.value}") from None
    if problem := term.problem(logical_type):
        raise _bad(row, problem)
    return term


def _value(value: Scalar, logical_type: LogicalType) -> Value:
    if logical_type is LogicalType.DATE:
        return date.fromisoformat(str(value))
    if logical_type is LogicalType.TIMESTAMP:
        return parse_instant(str(value))
    if logical_type is LogicalType.NUMBER and isinstance(value, str):
        return Decimal(value)
    return value


def _bad(row: RowTerm, problem: str) -> AgreementError:
    return AgreementError(
        "share.application_bad",
        f"The rows that are asked for cannot be told apart: {row.column[:60]} {problem}.",
        next_step="Correct this condition and submit it again.",
    )
