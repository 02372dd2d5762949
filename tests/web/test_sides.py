"""Who may do which verb of an exchange: asked for in one way by pages and interface."""

from __future__ import annotations

import pytest

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import RIGHTS, AccountName, Role, RoleGrant, Standing
from shuzhi.share.agreements import AgreementId, Verb, agreement
from shuzhi.share.agreements.model import Side
from shuzhi.share.agreements.ways import WAYS
from shuzhi.web.api.frame.acting import Acting
from shuzhi.web.api.share.sharing_given import sharing_actor
from shuzhi.web.problems import WebError
from shuzhi.web.sides import RIGHT_OF_SIDE, actor
from shuzhi.web.visitors import Visitor

_SIDES = ((Side.PROVIDER, "east"), (Side.APPLICANT, "west"), (Side.AUTHORITY, "hotline_centre"))


@pytest.mark.parametrize(("side", "party"), _SIDES)
@pytest.mark.parametrize("role", Role)
def test_a_verb_is_for_who_has_the_right_of_a_side_that_has_it(
    city: City, side: Side, party: str, role: Role
) -> None:
    held = agreement(city.sharing_office, AgreementId(1)).agreement
    assert held.sides(PartyId(party)) == {side}
    account = AccountName("chen")
    grant = RoleGrant(account, PartyId(party), role)
    visitor = Visitor(Standing(account, "Chen", PartyId(party), (grant,)))
    for verb in Verb:
        sides = frozenset[Side]().union(*WAYS.get(verb, {}).values())
        is_theirs = side in sides and RIGHT_OF_SIDE[side] in RIGHTS[role]
        for ask in (
            lambda verb=verb: actor(visitor, held, verb, party),
            lambda verb=verb: sharing_actor(visitor, Acting(party=party), held, verb),
        ):
            assert _is_let(ask) == is_theirs, verb


def _is_let(ask: object) -> bool:
    assert callable(ask)
    try:
        ask()
    except WebError as error:
        assert error.code == "web.not_allowed"
        return False
    return True
