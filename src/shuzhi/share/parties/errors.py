"""What the parties room refuses."""

from __future__ import annotations

from shuzhi.kernel.errors import RefusedError


class PartyError(RefusedError):
    """A party cannot be registered or is not there.

    Codes: `share.party_unknown`, `share.party_bad`, `share.parties_bad` (a YAML file).
    """
