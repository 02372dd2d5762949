"""What the correction room refuses.

Codes: `share.doubt_unknown`, `share.doubt_bad`, `share.not_your_doubt`, `share.wrong_state`,
`share.changed_meanwhile`, `share.value_unfit`, `share.not_a_source`, `share.had_it_already`,
`share.no_notice`, `share.no_decision`, `share.not_comparable`, `share.bad_page`;
of texts `share.reason_missing`, `share.bad_text`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class CorrectionError(RefusedError):
    """A doubt, or what is done about it, cannot be accepted."""


def unknown(doubt: int) -> CorrectionError:
    """Refuse a number under which there is no doubt."""
    return CorrectionError(
        "share.doubt_unknown", f"There is no doubt {doubt}.", next_step="Correct the number."
    )


def bad(problem: str, next_step: str) -> CorrectionError:
    """Refuse what is doubted as it is stated."""
    return CorrectionError("share.doubt_bad", problem, next_step=next_step)
