"""What a request is called, so that one that comes twice is known and done once."""

from __future__ import annotations

from shuzhi.share.agreements.errors import AgreementError, require_text

_MOST = 200


def scoped(party: str, origin: str) -> str:
    """Return the name of a request of `party` among those of all parties.

    What one party calls a request says nothing about another party's.

    Raises:
        AgreementError: `share.bad_text` for one that is too long to be told from others,
            `share.reason_missing` for none.
    """
    name = f"{party}/{require_text(origin, 'The origin')}"
    if len(name) <= _MOST:
        return name
    raise AgreementError(
        "share.bad_text",
        f"An origin has at most {_MOST - len(party) - 1} characters here.",
        next_step="Shorten it.",
    )
