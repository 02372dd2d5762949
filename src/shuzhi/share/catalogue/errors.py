"""What the catalogue refuses."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class CatalogueError(RefusedError):
    """An entry or a request cannot be accepted.

    Codes: `share.entry_refused`, `share.entry_unknown`, `share.entry_secret`,
    `share.bad_contract_properties`, `share.bad_search`.
    """
