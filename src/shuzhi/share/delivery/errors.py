"""What the delivery room refuses.

Codes: `share.bad_cursor`, `share.bad_page`, `share.delivery_unreadable`,
`share.push_not_allowed`, `share.subscription_unknown`, `share.subscription_ended`,
`share.query_bad`, `share.query_taken`, `share.query_unknown`, `share.parameter_bad`.
An expected no of access is no error but a `Refusal`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError


class DeliveryError(RefusedError):
    """What was asked for cannot be delivered so."""


def unknown(kind: str, number: int) -> DeliveryError:
    """Refuse a number under which there is nothing of a kind."""
    return DeliveryError(
        f"share.{kind}_unknown", f"There is no {kind} {number}.", next_step="Correct the number."
    )


def bad_cursor() -> DeliveryError:
    """Refuse a cursor that we did not give for this question."""
    return DeliveryError(
        "share.bad_cursor",
        "This cursor belongs to another question, or is none of ours.",
        next_step="Begin again without a cursor, and take each from the page before, unchanged.",
    )


def unreadable() -> BrokenError:
    """Say that files of the lake cannot be read, without what the database says of them."""
    return BrokenError(
        "share.delivery_unreadable",
        "The files of a data set cannot be read.",
        next_step="Run `shuzhi lake repair` and ask again.",
    )
