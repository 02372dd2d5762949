"""Cases as they stood at an instant, round by round: what scores and rehearsals look back on.

A round goes from an opening or reopening to the closing. Looking back gives the same at any later
time: what was done after the instant is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from shuzhi.act.cases.clocks import Clocks, due_if_resumed, limit_of, readings
from shuzhi.act.cases.life_cycle import replay
from shuzhi.act.cases.model import Case, CaseId, CaseRole, Spell, Step, Verb
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.rows import step_of
from shuzhi.act.cases.store import case_table, clock_table, read_cases, step_table
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

_CHUNK = 500


@dataclass(frozen=True)
class RoundClock:
    """A clock in a round: who answers, when it was due, when it was done, and what it used.

    While a clock stands unbroken its deadline moves with it; `due_at` is where it had come to by
    the closing, or by the instant looked back from; None where the calendar does not reach it.
    `used` and `limit` are of one unit, as the clock counts (stated deadlines: minutes). `ended_at`
    is None while it runs.
    """

    clock: str
    is_handlers: bool
    answers: PartyId
    due_at: Instant | None
    ended_at: Instant | None
    is_late: bool
    used: int
    limit: int | None
    spells: tuple[Spell, ...]


@dataclass(frozen=True)
class Round:
    """One round of a case; `number` counts from 1, `reports` were taken into this round.

    A kind without the step `file` files its cases as they are opened. A round that was `merged`
    ended in another case, and is none of its own.
    """

    case_id: CaseId
    kind: str
    severity: str
    number: int
    responsible: PartyId
    opened_at: Instant
    filed_at: Instant | None
    closed_at: Instant | None
    reopened_at: Instant | None
    merged_into: CaseId | None
    stars: int | None
    reports: int
    returns: int
    pauses: int
    clocks: tuple[RoundClock, ...]


def rounds_until(
    office: Office, at: Instant, *, since: Instant, only_moved: bool = False
) -> Iterator[Round]:
    """Yield the rounds, as they stood at `at`, of all cases that were open in some of `since`–`at`.

    With `only_moved`, open cases of which nothing was heard since are left out, unless a clock of
    theirs ran out and was not broken yet. Cases of kinds that are gone are left out: nobody knows
    their clocks.
    """
    for case, steps in histories(office, at, since=since, only_moved=only_moved):
        yield from rounds(office, case, steps, at)


def histories(
    office: Office, at: Instant, *, since: Instant, only_moved: bool = False
) -> Iterator[tuple[Case, Sequence[Step]]]:
    """Yield those cases as they are now, each with its steps before `at`."""
    last = CaseId(0)
    while True:
        with office.control.transaction() as connection:
            ids = _next(connection, office, last, at, since, only_moved=only_moved)
            found = read_cases(connection, ids)
            steps = _steps(connection, ids, at)
        if not ids:
            return
        yield from ((found[case_id], steps[case_id]) for case_id in ids)
        last = ids[-1]


def rounds(office: Office, case: Case, steps: Sequence[Step], at: Instant) -> tuple[Round, ...]:
    """Return the rounds of `case`, whose `steps` are those before `at`."""
    clocks = office.clocks(case.kind)
    then = case if case.version == steps[-1].number else replay(steps, clocks)
    parts = tuple(parts_of(steps))
    ends = [part[0].at for part in parts[1:]]
    responsible, made = case.responsible, list[Round]()
    for number, (part, reopened_at) in enumerate(zip(parts, [*ends, None], strict=True), start=1):
        responsible = _responsible(part, responsible)
        closed_at = _at(part, Verb.CLOSE)
        until = closed_at or at
        shown = tuple(_clocks(office, then, clocks, number, responsible, until))
        made.append(_round(then, clocks, number, part, responsible, reopened_at, shown))
    return tuple(made)


def _round(
    then: Case,
    clocks: Clocks,
    number: int,
    part: Sequence[Step],
    responsible: PartyId,
    reopened_at: Instant | None,
    shown: tuple[RoundClock, ...],
) -> Round:
    has_filing = any(way.verb is Verb.FILE for way in clocks.kind.ways)
    verbs = [step.verb for step in part]
    merged_into = next((step.facts["into"] for step in part if step.verb is Verb.MERGE), None)
    rating = next((step.facts["stars"] for step in part if step.verb is Verb.RATE), None)
    return Round(
        case_id=then.id,
        kind=then.kind,
        severity=then.severity,
        number=number,
        responsible=responsible,
        opened_at=part[0].at,
        filed_at=_at(part, Verb.FILE) if has_filing else part[0].at,
        closed_at=_at(part, Verb.CLOSE),
        reopened_at=reopened_at,
        merged_into=merged_into,
        stars=rating,
        reports=_reports(part) + (number == 1),
        returns=verbs.count(Verb.RETURN),
        pauses=verbs.count(Verb.SUSPEND),
        clocks=shown,
    )


def _clocks(
    office: Office, then: Case, clocks: Clocks, number: int, responsible: PartyId, until: Instant
) -> Iterator[RoundClock]:
    runs = {run.clock: run for run in then.runs if run.round == number}
    for reading in readings(then, clocks, until):
        rule, run = clocks.kind.clock(reading.clock), runs.get(reading.clock)
        if reading.round != number or rule is None or run is None:
            continue
        is_handlers = rule.answers is CaseRole.HANDLER
        yield RoundClock(
            clock=rule.id,
            is_handlers=is_handlers,
            answers=responsible if is_handlers else office.desk,
            due_at=due_if_resumed(then, clocks, rule, run, until),
            ended_at=run.spells[-1].ended_at,
            is_late=reading.is_late,
            used=reading.used.amount,
            limit=limit_of(then, clocks, rule, run),
            spells=run.spells,
        )


def parts_of(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the steps of each round."""
    part = list[Step]()
    for step in steps:
        if step.verb is Verb.REOPEN:
            yield part
            part = []
        part.append(step)
    yield part


