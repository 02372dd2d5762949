"""Who received a wrong value, by the receipts of what left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shuzhi.kernel.ids import PartyId
from shuzhi.share.correction.model import Decision, DecisionKind, Nearness, Used
from shuzhi.share.correction.office import CorrectionOffice
from shuzhi.share.receipts import Left, Receipt, is_about, receipts

_PAGE = 500


def receipts_of(
    office: CorrectionOffice, used: Used, *, after: int | None = None
) -> tuple[Receipt, ...]:
    """Return the receipts of what left with the wrong value in it, the newest first.

    Of all, or of those after the one numbered `after`.

    Those are meant that show the column at a version that held the value (or at the time, where
    the version is not known), and that are about the subject of the row, where a receipt tells
    whom it is about.
    """
    if used.first_version is None or used.last_version is None:
        return ()
    held = (used.first_version, used.last_version)
    found = _of_versions(office, used, held, after)
    return tuple(receipt for receipt in found if _is_meant(office, receipt, used))


def by_party(found: Iterable[Receipt]) -> dict[PartyId, tuple[int, ...]]:
    """Return receipts by the party that received, each party's in order."""
    known: dict[PartyId, list[int]] = {}
    for receipt in found:
        known.setdefault(receipt.what.assignee, []).append(receipt.id)
    return {party: tuple(sorted(numbers)) for party, numbers in sorted(known.items())}


def deliveries(found: Iterable[Receipt]) -> Iterator[Decision]:
    """Yield each delivery, and each verification, as something to be reviewed by its receiver."""
    for receipt in found:
        what = receipt.what
        is_answer = what.left is Left.YES_NO
        yield Decision(
            DecisionKind.VERIFICATION if is_answer else DecisionKind.DELIVERY,
            f"receipt:{receipt.id}",
            receipt.at,
            what.assignee,
            f"{what.purpose}: {what.dataset}",
            what.dataset,
            what.lake_version,
            Nearness.DATASET if receipt.subject_set is None else Nearness.ROW,
        )


def _of_versions(
    office: CorrectionOffice, used: Used, held: tuple[int, int], after: int | None
) -> Iterator[Receipt]:
    before: int | None = None
    while True:
        page = receipts(
            office.receipts,
            dataset=used.dataset,
            since=used.since,
            versions=held,
            after=after,
            before=before,
            limit=_PAGE,
        )
        yield from page
        if len(page) < _PAGE:
            return
        before = page[-1].id


def _is_meant(office: CorrectionOffice, found: Receipt, used: Used) -> bool:
    what = found.what
    if used.column not in what.columns:
        return False
    if what.lake_version is None and found.at >= used.until:
        return False
    if found.subject_set is None:
        return True
    key = dict(used.key)
    subjects = [s for s in office.subjects(used.dataset) if s.name in key]
    if not subjects:
        return True
    return any(is_about(office.receipts, found, s.kind, key[s.name]) for s in subjects)
