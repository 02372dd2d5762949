"""What the cases room refuses.

Codes: `act.bad_case_kind` (YAML), `act.no_such_case`, `act.no_such_kind`, `act.no_such_party`,
`act.unknown_severity`, `act.due_not_stated`, `act.wrong_stage`, `act.not_your_role`,
`act.not_your_task`, `act.task_not_ready`, `act.changed_meanwhile`, `act.reason_missing`,
`act.approver_is_asker`, `act.one_lead`, `act.evidence_missing`, `act.evidence_refused`,
`act.check_not_independent`, `act.bad_rating`, `act.bad_merge`, `act.already_open`, `act.bad_page`,
`act.bad_text`, `act.nothing_to_rehearse`, `act.hours_missing`; and `act.evidence_damaged` and
`act.turn_failed`, which are ours to mend.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError

MOST_NAME = 120


class CaseError(RefusedError):
    """An act on a case cannot be accepted."""


def require_text(text: str, most: int, what: str) -> None:
    """Refuse (`act.bad_text`) a text of more than `most` characters, or of what no store holds."""
    is_unicode = not any("\ud800" <= c <= "\udfff" or c == "\x00" for c in text)
    if len(text) <= most and is_unicode:
        return
    why = f"has {len(text)} characters; {most} are taken" if is_unicode else "is no Unicode text"
    raise CaseError("act.bad_text", f"The text {what} {why}.", next_step="Shorten or correct it.")
