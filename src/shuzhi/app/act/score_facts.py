"""What the rooms hold, as facts of a period: cases and deadlines, deliveries, quality, burden.

Evaluation knows no case and no source; here they become facts as things stood when the period
ended.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shuzhi.act.cases import Office, Round, RoundClock, rounds_until
from shuzhi.act.evaluation import (
    Arrival,
    BurdenFact,
    CaseFact,
    DeliveryFact,
    DutyFact,
    Fact,
    FactKind,
    QualityFact,
    Window,
)
from shuzhi.gather.quality import Total, totals_between
from shuzhi.gather.sources import RunReport, Source, State, runs_between
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import EPOCH, Instant, day_of, end_of_day
from shuzhi.kernel.spans import parse_span
from shuzhi.share.forms import FormsOffice, all_demands


@dataclass(frozen=True)
class Witnesses:
    """Where facts come from: the office of cases, the sources, and who provides a data set."""

    office: Office
    sources: Mapping[str, Source]
    provider: Callable[[str], PartyId | None]

    def facts(self, window: Window, kinds: frozenset[FactKind]) -> Iterator[Fact]:
        """Yield the facts of some kinds that can count in `window`."""
        if kinds & {FactKind.CASES, FactKind.DUTIES}:
            found = rounds_until(self.office, window.ends_at, since=window.starts_at)
            yield from (f for each in found for f in _of_round(each) if f.kind in kinds)
        if FactKind.DELIVERIES in kinds:
            yield from self._deliveries(window)
        if FactKind.QUALITY in kinds:
            yield from self._quality(window)

    def _deliveries(self, window: Window) -> Iterator[DeliveryFact]:
        runs: dict[str, list[RunReport]] = {}
        for run in runs_between(self.office.control, window.starts_at, window.ends_at):
            # A run that was killed says something about our machine, nothing about the provider.
            if run.state is not State.KILLED:
                runs.setdefault(run.source, []).append(run)
        for name in sorted(runs.keys() & self.sources.keys()):
            yield from deliveries(self.sources[name], runs[name], window)

    def _quality(self, window: Window) -> Iterator[QualityFact]:
        newest: dict[tuple[str, date], Total] = {}
        for total in totals_between(self.office.control, window.starts_at, window.ends_at):
            # Of a day the last report counts: checking often does not weigh more.
            newest[total.dataset, day_of(total.measured_at, self.office.zone)] = total
        providers = {dataset: self.provider(dataset) for dataset, _ in newest}
        for (dataset, day), total in newest.items():
            party = providers[dataset]
            if party is not None:
                ratio, at = total.ratio, total.measured_at
                name = f"quality:{dataset}/{day}"
                yield QualityFact(name, party, dataset, at, ratio.satisfied, ratio.checked)


def burden_facts(office: FormsOffice, window: Window, zone: str) -> Iterator[BurdenFact]:
    """Yield what each form cost that was due in a period, for the party that demands it."""
    start, end = day_of(window.starts_at, zone), day_of(window.ends_at, zone)
    for demand in all_demands(office, start, end):
        yield BurdenFact(
            id=f"burden:{demand.form}/{demand.due_on}/{demand.party or 'public'}",
            party=demand.owner,
            subject=str(demand.form),
            # Whatever is due on a day is due when that day ends.
            due_at=Instant(end_of_day(demand.due_on, zone) - timedelta(microseconds=1)),
            times=demand.times,
            minutes=round(demand.minutes),
            measured=round(demand.measured),
            saved=round(demand.saved),
        )


def deliveries(source: Source, runs: Sequence[RunReport], window: Window) -> Iterator[DeliveryFact]:
    """Yield what was due of a source, given its runs that ended in the period in order.

    A source that is read every so often owes one delivery in each such span in which it was asked:
    on time when a run of the span brought it, late when a later one did. Another source owes
    what it is asked for, when it is asked.
    """
    party, done = PartyId(source.provider), [r for r in runs if r.state is State.DONE]
    if source.every is None:
        for run in runs:
            arrival = Arrival.ON_TIME if run.state is State.DONE else Arrival.FAILED
            yield DeliveryFact(f"run:{run.run_id}", party, source.dataset, _ended(run), arrival)
        return
    every, came = parse_span(source.every), [_ended(run) for run in done]
    for slot in sorted({(_ended(run) - window.starts_at) // every for run in runs}):
        start = Instant(window.starts_at + slot * every)
        end = Instant(start + every)
        if end > window.ends_at:
            return
        at = bisect_left(came, start)
        arrival = Arrival.FAILED
        if at < len(came):
            arrival = Arrival.ON_TIME if came[at] < end else Arrival.LATE
        # The delivery is due in the span, whose end is the start of the next.
        due_at = Instant(end - timedelta(microseconds=1))
        name = f"delivery:{source.name}/{start.isoformat()}"
        yield DeliveryFact(name, party, source.dataset, due_at, arrival)


def _of_round(found: Round) -> Iterator[Fact]:
    if found.merged_into is None:
        yield case_fact(found)
    for clock in found.clocks:
        yield DutyFact(
            id=f"clock:{found.case_id}/{found.number}/{clock.clock}",
            party=clock.answers,
            subject=f"{found.kind}.{clock.clock}",
            due_at=clock.due_at,
            ended_at=clock.ended_at,
            is_late=clock.is_late,
            used=clock.used,
            limit=clock.limit,
        )


def case_fact(found: Round) -> CaseFact:
    """Return what a round of a case says of its party: by the handler's clocks, if it has any.

    Of several the last deadline is that of the case, and one that is late makes it late. One that
    the calendar does not reach comes last: nothing is due by it yet.
    """
    clocks = [c for c in found.clocks if c.is_handlers] or found.clocks
    last: RoundClock | None = max(
        clocks, key=lambda c: (c.due_at is None, c.due_at or EPOCH), default=None
    )
    return CaseFact(
        id=f"case:{found.case_id}/{found.number}",
        party=found.responsible,
        subject=found.kind,
        round=found.number,
        opened_at=found.opened_at,
        filed_at=found.filed_at,
        due_at=last.due_at if last else None,
        closed_at=found.closed_at,
        reopened_at=found.reopened_at,
        is_late=any(c.is_late for c in clocks),
        stars=found.stars,
        used=last.used if last else 0,
        limit=last.limit if last else None,
        reports=found.reports,
        returns=found.returns,
        pauses=found.pauses,
    )


def _ended(run: RunReport) -> Instant:
    return run.ended_at or run.started_at
