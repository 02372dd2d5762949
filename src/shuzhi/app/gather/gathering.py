"""The verbs of gather (聚): sources, data sets, quality, lineage, questions to the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb

from shuzhi.app.wired import Wired
from shuzhi.gather import quality
from shuzhi.gather.contracts import Contract, Table, contracted_datasets, table_named
from shuzhi.gather.lake import Answer, Held, Tidied, answer, inventory, tidy
from shuzhi.gather.lineage import ImportReport, Trace, export_events, import_events, trace
from shuzhi.gather.quality.model import Evidence, FaultyRow, Ratio, Report
from shuzhi.gather.sources import (
    Gathering,
    Progress,
    Reason,
    RunReport,
    Source,
    newest_runs,
    reads,
    reasons,
    run_source,
    runs,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import new_run_id
from shuzhi.share.catalogue import CatalogueError, note_facts


class Gathers(Wired):
    """What a city does with data that come in."""

    def sources(self) -> Mapping[str, Source]:
        """The sources that are declared, by name."""
        return self.declared.sources

    def datasets(self) -> tuple[str, ...]:
        """The data sets that a contract answers for."""
        return contracted_datasets(self.control)

    def contract(self, dataset: str) -> tuple[Contract, Table]:
        """The contract that answers for a data set, and its table. Raises `gather.no_contract`."""
        return table_named(self.control, dataset)

    def gather(self, source: str, progress: Progress) -> RunReport:
        """Run a source. Raises `gather.no_such_source`; else as `run_source`."""
        found = self.sources().get(source)
        if found is None:
            raise RefusedError(
                "gather.no_such_source",
                f"There is no source {source[:60]!r} in this city.",
                next_step=f"Choose one of: {', '.join(sorted(self.sources())) or 'none yet'}.",
            )
        gathering = Gathering(
            self.control,
            self.lake,
            self.settings.folder / ".scratch",
            self.settings.secret,
            self.clock,
            self.settings.memory_limit,
            self.publish,
        )
        return run_source(gathering, found, self.settings.folder / "sources", progress)

    def runs(self, source: str | None = None) -> tuple[RunReport, ...]:
        """The newest runs, of one source or of all."""
        return runs(self.control, source)

    def newest_runs(self) -> Mapping[str, RunReport]:
        """The newest run of each source that ever ran."""
        return newest_runs(self.control)

    def reasons(self, report: RunReport) -> tuple[Reason, ...]:
        """Why a run kept rows out, the most frequent reasons first, each with one of its rows."""
        return reasons(self.lake, report)

    def check(self, dataset: str) -> Report:
        """Check a data set against its contract, keep the report and return it."""
        contract, table = table_named(self.control, dataset)
        done, ended = reads(self.control, dataset)
        report = quality.check(
            self.lake,
            self.control,
            contract,
            table,
            now=self.clock(),
            run_id=new_run_id(),
            evidence=Evidence(access=Ratio(done, ended) if ended else None),
            publish=self.publish,
            memory_limit=self.settings.memory_limit,
        )
        score = None if report.total is None else report.total.value
        # A data set that is described too poorly for the catalogue is checked all the same.
        with suppress(CatalogueError):
            note_facts(self.control, dataset, rows=report.rows, score=score)
        return report

    def trend(self, dataset: str, limit: int = 30) -> tuple[Report, ...]:
        """The last `limit` reports on a data set, oldest first. Raises `gather.no_contract`."""
        table_named(self.control, dataset)
        return quality.trend(self.control, dataset, limit=limit)

    def worst_rows(self, dataset: str, limit: int = 20) -> tuple[FaultyRow, ...]:
        """The rows of a data set that break the most checks, with the reason for each cell."""
        _, table = table_named(self.control, dataset)
        return quality.worst_rows(self.lake, table, limit=limit)

    def trace(self, what: str, *, depth: int = 50) -> Trace:
        """Trace `DATASET[.COLUMN]` both ways. Raises `gather.nothing_to_trace`."""
        return trace(self.control, what, depth=depth)

    def export_lineage(self) -> Iterator[str]:
        """Yield every lineage event as a line of JSON."""
        return export_events(self.control)

    def import_lineage(self, file: Path) -> ImportReport:
        """Keep the run events in `file`, one line of JSON each."""
        with file.open(encoding="utf-8", errors="replace") as lines:
            return import_events(self.control, lines)

    def tables(self) -> tuple[Held, ...]:
        """What every table of the lake holds: data sets and what was kept out of them."""
        return inventory(self.lake)

    def tidy(
        self, names: Sequence[str] = (), *, keep_days: int | None = None
    ) -> tuple[Tidied, ...]:
        """Keep tables in order (default: all), with the versions of the last `keep_days` readable.

        Without a number the city's own `keep_versions_days` counts.
        """
        hours = None if keep_days is None else 24 * keep_days
        return tuple(tidy(self.lake, n, keep_hours=hours) for n in names or self.lake.names())

    def ask(self, question: str, *, limit: int = 50, at: datetime | None = None) -> Answer:
        """Answer a SELECT that a person typed with its first rows; `at`: as data stood then.

        Raises as `answer`; RefusedError `gather.version_gone`.
        """
        with self.sql(at=at) as connection:
            return answer(connection, question, limit=limit)

    @contextmanager
    def sql(self, *, at: datetime | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection on which SQL of ours reads every data set, and no other file.

        It could be made to write over one, so what others typed goes through `ask`.
        """
        then = None if at is None else self.lake.versions_at(at)
        with self.lake.duck(
            only=None if then is None else tuple(then),
            version=then,
            memory_limit=self.settings.memory_limit,
        ) as connection:
            yield connection
