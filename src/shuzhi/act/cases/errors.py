"""What the cases room refuses.

Codes: `act.bad_case_kind` (YAML), `act.no_such_case`, `act.no_such_kind`, `act.no_such_party`,
`act.unknown_severity`, `act.due_not_stated`, `act.wrong_stage`, `act.not_your_role`,
`act.not_your_task`, `act.task_not_ready`, `act.changed_meanwhile`, `act.reason_missing`,
`act.approver_is_asker`, `act.one_lead`, `act.evidence_missing`, `act.evidence_refused`,
`act.check_not_independent`, `act.bad_rating`, `act.already_open`, `act.bad_page`,
`act.text_too_long`; and `act.evidence_damaged`, which is ours to mend.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class CaseError(RefusedError):
    """An act on a case cannot be accepted."""
