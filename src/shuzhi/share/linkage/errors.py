"""What the linkage room refuses.

Codes: `share.bad_linkage` (YAML), `share.linkage_unknown`, `share.linkage_columns`,
`share.linkage_keys`, `share.linkage_untrainable`, `share.linkage_not_accepted`,
`share.linkage_model_unknown`, `share.linkage_model_state`, `share.linkage_pair_unknown`,
`share.linkage_bad_verdict`, `share.linkage_subject_unknown`, `share.linkage_working`,
`share.linkage_work_unknown`, `share.changed_meanwhile`; in what failed also
`share.linkage_work_broken`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class LinkageError(RefusedError):
    """A linkage cannot be declared, trained, run, reviewed or shown as asked."""
