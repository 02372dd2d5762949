"""What the receipts room refuses.

Codes: `share.receipt_unknown`, `share.receipt_bad`, `share.receipt_unproven`,
`share.objection_unknown`,
`share.objection_open`, `share.objection_settled`, `share.objection_unreadable`,
`share.not_touched`, `share.not_your_side`, `share.bad_page`, `share.bad_subject_kind`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class ReceiptError(RefusedError):
    """A receipt, or an objection to what it tells of, cannot be had so."""


def unknown(kind: str, number: int) -> ReceiptError:
    """Refuse a number under which there is no receipt or objection."""
    return ReceiptError(
        f"share.{kind}_unknown", f"There is no {kind} {number}.", next_step="Correct the number."
    )
