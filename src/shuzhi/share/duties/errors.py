"""What the duties room refuses.

Codes: `share.bad_duties` (YAML), `share.duty_unknown`, `share.bad_page`.
"""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class DutyError(RefusedError):
    """A question about duties cannot be answered."""
