"""What the verification room refuses before it looks at any data, and what it finds broken."""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError


class VerificationError(RefusedError):
    """A question, a batch or a declaration that cannot be used."""


def bad_question(why: str) -> VerificationError:
    """Refuse a question that is not of the right form; no word of it is repeated."""
    return VerificationError(
        "share.bad_question",
        f"This is no question that can be verified: {why}.",
        next_step="See docs/verification.md for its form.",
    )


def bad_claim(column: str, why: str) -> VerificationError:
    """Refuse a claim that does not fit its column; its value is not repeated."""
    return VerificationError(
        "share.bad_claim",
        f"The claim about {column[:60]!r} cannot be compared: {why}.",
        next_step="Write the value as the contract of the data set has it.",
    )


def index_damaged(dataset: str, why: str) -> BrokenError:
    """Report an index whose files are not what they were when they were written."""
    return BrokenError(
        "share.verification_index_damaged",
        f"The verification index of {dataset} {why}.",
        next_step=f"Run: shuzhi verification refresh {dataset} --rebuild.",
    )
