"""The terms of appeals: when one is over, and the deadlines that notices date or move.

A deadline in a year that the calendar does not know yet is none: nothing is late by it, and it is
dated when the calendar is there. A notice that changes days moves what waits for a decision.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.appeals import Appeal
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.reading import Held, held
from shuzhi.act.evaluation.scheme import Days, Term
from shuzhi.act.evaluation.versions import appeal_entry
from shuzhi.audit import queue
from shuzhi.kernel.deadlines import due_as_known, due_day
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, day_of, end_of_day
from shuzhi.kernel.workdays import WorkingDays

_BY = "system"


def deadline(
    evaluating: Evaluating, term: Term, start: Instant, at: Instant
) -> tuple[Instant | None, Days]:
    """Return when a term from `start` is over, as known at `at`, and the term as it stood then.

    The former is None while the calendar does not reach it.

    Raises:
        RefusedError: as `Term.on`.
    """
    zone = evaluating.zone
    days = term.on(day_of(start, zone), evaluating.law)

    def count(calendar: WorkingDays) -> Instant:
        return end_of_day(due_day(calendar, start, days.days, zone), zone)

    calendar = evaluating.calendar
    return due_as_known(calendar, count, started_at=start, at=at, zone=zone), days


def standing_since(
    connection: Connection, found: Held, version: int, party: PartyId, measure: str
) -> Instant | None:
    """Return since when the number stands as it does in `version`: others' appeals renew no term.

    None where the party has no score.
    """
    since: Instant | None = None
    newest = None
    for row in reversed(found.scorings[:version]):
        score_then = store.read_scores(connection, row["id"], party=party)
        if not score_then:
            break
        then = score_then[0].number(measure)
        newest = newest or then
        if then != newest:
            break
        since = row["published_at"]
    return since


def date_appeals(evaluating: Evaluating, *, anew: bool = True) -> int:
    """Date each appeal that waited for the calendar and is known by now; return how many.

    The deadline is as it would have been from the beginning, also of one decided meanwhile. `anew`
    dates again what a calendar dated that counted other days; what is decided or overdue by then
    stays. Doing it again adds nothing.
    """
    now, dated = evaluating.clock(), 0
    with_dated = anew and evaluating.calendar.before is not None
    with evaluating.control.transaction() as connection:
        find = cache(partial(held, connection))
        for was in store.hold_appeals(connection, with_dated=with_dated):
            known = _dated(evaluating, connection, find(was.scheme, was.period), was, now)
            if known.due_at == was.due_at:
                continue
            dated += 1
            store.date_appeal(connection, known)
            more = _changes(evaluating, was, known)
            queue(connection, appeal_entry("appeal_dated", known, now, _BY, **more))
    return dated


def _dated(
    evaluating: Evaluating, connection: Connection, found: Held, was: Appeal, now: Instant
) -> Appeal:
    at = was.decision.at if was.decision else now
    try:
        term = found.scheme.decide_within
        due_at, _ = deadline(evaluating, term, was.raised_at, at)
        if was.due_at is not None:
            is_moved = was.due_at in _due_before(evaluating, term, was, at)
            return replace(was, due_at=due_at) if is_moved else was
        until = was.raise_until or _raise_until(evaluating, connection, found, was)
    except RefusedError:
        # The pack with its law is gone: it waits for that, and keeps no other one waiting.
        return was
    return replace(was, due_at=due_at, raise_until=until)


def _due_before(
    evaluating: Evaluating, term: Term, was: Appeal, at: Instant
) -> list[Instant | None]:
    """Return the deadlines by older calendars; what has another one has it by another law."""
    older = (replace(evaluating, calendar=each) for each in evaluating.calendar.older())
    return [deadline(each, term, was.raised_at, at)[0] for each in older]


def _raise_until(
    evaluating: Evaluating, connection: Connection, found: Held, was: Appeal
) -> Instant | None:
    by = was.raised_by.party
    since = standing_since(connection, found, was.version, by, was.measure)
    # As first known since it was raised, whenever somebody dates: no later notice moves it.
    return since and deadline(evaluating, found.scheme.raise_within, since, was.raised_at)[0]


def _changes(evaluating: Evaluating, was: Appeal, known: Appeal) -> dict[str, Any]:
    """Return what the entry of a dating tells beside the deadline: from what, why, raised late."""
    facts: dict[str, Any] = {"is_raised_late": known.is_raised_late}
    if was.due_at is not None:
        facts["instead_of"] = was.due_at.isoformat()
    if evaluating.calendar.source:
        facts["source"] = evaluating.calendar.source
    return facts
