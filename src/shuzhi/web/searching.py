"""Which searches for causes a visitor sees: all for who may seek causes, else those of seen cases.

Whoever may seek causes could ask the same again; to others a search says what stands in a case.
"""

from __future__ import annotations

from shuzhi.act.cases import CaseId, case
from shuzhi.app import City
from shuzhi.app.decide.cause_store import SearchId, Sought, SoughtLine
from shuzhi.app.decide.causes import no_such_search
from shuzhi.share.accounts import Right
from shuzhi.web.seeing import case_sight
from shuzhi.web.visitors import Visitor


def sees_searches(visitor: Visitor) -> bool:
    """Tell whether a visitor sees every search; unnamed, one sees what the server shows."""
    return visitor.standing is None or visitor.may(Right.TRACE)


def seen_search(visitor: Visitor, city: City, number: int) -> Sought:
    """Return a search; RefusedError `app.no_such_search` also for one that is not to be seen."""
    found = city.sought(SearchId(number))
    if sees_searches(visitor) or _is_of_seen_case(visitor, city, found.case_id):
        return found
    raise no_such_search(SearchId(number))


def seen_searches(
    visitor: Visitor, city: City, before: int | None, limit: int
) -> tuple[tuple[SoughtLine, ...], int | None]:
    """Return up to `limit` searches, the newest first, and after which the next page begins.

    None for who does not see them all: those of the cases that they see stand in the cases.
    """
    if not sees_searches(visitor):
        return (), None
    last = None if before is None else SearchId(before)
    found = city.searches(before=last, limit=limit + 1)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def _is_of_seen_case(visitor: Visitor, city: City, case_id: CaseId | None) -> bool:
    if case_id is None:
        return False
    return case_sight(visitor, city).covers(*case(city.office, case_id).parties)
