"""What others ask of the cases room: open, move, tick, date what waited for the calendar.

Each verb is one transaction that writes the state, the history row and the audit entry together,
and publishes what happened after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import ColumnElement, select

from shuzhi.act.cases.acts import Act
from shuzhi.act.cases.clocks import datable
from shuzhi.act.cases.evidence import Upload, keep_evidence
from shuzhi.act.cases.journal import Journal
from shuzhi.act.cases.model import Actor, Case, CaseId, Order, Step, Verb
from shuzhi.act.cases.office import Office
from shuzhi.act.cases.opening import Opened, Report
from shuzhi.act.cases.store import case_table, clock_table, read_cases
from shuzhi.act.cases.waiting import is_counted, waits
from shuzhi.kernel.errors import RefusedError

_CHUNK = 500
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Ticked:
    """What a tick did: how many clocks broke, and how many cases went up."""

    broken: int
    escalated: int


def open_case(office: Office, report: Report) -> Opened:
    """Open a case for `report`, or let it join the open case with the same merge key.

    A report whose origin was taken before changes nothing. Where the calendar does not reach a
    deadline, the clock runs without one until `date_clocks`.

    Raises:
        RefusedError: `act.no_such_kind`, `act.unknown_severity`, `act.due_not_stated`,
            `act.bad_text`.
    """
    return _raised(open_all(office, [report])[0])


def open_all(office: Office, reports: Sequence[Report]) -> tuple[Opened | RefusedError, ...]:
    """Open or join a case for each report, many in a transaction; a refused one stops no other."""
    results: list[Opened | RefusedError] = []
    for chunk in _chunks(reports):
        with office.control.transaction() as connection:
            journal = Journal(office, connection)
            journal.load_matches(chunk)
            done = [_attempt(journal.report, report) for report in chunk]
            ids, events = journal.write()
        results += [_real(result, ids) for result in done]
        for event in events:
            office.publish(event)
    return tuple(results)


def act(office: Office, act: Act) -> Case:
    """Do one act and return the case after it.

    Raises:
        RefusedError: `act.no_such_case`; what `errors` lists.
    """
    return _raised(act_all(office, [act])[0])


def act_all(office: Office, acts: Sequence[Act]) -> tuple[Case | RefusedError, ...]:
    """Do many acts, up to 500 in a transaction, each on its own: a refused one stops no other."""
    results: list[Case | RefusedError] = []
    for chunk in _chunks(acts):
        with office.control.transaction() as connection:
            journal = Journal(office, connection)
            journal.load(i for act in chunk for i in (act.case, act.into) if i is not None)
            results += [_attempt(journal.act, act) for act in chunk]
            _, events = journal.write()
        for event in events:
            office.publish(event)
    return tuple(results)


def verify(
    office: Office, case: CaseId, *, by: Actor, text: str = "", seen: int | None = None
) -> Case:
    """Confirm that what was reported is so. Raises as `act`."""
    return act(office, Act(case, Verb.VERIFY, by, seen, text))


def file_case(
    office: Office, case: CaseId, *, by: Actor, text: str = "", seen: int | None = None
) -> Case:
    """File a case, so that it has to be dealt with. Raises as `act`."""
    return act(office, Act(case, Verb.FILE, by, seen, text))


def dispatch(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    orders: Sequence[Order],
    text: str = "",
    seen: int | None = None,
) -> Case:
    """Send a case to a lead and its helpers; parties that are named again keep what they did.

    Raises:
        RefusedError: `act.one_lead`, `act.no_such_party`; else as `act`.
    """
    return act(office, Act(case, Verb.DISPATCH, by, seen, text, orders=tuple(orders)))


def take(
    office: Office, case: CaseId, *, by: Actor, text: str = "", seen: int | None = None
) -> Case:
    """Take a case in hand for the actor's party. Raises `act.not_your_task`; else as `act`."""
    return act(office, Act(case, Verb.TAKE, by, seen, text))


def feed_back(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    text: str = "",
    files: Sequence[Upload] = (),
    seen: int | None = None,
) -> Case:
    """Say that the actor's part is done, with evidence; the lead comes last.

    The files are on disk before the step is written.

    Raises:
        RefusedError: `act.evidence_refused`, `act.evidence_missing`, `act.not_your_task`,
            `act.task_not_ready`; else as `act`.
    """
    most = office.most_evidence_bytes
    kept = tuple(keep_evidence(office.evidence_folder, f, most_bytes=most) for f in files)
    return act(office, Act(case, Verb.FEED_BACK, by, seen, text, evidence=kept))


def return_case(
    office: Office, case: CaseId, *, by: Actor, reason: str, seen: int | None = None
) -> Case:
    """Send a case back to the dispatcher: it is not for the actor's party. Raises as `act`."""
    return act(office, Act(case, Verb.RETURN, by, seen, reason))


def suspend(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    asked_by: str,
    reason: str,
    seen: int | None = None,
) -> Case:
    """Let the clocks of a case stand: `by` approves what `asked_by` (another person) asked for.

    Raises:
        RefusedError: `act.reason_missing`, `act.approver_is_asker`; else as `act`.
    """
    return act(office, Act(case, Verb.SUSPEND, by, seen, reason, asked_by=asked_by))


