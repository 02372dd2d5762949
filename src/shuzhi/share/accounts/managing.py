"""Who may manage whom: an administrator of a party reaches its accounts and those below it."""

from __future__ import annotations

from collections.abc import Iterable

from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts.model import Account, RoleGrant, Standing
from shuzhi.share.accounts.rights import Right
from shuzhi.share.parties import Organisation


def reaches(standing: Standing, right: Right, party: PartyId, organisation: Organisation) -> bool:
    """Tell whether a right that is held for a party, or for one above it, counts there."""
    held = standing.parties(right)
    return party in held or any(above.id in held for above in organisation.superiors(party))


def manages(
    standing: Standing, account: Account, grants: Iterable[RoleGrant], organisation: Organisation
) -> bool:
    """Tell whether somebody may change an account of somebody else.

    It takes reach over everything that the account stands for: else who gives it a new password
    would come in with rights beyond their own.
    """
    stands_for = {account.party, *(grant.party for grant in grants)}
    return account.name != standing.account and all(
        reaches(standing, Right.MANAGE_ACCOUNTS, party, organisation) for party in stands_for
    )
