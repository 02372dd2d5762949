"""Sources: where rows come from, how they are loaded, what was kept out."""

from shuzhi.gather.sources.events import RowsStored
from shuzhi.gather.sources.kept_out import Reason, reasons
from shuzhi.gather.sources.model import Source
from shuzhi.gather.sources.progress import Progress
from shuzhi.gather.sources.report import Outcome, RunReport, State
from shuzhi.gather.sources.use_cases import (
    Gathering,
    newest_runs,
    read_source,
    read_sources,
    reads,
    run_source,
    runs,
    runs_between,
)

__all__ = [
    "Gathering",
    "Outcome",
    "Progress",
    "Reason",
    "RowsStored",
    "RunReport",
    "Source",
    "State",
    "newest_runs",
    "read_source",
    "read_sources",
    "reads",
    "reasons",
    "run_source",
    "runs",
    "runs_between",
]
