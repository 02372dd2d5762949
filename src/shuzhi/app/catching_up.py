"""What a running city does about what is new: each verb finds its own work in the stores.

Nothing here depends on having heard an event; so what a killed process left is found and done.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from shuzhi.app.city import City
from shuzhi.decide.models import State as ModelState
from shuzhi.decide.rules import RowRule
from shuzhi.gather.quality import latest
from shuzhi.gather.sources import Source, State
from shuzhi.kernel.errors import RefusedError


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
    """The version of each data set up to which this process let the rules judge."""

    versions: dict[str, int] = field(default_factory=dict)


def judge(city: City, seen: Seen) -> int:
    """Let rules judge every data set that changed since this process looked; return warnings."""
    raised = 0
    for dataset in sorted({r.dataset for r in city.rules() if isinstance(r, RowRule)}):
        if not city.lake.exists(dataset):
            continue
        version = city.lake.version(dataset)
        if seen.versions.get(dataset) != version:
            raised += city.judge(dataset).raised
            seen.versions[dataset] = version
    return raised


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
    stale = [name for name in city.datasets() if _is_unchecked(city, name)]
    for name in stale:
        city.check(name)
    return len(stale)


def _is_unchecked(city: City, dataset: str) -> bool:
    if not city.lake.exists(dataset):
        return False
    report = latest(city.control, dataset)
    return report is None or report.version != city.lake.version(dataset)
