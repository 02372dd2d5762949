"""Questions about receipts: one of them, lists, and who used the data of one subject."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, func, or_, select

from shuzhi.kernel.control import hold_table
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import AgreementId
from shuzhi.share.receipts.errors import ReceiptError, unknown
from shuzhi.share.receipts.model import Receipt, ReceiptId, SubjectSetId
from shuzhi.share.receipts.office import ReceiptOffice
from shuzhi.share.receipts.store import RECEIPTS, receipt_of, receipt_table
from shuzhi.share.receipts.subjects import sets_with, subject_number

_MOST = 500
# SQLite takes some 32,000 parameters in one statement.
_CHUNK = 10_000
# Receipts that are written together have ids in a row, and fewer than these.
_MOST_OF_A_TURN = 1_000
_VERSION = receipt_table.c.content["lake_version"].as_integer()


def receipt(office: ReceiptOffice, number: ReceiptId) -> Receipt:
    """Return one receipt.

    Raises:
        ReceiptError: `share.receipt_unknown`.
    """
    with office.sharing.control.transaction() as connection:
        query = RECEIPTS.where(receipt_table.c.id == number)
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise unknown("receipt", number)
    return receipt_of(row)


def receipts(
    office: ReceiptOffice,
    *,
    party: PartyId | None = None,
    assignee: PartyId | None = None,
    dataset: str | None = None,
    agreement: AgreementId | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    versions: tuple[int, int] | None = None,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Receipt, ...]:
    """Return receipts, the newest first: of a `party` on either side, of a data set, a period.

    `assignee` is who was given the data. `until` itself is no longer in it. `versions` are the
    first and the last of the data set that were read; one whose version nobody knows is among
    them. At most `limit` (1 to 500) between those numbered `after` and `before`.

    Raises:
        ReceiptError: `share.bad_page`.
    """
    c = receipt_table.c
    where = [
        None if party is None else or_(c.assigner == party, c.assignee == party),
        None if assignee is None else c.assignee == assignee,
        None if dataset is None else c.dataset == dataset,
        None if agreement is None else c.agreement == agreement,
        None if since is None else c.at >= since,
        None if until is None else c.at < until,
        None if versions is None else or_(_VERSION.is_(None), _VERSION.between(*versions)),
        None if after is None else c.id > after,
    ]
    return _page(office, [term for term in where if term is not None], before, limit)


def uses_of(
    office: ReceiptOffice,
    kind: str,
    subject: str,
    *,
    dataset: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[Receipt, ...]:
    """Return every receipt about one subject, the newest first: who used my data (谁用了我的数据).

    `kind` and `subject` are as data call them (person, an id number). Pages as `receipts`.
    """
    sets = sorted(sets_with(office, subject_number(office, kind, subject)))
    of_dataset = [] if dataset is None else [receipt_table.c.dataset == dataset]
    found = [
        each
        for start in range(0, len(sets), _CHUNK)
        for each in _page(office, [_in(sets[start : start + _CHUNK]), *of_dataset], before, limit)
    ]
    return tuple(sorted(found, key=lambda r: -r.id)[:limit])


def hold_receipts(connection: Connection) -> None:
    """Let nobody else write a receipt until the transaction ends; has to be its first step."""
    hold_table(connection, receipt_table)


def newest_receipt(office: ReceiptOffice) -> int:
    """Return the number of the newest receipt: no lower one is still to come. 0 for none."""
    with office.sharing.control.transaction() as connection:
        hold_receipts(connection)
        return connection.scalar(select(func.max(receipt_table.c.id))) or 0


def versions_left(
    connection: Connection, datasets: Iterable[str], after: int
) -> tuple[tuple[str, int | None], ...]:
    """Return which versions of data sets left by receipts after the one numbered `after`."""
    c = receipt_table.c
    query = select(c.dataset, _VERSION).where(c.dataset.in_(list(datasets)), c.id > after)
    return tuple((dataset, version) for dataset, version in connection.execute(query.distinct()))


def is_about(office: ReceiptOffice, found: Receipt, kind: str, subject: str) -> bool:
    """Tell whether a receipt is about a subject."""
    return found.subject_set in sets_with(office, subject_number(office, kind, subject))


def entry_subjects(office: ReceiptOffice, found: Receipt) -> tuple[str, str]:
    """Return what its audit entry can be about: the receipt, or all that were written with it."""
    c = receipt_table.c
    near = (c.id.between(found.id - _MOST_OF_A_TURN, found.id), c.at == found.at)
    with office.sharing.control.transaction() as connection:
        first = connection.scalar(select(func.min(c.id)).where(*near))
    return f"receipt:{found.id}", f"receipts:{first}"


def require_page(limit: int) -> int:
    """Return the length of a page, or refuse it (`share.bad_page`)."""
    if 1 <= limit <= _MOST:
        return limit
    raise ReceiptError(
        "share.bad_page",
        f"A page has 1 to {_MOST} of them, not {limit}.",
        next_step="Ask for several pages.",
    )


def _in(sets: Iterable[SubjectSetId]) -> ColumnElement[bool]:
    return receipt_table.c.subject_set.in_(list(sets))


def _page(
    office: ReceiptOffice, where: list[ColumnElement[bool]], before: int | None, limit: int
) -> tuple[Receipt, ...]:
    require_page(limit)
    if before is not None:
        where = [*where, receipt_table.c.id < before]
    query = RECEIPTS.where(*where).order_by(receipt_table.c.id.desc()).limit(limit)
    with office.sharing.control.transaction() as connection:
        return tuple(receipt_of(row) for row in connection.execute(query).mappings())
