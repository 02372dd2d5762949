"""What a party may do with its own data: it needs nobody's agreement, but masks hold."""

from __future__ import annotations

from datetime import timedelta

from shuzhi.gather.contracts import Contract, Table
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import Grant

_MOMENT = timedelta(minutes=1)


def own_grant(
    party: PartyId, contract: Contract, table: Table, *, purpose: str, role: str, now: Instant
) -> Grant:
    """Return the grant by which `party` reads a data set that it provides itself, for now.

    Raises:
        AccessError: `share.grant_bad` without a purpose or a role.
    """
    return Grant(
        f"own:{table.name}",
        party,
        party,
        table.name,
        contract.version,
        tuple(field.name for field in table.fields),
        frozenset({purpose} if purpose else ()),
        frozenset({role} if role else ()),
        now,
        Instant(now + _MOMENT),
    )