def resume(
    office: Office, case: CaseId, *, by: Actor, text: str = "", seen: int | None = None
) -> Case:
    """Let a suspended case and its clocks run on where they were. Raises as `act`."""
    return act(office, Act(case, Verb.RESUME, by, seen, text))


def check(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    is_good: bool,
    text: str = "",
    seen: int | None = None,
) -> Case:
    """Check what was fed back; one that is not good goes back to its lead.

    Raises:
        RefusedError: `act.check_not_independent` for somebody of a party that handled it; else
            as `act`.
    """
    return act(office, Act(case, Verb.CHECK, by, seen, text, is_good=is_good))


def close(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    outcome: str = "resolved",
    text: str = "",
    seen: int | None = None,
) -> Case:
    """Close a case that was checked; `outcome` says how it ended (resolved, unfounded).

    Raises:
        RefusedError: `act.evidence_missing`; else as `act`.
    """
    return act(office, Act(case, Verb.CLOSE, by, seen, text, outcome=outcome))


def rate(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    stars: int,
    text: str = "",
    seen: int | None = None,
) -> Case:
    """Rate a closed case with 1 to 5 stars. Raises `act.bad_rating`; else as `act`."""
    return act(office, Act(case, Verb.RATE, by, seen, text, stars=stars))


def reopen(
    office: Office, case: CaseId, *, by: Actor, reason: str, seen: int | None = None
) -> Case:
    """Open a closed case again: its clocks, evidence and check start anew.

    Raises:
        RefusedError: `act.already_open` when a newer case is open on the matter; else as `act`.
    """
    return act(office, Act(case, Verb.REOPEN, by, seen, reason))


def merge(
    office: Office,
    case: CaseId,
    *,
    by: Actor,
    into: CaseId,
    reason: str,
    seen: int | None = None,
) -> Case:
    """End a case that is the same matter as an older open one, which takes its reports in.

    Evidence and check are those of the older one. Whoever finds that it was another matter after
    all reopens it.

    Raises:
        RefusedError: `act.bad_merge` when the other is newer, closed or of another kind; else as
            `act`.
    """
    return act(office, Act(case, Verb.MERGE, by, seen, reason, into=into))


def tick(office: Office) -> Ticked:
    """Let every clock that has run out break, and every broken one escalate, each exactly once.

    Doing it again, late, or after a crash adds nothing twice: the steps follow from the store.
    """
    is_due = clock_table.c.next_at <= office.clock()
    verbs = [step.verb for ids in _with_clocks(office, is_due) for step in _settle(office, ids)]
    return Ticked(verbs.count(Verb.BREAK_CLOCK), verbs.count(Verb.ESCALATE))


def date_clocks(office: Office, *, anew: bool = True) -> int:
    """Date each clock that waited for the calendar and is known by now; return how many.

    The deadline is as it would have been from the beginning; one that has passed breaks at once.
    `anew` dates again what a calendar dated that counted other days; what has broken by then stays.
    Doing it again adds nothing.
    """
    kinds = office.kinds.values()
    steps = list(_dated(office, waits(kinds)))
    if anew and office.calendar.before is not None:
        steps += _dated(office, is_counted(kinds))
    return sum(step.verb is Verb.DATE_CLOCK for step in steps)


def _dated(office: Office, which: ColumnElement[bool]) -> Iterator[Step]:
    for ids in _with_clocks(office, which):
        with office.control.transaction() as connection:
            found = read_cases(connection, ids)
        yield from _settle(office, [i for i in ids if _is_datable(office, found[i])])


def _is_datable(office: Office, case: Case) -> bool:
    return datable(case, office.clocks(case.kind), office.clock()) is not None


def _settle(office: Office, ids: Sequence[CaseId]) -> list[Step]:
    """Let the clocks of some cases do what they owe, in one transaction, and return the steps."""
    if not ids:
        return []
    with office.control.transaction() as connection:
        journal = Journal(office, connection)
        journal.load(ids)
        steps = [step for case_id in ids for step in journal.settle(case_id)]
        _, events = journal.write()
    for event in events:
        office.publish(event)
    return steps


def _with_clocks(office: Office, which: ColumnElement[bool]) -> Iterator[list[CaseId]]:
    """Yield the cases with such clocks, in chunks; kinds that are gone wait for their pack."""
    last = CaseId(0)
    query = (
        select(clock_table.c.case_id)
        .join(case_table, case_table.c.id == clock_table.c.case_id)
        .where(which, case_table.c.kind.in_(sorted(office.kinds)))
        .distinct()
        .order_by(clock_table.c.case_id)
        .limit(_CHUNK)
    )
    while True:
        with office.control.transaction() as connection:
            found = connection.scalars(query.where(clock_table.c.case_id > last)).all()
        if not found:
            return
        ids = [CaseId(case_id) for case_id in found]
        yield ids
        last = ids[-1]


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK))


def _attempt(verb: Callable[[Item], Result], item: Item) -> Result | RefusedError:
    try:
        return verb(item)
    except RefusedError as error:
        return error


def _raised(result: Result | RefusedError) -> Result:
    if isinstance(result, RefusedError):
        raise result
    return result


def _real(result: Opened | RefusedError, ids: Mapping[CaseId, CaseId]) -> Opened | RefusedError:
    if isinstance(result, RefusedError):
        return result
    return replace(result, case_id=ids.get(result.case_id, result.case_id))
