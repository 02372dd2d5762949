"""The one root of errors and its two branches.

A `RefusedError` can be mended by the caller, a `BrokenError` by us; both carry a stable code, and
say what happened, where, why and what to do next, with no personal data.
"""

from __future__ import annotations


class ShuzhiError(Exception):
    """Root of every error that this software raises on purpose.

    `code` is stable and dotted (`gather.ragged_row`); `next_step` tells the reader what to do.
    """

    code: str
    message: str
    next_step: str

    def __init__(self, code: str, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.code}: {self.message}", self.next_step) if part)


class RefusedError(ShuzhiError):
    """The input or the request cannot be accepted; the caller can mend it."""


class BrokenError(ShuzhiError):
    """Something of ours, or of the machine, failed; the caller did nothing wrong."""
