"""What the evaluation room refuses.

Codes: `act.bad_scheme` (YAML), `act.bad_period`, `act.no_such_scheme`, `act.no_such_score`,
`act.no_such_measure`, `act.no_such_appeal`, `act.not_scored`, `act.bad_fact`,
`act.already_published`, `act.not_published`, `act.period_not_over`, `act.appeal_too_late`,
`act.appeal_decided`, `act.appeal_reason_missing`, `act.not_your_score`, `act.not_your_fact`,
`act.bad_correction`, `act.decider_is_appellant`; and `act.score_altered`, which is ours to mend.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class EvaluationError(RefusedError):
    """A scoring, or an appeal against one, cannot be accepted."""