def _responsible(part: Sequence[Step], before: PartyId) -> PartyId:
    found = before
    for step in part:
        if step.verb is Verb.OPEN:
            found = PartyId(step.facts["responsible"])
        elif step.verb is Verb.DISPATCH:
            found = next(PartyId(o["party"]) for o in step.facts["orders"] if o["is_lead"])
    return found


def _reports(part: Sequence[Step]) -> int:
    return sum(step.facts.get("reports", 1) for step in part if step.verb is Verb.JOIN)


def _at(part: Sequence[Step], verb: Verb) -> Instant | None:
    return next((step.at for step in part if step.verb is verb), None)


def _next(
    connection: Connection,
    office: Office,
    last: CaseId,
    at: Instant,
    since: Instant,
    *,
    only_moved: bool,
) -> list[CaseId]:
    c, clock = case_table.c, clock_table.c
    ran_out = exists().where(clock.case_id == c.id, clock.due_at <= at, clock.broken_at.is_(None))
    query = (
        select(c.id)
        .where(c.id > last, c.opened_at < at)
        .where((ran_out if only_moved else c.is_open) | (c.changed_at >= since))
        .where(c.kind.in_(sorted(office.kinds)))
        .order_by(c.id)
        .limit(_CHUNK)
    )
    return [CaseId(case_id) for case_id in connection.scalars(query)]


def _steps(connection: Connection, ids: Sequence[CaseId], at: Instant) -> dict[CaseId, list[Step]]:
    c = step_table.c
    query = select(step_table).where(c.case_id.in_(ids), c.at < at).order_by(c.case_id, c.number)
    found: dict[CaseId, list[Step]] = {case_id: [] for case_id in ids}
    for row in connection.execute(query).mappings():
        found[row["case_id"]].append(step_of(row))
    return found
