"""What a running city does about what is new: each verb finds its own work in the stores.

Nothing here depends on having heard an event; so what a killed process left is found and done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from shuzhi.act.cases import Step, Verb, case, steps_since
from shuzhi.app.city import City
from shuzhi.app.reactions import (
    open_correction_overdue,
    open_misuse,
    open_objection_overdue,
    open_sharing_overdue,
    warning_of,
)
from shuzhi.app.store import position, save_position
from shuzhi.decide.models import State as ModelState
from shuzhi.decide.rules import Outcome, RowRule
from shuzhi.decide.warnings.outcomes import SYSTEM, note_outcome
from shuzhi.gather.quality import latest
from shuzhi.gather.sources import Source, State
from shuzhi.kernel.errors import RefusedError, ShuzhiError
from shuzhi.share import agreements, correction, receipts
from shuzhi.share.agreements import clock_broken
from shuzhi.share.receipts import tick_objections
from shuzhi.share.verification import Done, findings_since

_STEPS_READER, _SHARING_READER = "case steps", "sharing steps"
_CORRECTION_READER, _RECALL_READER = "correction steps", "recalled receipts"
_FINDINGS_READER = "verification findings"
# How a case is closed that came of a warning of nothing.
UNFOUNDED = "unfounded"
_MOST_LATE = 500


class NoProgress:
    """Shows nothing: nobody looks."""

    def started(self, label: str, total: int | None) -> None:
        """Begin."""

    def advanced(self, amount: int) -> None:
        """Go on."""

    def finished(self) -> None:
        """End."""


@dataclass
class Seen:
    """The version of each data set, None for one that is gone, that this process judged last."""

    versions: dict[str, int | None] = field(default_factory=dict)


def judge(city: City, seen: Seen) -> int:
    """Let rules judge every data set that changed since this process looked; return warnings.

    Raises as `City.judge`, once all of them were judged as far as they can be.
    """

    def one(dataset: str) -> int:
        version = city.lake.version(dataset) if city.lake.exists(dataset) else None
        if seen.versions.get(dataset) == version:
            return 0
        try:
            raised = city.judge(dataset).raised
        except ShuzhiError:
            # What cannot be told is told again by whoever judges or looks next.
            if _is_judged(city, dataset, version):
                seen.versions[dataset] = version
            raise
        seen.versions[dataset] = version
        return raised

    return _of_each(sorted({r.dataset for r in city.rules() if isinstance(r, RowRule)}), one)


def gather(city: City, source: Source) -> int:
    """Run a source and return how many rows it changed.

    Raises:
        RefusedError: `app.gathering_failed` with what the run says; as `City.gather`.
    """
    report = city.gather(source.name, NoProgress())
    if report.state is State.FAILED:
        raise RefusedError("app.gathering_failed", f"{report.error_code}: {report.error}")
    return report.outcome.inserted + report.outcome.updated


def build(city: City) -> int:
    """Build the models whose inputs changed; return how many were built."""
    if not city.declared.models:
        return 0
    return sum(run.state is ModelState.BUILT for run in city.build(NoProgress()))


def check(city: City) -> int:
    """Check every data set that changed since its newest report; return how many."""

    def one(dataset: str) -> int:
        if not _is_unchecked(city, dataset):
            return 0
        city.check(dataset)
        return 1

    return _of_each(city.datasets(), one)


def tidy(city: City) -> int:
    """Keep every table of the lake in order; return of how many files were cleared."""
    return _of_each(city.lake.names(), lambda name: bool(city.tidy([name])[0].cleared.files))


def index(city: City) -> int:
    """Bring verification to the newest version of what it answers of; return how many moved."""

    def one(dataset: str) -> int:
        return city.refresh_verification(dataset).done is not Done.NOTHING

    return _of_each(city.verifiable(), one)


def follow_cases(city: City) -> int:
    """Note what became of the warnings behind cases that were closed; return the steps read."""
    with city.control.transaction() as connection:
        last = position(connection, _STEPS_READER)
    steps = steps_since(city.office, last)
    for _, step in steps:
        if step.verb is Verb.CLOSE:
            _settle(city, step)
    if steps:
        with city.control.transaction() as connection:
            save_position(connection, _STEPS_READER, steps[-1][0])
    return len(steps)


def share(city: City) -> int:
    """Let the clocks of sharing act, and see that every one that broke became a case.

    Returns how many applications and agreements moved.
    """
    office = city.sharing_office
    moved = agreements.tick(office).moved
    with city.control.transaction() as connection:
        last = position(connection, _SHARING_READER)
    steps = agreements.steps_since(office, last)
    for _, step in steps:
        if broken := clock_broken(step):
            open_sharing_overdue(city, broken)
    if steps:
        with city.control.transaction() as connection:
            save_position(connection, _SHARING_READER, steps[-1][0])
    return moved


def correct(city: City) -> int:
    """Let doubts go on by themselves, and see that each that is late became a case.

    Returns how many doubts moved.
    """
    office = city.correction_office
    with city.control.transaction() as connection:
        last, left = (position(connection, r) for r in (_CORRECTION_READER, _RECALL_READER))
    moved = correction.tick(office).moved
    reopened = correction.reopen(office, after=left)
    if reopened.last != left:
        with city.control.transaction() as connection:
            save_position(connection, _RECALL_READER, reopened.last)
    steps = correction.steps_since(office, last)
    for _, step in steps:
        if late := correction.overdue(step):
            open_correction_overdue(city, late)
    if steps:
        with city.control.transaction() as connection:
            save_position(connection, _CORRECTION_READER, steps[-1][0])
    return moved + reopened.moved


def misuse(city: City) -> int:
    """See that what looked like fishing became a case; return how many findings were read."""
    with city.control.transaction() as connection:
        last = position(connection, _FINDINGS_READER)
    found = findings_since(city.control, last)
    for each in found:
        open_misuse(city, each.id, each.what)
    if found:
        with city.control.transaction() as connection:
            save_position(connection, _FINDINGS_READER, found[-1].id)
    return len(found)


def objections(city: City) -> int:
    """Let the clocks of objections act, and see that every late answer became a case.

    Returns how many clocks broke.
    """
    office = city.receipt_office
    broken = tick_objections(office)
    for late in receipts.objections(office, is_overdue=True, limit=_MOST_LATE):
        open_objection_overdue(city, late.id, late.receipt, late.provider)
    return len(broken)


def _of_each(names: Iterable[str], do: Callable[[str], int]) -> int:
    """Return the sum of what `do` returns; a name that fails holds up no other.

    The first error is raised at the end.
    """
    done = 0
    errors: list[ShuzhiError] = []
    for name in names:
        try:
            done += do(name)
        except ShuzhiError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return done


def _is_judged(city: City, dataset: str, version: int | None) -> bool:
    """Tell whether every rule that runs over a data set has come as far as `version`."""
    standings = city.standings()
    mine = [r for r in city.rules() if isinstance(r, RowRule) and r.dataset == dataset]
    known = [s for r in mine if (s := standings.get(r.id)) and s.is_on and s.digest == r.digest]
    return all(standing.judged_version == version for standing in known)


def _settle(city: City, closed: Step) -> None:
    """Note the outcome of every warning that became a case, or joined it, before it was closed."""
    earlier = [s for s in case(city.office, closed.case_id).steps if s.number < closed.number]
    outcome = _outcome(closed, earlier)
    for warning_id in {i for s in earlier if (i := warning_of(s.origin)) is not None}:
        note_outcome(city.control, warning_id, outcome, by=SYSTEM, at=closed.at)


def _outcome(closed: Step, earlier: Sequence[Step]) -> Outcome:
    if closed.facts.get("outcome") == UNFOUNDED:
        return Outcome.FALSE
    was_taken = any(step.verb is Verb.TAKE for step in earlier)
    return Outcome.ACTED if was_taken else Outcome.CONFIRMED


def _is_unchecked(city: City, dataset: str) -> bool:
    if not city.lake.exists(dataset):
        return False
    report = latest(city.control, dataset)
    return report is None or report.version != city.lake.version(dataset)
