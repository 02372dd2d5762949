"""The terms of appeals: when one is over, and the deadlines that wait for the calendar.

A deadline in a year that the calendar does not know yet is none: nothing is late by it, and it is
dated when the calendar is there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.appeals import Appeal
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.reading import held
from shuzhi.act.evaluation.scheme import Days, Scheme, Term
from shuzhi.act.evaluation.versions import appeal_entry
from shuzhi.audit import queue
from shuzhi.kernel.deadlines import due_day, if_known
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, day_of, end_of_day

_BY = "system"


def deadline(evaluating: Evaluating, term: Term, start: Instant) -> tuple[Instant | None, Days]:
    """Return when a term that starts at `start` is over, and the term as it stood that day.

    The former is None while the calendar does not reach it.

    Raises:
        RefusedError: as `Term.on`.
    """
    zone = evaluating.zone
    days = term.on(day_of(start, zone), evaluating.law)
    last = if_known(lambda: due_day(evaluating.calendar, start, days.days, zone))
    return None if last is None else end_of_day(last, zone), days


def date_appeals(evaluating: Evaluating) -> int:
    """Date each appeal that waited for the calendar and is known by now; return how many.

    The deadline is as it would have been from the beginning, also of one decided meanwhile. Doing
    it again adds nothing.
    """
    now = evaluating.clock()
    with evaluating.control.transaction() as connection:
        scheme = cache(lambda name, period: held(connection, name, period).scheme)
        undated = store.read_appeals(connection, is_undated=True)
        known = [_dated(evaluating, scheme(a.scheme, a.period), a) for a in undated]
        dated = [appeal for appeal in known if appeal.due_at is not None]
        for appeal in dated:
            store.date_appeal(connection, appeal)
            queue(connection, appeal_entry("appeal_dated", appeal, now, _BY))
    return len(dated)


def _dated(evaluating: Evaluating, scheme: Scheme, raised: Appeal) -> Appeal:
    try:
        due_at, _ = deadline(evaluating, scheme.decide_within, raised.raised_at)
    except RefusedError:
        # The pack with its law is gone: it waits for that, and keeps no other one waiting.
        return raised
    return replace(raised, due_at=due_at)
