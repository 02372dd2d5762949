"""Which searches for causes a visitor sees: those of a case as the case, others as who searches."""

from __future__ import annotations

from collections.abc import Iterable

from shuzhi.act.cases import CaseId
from shuzhi.app import City
from shuzhi.app.cause_store import SearchId, Sought, SoughtLine
from shuzhi.app.causes import no_such_search
from shuzhi.share.accounts import Right
from shuzhi.web.sides import AT_ONCE, seen_page
from shuzhi.web.visitors import Visitor


def seen_search(visitor: Visitor, city: City, number: int) -> Sought:
    """Return a search; RefusedError `app.no_such_search` also for one that is not to be seen."""
    found = city.sought(SearchId(number))
    if _is_seen(visitor, found, _seen_cases([found])):
        return found
    raise no_such_search(SearchId(number))


def seen_searches(
    visitor: Visitor, city: City, before: int | None, limit: int
) -> tuple[list[SoughtLine], int | None]:
    """Return up to `limit` searches, the newest first, and after which the next page begins."""
    seen: set[CaseId] = set()

    def found(place: int | None) -> tuple[SoughtLine, ...]:
        last = None if place is None else SearchId(place)
        lines = city.searches(before=last, limit=AT_ONCE)
        seen.update(_seen_cases(lines))
        return lines

    return seen_page(
        found, lambda line: line.id, lambda line: _is_seen(visitor, line, seen), before, limit
    )


def _is_seen(
    visitor: Visitor, search: Sought | SoughtLine, cases: set[CaseId] | frozenset[CaseId]
) -> bool:
    if search.case_id is not None:
        return search.case_id in cases
    return visitor.standing is None or visitor.may(Right.TRACE)


def _seen_cases(searches: Iterable[Sought | SoughtLine]) -> frozenset[CaseId]:
    return frozenset(each.case_id for each in searches if each.case_id is not None)
