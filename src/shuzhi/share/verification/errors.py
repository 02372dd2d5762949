"""What the verification room refuses before it looks at any data, and what it finds broken."""

from __future__ import annotations

from shuzhi.kernel.errors import BrokenError, RefusedError
from shuzhi.share.verification.words import wrong


class VerificationError(RefusedError):
    """A question, a batch or a declaration that cannot be used.

    `zh` is the message in Chinese, where there is one; `column` is the one that a claim is about.
    """

    def __init__(
        self, code: str, message: str, *, next_step: str = "", zh: str = "", column: str = ""
    ) -> None:
        super().__init__(code, message, next_step=next_step)
        self.zh = zh
        self.column = column


def bad_question(why: str, *, column: str = "", **facts: object) -> VerificationError:
    """Refuse a question that is not of the right form, for a reason of `WRONG`.

    No word of it is repeated.
    """
    said = wrong(why, column=column[:60], **facts)
    return VerificationError(
        "share.bad_question",
        f"This is no question that can be verified: {said.en}.",
        next_step="See docs/verification.md for its form.",
        zh=f"不能这样核验：{said.zh}。",
        column=column,
    )


def bad_claim(column: str, why: str, **facts: object) -> VerificationError:
    """Refuse a claim that does not fit its column, for a reason of `WRONG`.

    Its value is not repeated.
    """
    said = wrong(why, **facts)
    return VerificationError(
        "share.bad_claim",
        f"The claim about {column[:60]!r} cannot be compared: {said.en}.",
        next_step="Write the value as the contract of the data set has it.",
        zh=f"“{column[:60]}”一项不能比对：{said.zh}。",
        column=column,
    )


def index_damaged(dataset: str, why: str) -> BrokenError:
    """Report an index whose files are not what they were when they were written."""
    return BrokenError(
        "share.verification_index_damaged",
        f"The verification index of {dataset} {why}.",
        next_step=f"Run: shuzhi verification refresh {dataset} --rebuild.",
    )
