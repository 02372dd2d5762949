"""What the access room raises; a question that may not be answered is a `Refusal`, no error."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class AccessError(RefusedError):
    """Terms that cannot stand. Codes: `share.grant_bad`, `share.masks_bad` (a YAML file)."""


def bad_grant(grant: str, problem: str) -> AccessError:
    """Return the refusal of a grant whose terms contradict themselves."""
    return AccessError(
        "share.grant_bad",
        f"The grant {grant!r} cannot stand: {problem}.",
        next_step="Correct the terms of the agreement that it comes from.",
    )
