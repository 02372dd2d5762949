"""Receipts of values that were filled in: written before any of them leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shuzhi.gather.contracts import Contract, Table
from shuzhi.kernel.ids import PartyId
from shuzhi.share import receipts
from shuzhi.share.access import User
from shuzhi.share.agreements import AgreementId
from shuzhi.share.agreements.plain import canonical
from shuzhi.share.forms.model import Form
from shuzhi.share.receipts import (
    Delivered,
    ReceiptOffice,
    record_receipt,
    set_of,
    subject_number,
)

AGREEMENT = "agreement:"
_SUBJECT_KIND = "subjectKind"


@dataclass(frozen=True)
class Left:
    """One value that is about to leave: by which grant, of which version, in which column."""

    grant: str
    version: int
    column: str
    value: object


@dataclass(frozen=True)
class FilledIn:
    """Whom values of a data set are for: a form, who asks, and whose row it is."""

    form: Form
    user: User
    provider: PartyId
    contract: Contract
    table: Table
    key: str
    subject: str


def record_filled_in(office: ReceiptOffice, what: FilledIn, values: Iterable[Left]) -> None:
    """Record what leaves of one data set for a form: a receipt for each agreement.

    What a party reads of its own data leaves nowhere, and has none.

    Raises:
        BrokenError: as `record_receipt`; then nothing may leave.
    """
    kind = str(what.table.field(what.key).properties.get(_SUBJECT_KIND, ""))
    subjects = set_of([subject_number(office, kind, what.subject)]) if kind else None
    found: dict[tuple[str, int], dict[str, object]] = {}
    for each in values:
        found.setdefault((each.grant, each.version), {})[each.column] = each.value
    for (grant, version), columns in found.items():
        if grant.startswith(AGREEMENT):
            agreement = AgreementId(int(grant.removeprefix(AGREEMENT)))
            left = _delivered(what, agreement, version, columns)
            record_receipt(office, left, subjects=subjects)


def _delivered(
    what: FilledIn, agreement: AgreementId, version: int, columns: Mapping[str, object]
) -> Delivered:
    form = what.form
    left = canonical({column: str(value) for column, value in columns.items()})
    return Delivered(
        agreement,
        what.provider,
        form.owner,
        what.user.id,
        form.role,
        form.purpose,
        what.table.name,
        what.contract.version,
        version,
        tuple(columns),
        {},
        1,
        len(left),
        hashlib.sha256(left).hexdigest(),
        receipts.Left.ROWS,
        "application/json",
    )
