"""What the agreements room refuses.

Codes: `share.bad_application` (YAML), `share.application_unknown`, `share.agreement_unknown`,
`share.wrong_state`, `share.not_your_side`, `share.changed_meanwhile`, `share.reason_missing`,
`share.bad_text`, `share.application_duplicate`, `share.already_granted`, `share.application_bad`,
`share.basis_missing`, `share.rank_too_low`, `share.already_decided`, `share.extension_not_allowed`,
`share.approver_is_asker`, `share.not_overdue`, `share.no_contract`, `share.not_the_provider`,
`share.period_over`, `share.receipt_missing`, `share.withheld`,
`share.bad_page`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError

_MOST_TEXT = 4_000


class AgreementError(RefusedError):
    """An act on an application or an agreement cannot be accepted."""


def require_text(text: str, what: str) -> str:
    """Return `text` without its margins.

    Raises:
        AgreementError: `share.reason_missing`, `share.bad_text`.
    """
    said = text.strip()
    if not said:
        raise AgreementError("share.reason_missing", f"{what} is missing.", next_step="Say it.")
    if len(said) > _MOST_TEXT or any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in said):
        raise AgreementError(
            "share.bad_text",
            f"{what} has more than {_MOST_TEXT} characters, or is no Unicode text.",
            next_step="Shorten or correct it.",
        )
    return said


def optional_text(text: str, what: str) -> str:
    """Return `text` without its margins, or nothing. Raises `share.bad_text`."""
    return require_text(text, what) if text.strip() else ""


def not_done_so(verb: str, name: str) -> AgreementError:
    """Refuse a verb that makes something of its own, and has a use case of its own for that."""
    return AgreementError(
        "share.wrong_state", f"{verb} is no act by itself.", next_step=f"Call {name}."
    )


def unknown(kind: str, number: int) -> AgreementError:
    """Refuse a number under which there is no application or agreement."""
    return AgreementError(
        f"share.{kind}_unknown",
        f"There is no {kind} {number}.",
        next_step="Correct the number.",
    )
