"""Rehearsal of a rule: what it would have raised with other values, beside what it raises now."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from fastapi import APIRouter, Request, Response

from shuzhi.app import City
from shuzhi.decide.rules import Change, Rehearsal, Rule
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import day_of, start_of_day
from shuzhi.share.accounts import Right
from shuzhi.web.pages.frame.sending import FieldError, Typed, shown
from shuzhi.web.pages.frame.site import Site
from shuzhi.web.problems import WebError
from shuzhi.web.rehearsed import MOST_DAYS_OF_RULES
from shuzhi.web.visitors import visitor_of

_DAYS = 30
_SPANS = ("after", "every", "look_back", "merge_within")
_FIELDS = {"decide.nothing_to_rehearse": "start"}


def routes(site: Site) -> APIRouter:
    """Return the route of rehearsals; to rehearse stores nothing, so that it is asked for."""
    router = APIRouter()

    @router.get("/rules/{rule_id}/rehearse")
    def show(request: Request, rule_id: str) -> Response:
        if not visitor_of(request).may(Right.REHEARSE):
            raise WebError(
                "web.not_allowed",
                "Your roles do not let you rehearse rules.",
                next_step="Sign in as an analyst or a manager.",
            )
        city, rule = site.city, site.city.rule(rule_id)
        typed = Typed.asked(request)
        found: Rehearsal | None = None
        error: RefusedError | None = None
        try:
            if typed.one("start"):
                found = _rehearsed(city, rule, typed)
        except RefusedError as refused:
            error = refused
        today = day_of(city.clock(), city.settings.city.zone)
        return shown(
            site, request, "rehearse.html", typed, error, _FIELDS, rule=rule, found=found,
            settable=_settable(rule), days=() if found is None else _days(found),
            start=today - timedelta(days=_DAYS), end=today + timedelta(days=1),
        )  # fmt: skip

    return router


def _settable(rule: Rule) -> dict[str, str]:
    """Return what a rehearsal may set of a rule, with what stands there now."""
    spans = {name: str(s) for name in _SPANS if (s := getattr(rule, name, None)) is not None}
    return {name: str(value) for name, value in rule.values.items()} | dict.fromkeys(spans, "")


def _rehearsed(city: City, rule: Rule, typed: Typed) -> Rehearsal:
    start, end = typed.day("start"), typed.day("end")
    if start is None or end is None or not 0 < (end - start).days <= MOST_DAYS_OF_RULES:
        raise FieldError(
            "web.bad_span", "end", f"A rehearsal covers 1 to {MOST_DAYS_OF_RULES} days."
        )
    now = _settable(rule)
    given = {name: text for name in now if (text := typed.one(f"value_{name}").strip())}
    changed = {name: text for name, text in given.items() if text != now[name]}
    change = Change({rule.id: changed} if changed else {})
    zone = city.settings.city.zone
    return city.rehearse(start_of_day(start, zone), start_of_day(end, zone), change, [rule.id])


def _days(found: Rehearsal) -> list[tuple[date, int, int]]:
    """Return how many warnings begin on each day, now and then."""
    present, other = Counter[date](), Counter[date]()
    for each in found.days:
        present[each.day] += each.present
        other[each.day] += each.other
    return [(day, present[day], other[day]) for day in sorted({*present, *other})]
