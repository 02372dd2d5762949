"""The verbs of indicators: compute what is due, look back, and compute again what was.

A value that cannot be computed says why and holds up no other. What was computed is kept with the
versions it came from; while nothing changes that it depends on, it is only confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal

from shuzhi.decide.indicators import store
from shuzhi.decide.indicators.choosing import Placed, chosen, every, group_named, one
from shuzhi.decide.indicators.columns import Schemas, lineage_run
from shuzhi.decide.indicators.errors import IndicatorError
from shuzhi.decide.indicators.events import IndicatorComputed
from shuzhi.decide.indicators.indicator_yaml import parse_goal
from shuzhi.decide.indicators.measuring import Bench, Measuring, State, newest_state
from shuzhi.decide.indicators.model import (
    Composed,
    Goal,
    Indicator,
    Measured,
    Run,
    RunId,
    Value,
)
from shuzhi.decide.indicators.thresholds import Bound, bounds_on, colour_of
from shuzhi.gather.lineage import record_run
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import ShuzhiError
from shuzhi.kernel.instant import Instant, day_of

# Sums of floats come out in another order on each run, and differ in their last digits.
_SAME = Decimal("1e-9")


@dataclass(frozen=True)
class Recomputed:
    """A value that was computed again from the same versions; `differences` is to be empty."""

    run: Run
    values: tuple[Value, ...]
    differences: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """True when every number and colour came out as it was kept."""
        return not self.differences


def compute(measuring: Measuring, names: Iterable[str] = ()) -> tuple[Run, ...]:
    """Compute indicators, all or those named, with what they are composed of; return them.

    Raises:
        IndicatorError: `decide.indicator_unknown`, `decide.indicator_ambiguous`.
    """
    return _computed(measuring, chosen(measuring.goals, names))


def compute_due(measuring: Measuring) -> tuple[Run, ...]:
    """Compute each indicator whose value has reached half the age that it may have.

    One that was never computed, or whose formula or thresholds were changed, is due at once.
    """
    now = measuring.clock()
    placed = every(measuring.goals)
    with measuring.control.transaction() as connection:
        last = store.latest_runs(connection, [indicator.id for _, indicator in placed])
    due = [(g, i) for g, i in placed if _is_due(g, i, last.get(i.id), now)]
    return _computed(measuring, due) if due else ()


def history(
    measuring: Measuring, name: str, group: Sequence[object] | None = None, *, limit: int = 100
) -> tuple[Run, ...]:
    """Return the newest computations of an indicator, the newest first, of one group alone.

    Without `group` it is the whole. A computation without a value says why.

    Raises:
        IndicatorError: as `compute`; `decide.indicator_group_unknown`.
    """
    _, indicator = one(measuring.goals, name)
    with measuring.control.transaction() as connection:
        latest = store.latest_runs(connection, [indicator.id], with_values=True)
        wanted = group_named(latest.get(indicator.id), group)
        return tuple(store.runs_of(connection, indicator.id, wanted, limit))


def newest_run(control: Control) -> RunId | None:
    """Return the number of the newest computation: with another one, a value may have changed."""
    with control.transaction() as connection:
        return store.newest_run(connection)


def recompute(measuring: Measuring, run_id: int) -> Recomputed:
    """Compute a kept value again, by the formula and from the versions of its time.

    Raises:
        IndicatorError: `decide.indicator_run_unknown`, `decide.indicator_no_value`.
        RefusedError: `gather.version_gone` when files of that time were cleared.
    """
    with measuring.control.transaction() as connection:
        run = store.find_run(connection, run_id)
        text = None if run is None else store.definition(connection, run.digest)
    if run is None or text is None:
        raise IndicatorError(
            "decide.indicator_run_unknown", f"There is no computation number {run_id}."
        )
    if run.problem:
        raise IndicatorError(
            "decide.indicator_no_value", f"Number {run_id} has no value: {run.problem}"
        )
    goal = parse_goal(text.encode(), file=run.indicator)
    indicator = goal.named[run.indicator.partition(".")[2]]
    with closing(Bench(measuring, State(run.versions), run.computed_at)) as bench:
        values = _coloured(bench.answer(goal, indicator).values, run.bounds)
    return Recomputed(run, values, tuple(_differences(run.values, values)))


def _is_due(goal: Goal, indicator: Indicator, last: Run | None, now: Instant) -> bool:
    if last is None or last.digest != goal.digest(indicator):
        return True
    # At half its age, as a lease is renewed, so that a tick that comes late leaves nothing stale.
    return now - last.confirmed_at >= indicator.refresh / 2


def _computed(measuring: Measuring, wanted: Sequence[Placed]) -> tuple[Run, ...]:
    now = measuring.clock()
    with_below = {b.id: (goal, b) for goal, each in wanted for b in goal.below(each)}
    placed = sorted(with_below.values(), key=_in_order)
    state = newest_state(measuring, (name for _, each in placed for name in each.reads))
    with measuring.control.transaction() as connection:
        last = store.latest_runs(connection, with_below)
    done: dict[str, Run] = {}
    with closing(Bench(measuring, state, now)) as bench:
        for goal, indicator in placed:
            before = last.get(indicator.id)
            run = _run(measuring, bench, goal, indicator, before, now)
            done[indicator.id] = run if run.id else _kept(measuring, goal, indicator, run, before)
    confirmed = [run.id for run in done.values() if run.computed_at != now]
    if confirmed:
        with measuring.control.transaction() as connection:
            store.confirm_runs(connection, confirmed, now)
    return tuple(done[indicator.id] for _, indicator in wanted)


def _in_order(placed: Placed) -> tuple[int, tuple[str, ...]]:
    """Those that read the same follow each other; those that are composed come last."""
    goal, indicator = placed
    is_composed = isinstance(indicator.formula, Composed)
    return (len(goal.below(indicator)) if is_composed else 0, indicator.reads)


def _run(
    measuring: Measuring,
    bench: Bench,
    goal: Goal,
    indicator: Indicator,
    last: Run | None,
    now: Instant,
) -> Run:
    there = bench.state.versions
    versions = {str(name): there[name] for name in goal.reads(indicator) if name in there}
    run = Run(indicator.id, goal.digest(indicator), now, now, versions)
    try:
        day = day_of(now, measuring.zone)
        bounds = bounds_on(indicator.thresholds, measuring.law, day, indicator.unit)
        run = replace(run, bounds=bounds)
        if last is not None and _holds_still(goal, indicator, last, run):
            return last.confirmed(now)
        answer = bench.answer(goal, indicator)
        as_of = answer.as_of or bench.newest_commit(versions)
        return replace(run, as_of=as_of, values=_coloured(answer.values, bounds))
    except ShuzhiError as error:
        run = replace(run, problem=f"{error.message} {error.next_step}".strip())
    # A problem that was there before is not told again.
    if last is not None and _says(last) == _says(run):
        return last.confirmed(now)
    return run


def _holds_still(goal: Goal, indicator: Indicator, last: Run, run: Run) -> bool:
    """Tell whether computing again could only give what is there."""
    formulas = (each.formula for each in goal.below(indicator))
    return (
        not last.problem
        and (last.digest, last.versions, last.bounds) == (run.digest, run.versions, run.bounds)
        and not any(isinstance(f, Measured) and f.is_dated for f in formulas)
    )


def _kept(
    measuring: Measuring, goal: Goal, indicator: Indicator, run: Run, last: Run | None
) -> Run:
    was = None if last is None or last.problem else (last.digest, last.versions)
    if was != (run.digest, run.versions) and not run.problem:
        # Told before it is kept: whoever dies in between computes again, and tells it again.
        told = lineage_run(Schemas(measuring.lake), goal, indicator, run)
        record_run(measuring.control, told)
    with measuring.control.transaction() as connection:
        run = replace(run, id=store.save_run(connection, run, goal.text))
    before = last.colour if last else None
    measuring.publish(IndicatorComputed(run.computed_at, run.id, run.indicator, run.colour, before))
    return run


def _says(run: Run) -> tuple[str, str]:
    return run.digest, run.problem


def _coloured(values: Iterable[Value], bounds: Sequence[Bound]) -> tuple[Value, ...]:
    return tuple(replace(value, colour=colour_of(value.value, bounds)) for value in values)


def _differences(kept: Sequence[Value], again: Sequence[Value]) -> Iterator[str]:
    then, now = ({value.group: value for value in values} for values in (kept, again))
    for group in {**then, **now}:
        a, b = then.get(group), now.get(group)
        if a is None or b is None or not _is_same(a, b):
            yield f"{group or 'whole'}: {a and a.value} was kept, {b and b.value} comes out"


def _is_same(a: Value, b: Value) -> bool:
    pairs = ((a.value, b.value), (a.numerator, b.numerator), (a.denominator, b.denominator))
    return a.colour is b.colour and all(_is_close(x, y) for x, y in pairs)


def _is_close(x: Decimal | None, y: Decimal | None) -> bool:
    if x is None or y is None:
        return x is y
    return abs(x - y) <= _SAME * max(abs(x), abs(y))
