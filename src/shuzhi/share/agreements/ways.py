"""Where each verb may start, and which side may do it: one table for applications and agreements.

A test holds the diagram in docs/agreements.md against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from shuzhi.share.agreements.errors import AgreementError
from shuzhi.share.agreements.model import (
    Actor,
    AgreementState,
    ApplicationState,
    Matter,
    Side,
    Verb,
    kind_of,
)

_Sides = frozenset[Side]
Ways = Mapping[Verb, Mapping[str, _Sides]]

_USER, _PROVIDER = frozenset({Side.APPLICANT}), frozenset({Side.PROVIDER})
_AUTHORITY, _GOVERNMENT = frozenset({Side.AUTHORITY}), frozenset({Side.GOVERNMENT})
_ANY = _USER | _PROVIDER | _AUTHORITY
_A, _G = ApplicationState, AgreementState
_OPEN = (_A.INCOMPLETE, _A.DOCKING, _A.WAITING, _A.NEGOTIATING, _A.MEDIATING, _A.DECIDING)

WAYS: Ways = {
    Verb.COMPLETE: {_A.INCOMPLETE: _USER},
    Verb.RETURN: {_A.WAITING: _PROVIDER | _AUTHORITY},
    Verb.ASSIGN: {_A.DOCKING: _AUTHORITY, _A.WAITING: _AUTHORITY},
    Verb.DECLINE: {_A.WAITING: _PROVIDER},
    Verb.ASK_EXTENSION: {_A.WAITING: _PROVIDER},
    Verb.GRANT_EXTENSION: {_A.WAITING: _AUTHORITY},
    Verb.DENY_EXTENSION: {_A.WAITING: _AUTHORITY},
    Verb.AGREE: {_A.WAITING: _PROVIDER, _A.NEGOTIATING: _PROVIDER, _A.MEDIATING: _PROVIDER},
    Verb.REFUSE: {_A.WAITING: _PROVIDER},
    Verb.WITHDRAW: dict.fromkeys(_OPEN, _USER),
    Verb.DISPUTE: {_A.REFUSED: _USER, _A.WAITING: _USER, _A.INCOMPLETE: _USER},
    Verb.GO_UP: {_A.NEGOTIATING: _USER | _PROVIDER, _A.MEDIATING: _AUTHORITY},
    Verb.DECIDE: {_A.MEDIATING: _AUTHORITY, _A.DECIDING: _GOVERNMENT},
    Verb.PROVIDE: {_G.ACTIVE: _PROVIDER},
    Verb.SUSPEND: {_G.ACTIVE: _ANY},
    Verb.RESUME: {_G.SUSPENDED: _ANY},
    Verb.RENEW: {_G.ACTIVE: _USER, _G.SUSPENDED: _USER},
    Verb.END: {_G.ACTIVE: _ANY, _G.SUSPENDED: _ANY},
    Verb.DISPOSE: {_G.ENDED: _USER},
}


def require_way(matter: Matter, verb: Verb, by: Actor) -> None:
    """Refuse (`share.wrong_state`, `share.not_your_side`) what `by` cannot do to `matter` now."""
    kind = kind_of(matter)
    ways = WAYS.get(verb, {})
    if matter.state not in ways:
        able = sorted(v.value for v, froms in WAYS.items() if matter.state in froms)
        raise AgreementError(
            "share.wrong_state",
            f"The {kind} {matter.id} is {matter.state.value}; {verb.value} is not possible now.",
            next_step=f"Possible are: {', '.join(able) or 'nothing any more'}.",
        )
    sides = ways[matter.state]
    if not sides & matter.sides(by.party):
        may = ", ".join(sorted(side.value for side in sides))
        raise AgreementError(
            "share.not_your_side",
            f"{by.party} cannot {verb.value} the {kind} {matter.id}: that is for its {may}.",
            next_step="Act for the party whose part it is.",
        )
