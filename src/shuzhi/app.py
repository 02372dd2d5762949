"""The composition root: a city's settings in, the wired platform out.

`City` is also the Python API: the verbs of the command line under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from shuzhi.act.cases import Office
from shuzhi.audit import flush, keep_log
from shuzhi.decide.models import Building, ModelRun, run_models
from shuzhi.gather import quality
from shuzhi.gather.contracts import contracted_datasets, register, table_named
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.lineage import ImportReport, Trace, export_events, import_events, trace
from shuzhi.gather.quality.model import Evidence, FaultyRow, Ratio, Report
from shuzhi.gather.sources import (
    Gathering,
    Progress,
    RunReport,
    Source,
    reads,
    run_source,
    runs,
)
from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Reactions, publisher
from shuzhi.kernel.ids import PartyId, new_run_id
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.kernel.workdays import china_working_days
from shuzhi.migrations import migrate
from shuzhi.packs import Declared, installed_pack, read_declared
from shuzhi.settings import CITY_FILE, Settings, load_settings
from shuzhi.share.catalogue import (
    CatalogueError,
    CatalogueForm,
    HarvestReport,
    Outcome,
    Page,
    Published,
    Publisher,
    Record,
    Refusal,
    Text,
    entry,
    from_contract,
    harvest,
    note_facts,
    publish_all,
    read_catalogue,
    records,
    refusals,
    search,
    write_catalogue,
)
from shuzhi.share.parties import load_parties, tree

_FOLDERS = ("contracts", "sources", "models", "incoming")
# Who reacts to what: nobody yet; the next wings will.
REACTIONS: Reactions = {}


@dataclass(frozen=True)
class Registered:
    """What `City.register` did: contracts that are new, and what became of each entry."""

    contracts: tuple[str, ...]
    entries: tuple[Published, ...]

    @property
    def refused(self) -> tuple[Published, ...]:
        """Data sets that the catalogue does not take as they are described."""
        return tuple(e for e in self.entries if e.outcome is Outcome.REFUSED)


@dataclass(frozen=True)
class City:
    """A city that is open: its settings, its control store and its lake."""

    settings: Settings
    control: Control
    lake: Lake
    clock: Clock = system_clock

    @cached_property
    def declared(self) -> Declared:
        """What the city's packs and its own folder declare, as they were when first asked.

        Raises:
            RefusedError: `packs.no_such_pack`; DocumentError `packs.bad_pack` with every finding.
        """
        declared = Declared(self.settings.folder)
        for pack in self.settings.city.packs:
            declared = installed_pack(pack).declared.over(declared)
        return read_declared(self.settings.folder).over(declared)

    def register(self) -> Registered:
        """Register parties and contracts as declared, and catalogue what the contracts describe.

        Raises:
            RefusedError: as `declared`, `load_parties`, `register` and `from_contract`.
        """
        for parties in self.declared.parties:
            load_parties(self.control, parties)
        contracts = self.declared.contracts.values()
        fresh = [c.name for c in contracts if register(self.control, c, now=self.clock())]
        known = tree(self.control)
        entries = [from_contract(c, table, known) for c in contracts for table in c.tables]
        name = self.settings.city.name
        published = publish_all(self.control, entries, by=name, now=self.clock())
        return Registered(tuple(fresh), published)

    def sources(self) -> Mapping[str, Source]:
        """The sources that are declared, by name."""
        return self.declared.sources

    def datasets(self) -> tuple[str, ...]:
        """The data sets that a contract answers for."""
        return contracted_datasets(self.control)

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
        )
        return run_source(gathering, found, self.settings.folder / "sources", progress)

    def runs(self, source: str | None = None) -> tuple[RunReport, ...]:
        """The newest runs, of one source or of all."""
        return runs(self.control, source)

    def build(self, progress: Progress, only: Sequence[str] = ()) -> tuple[ModelRun, ...]:
        """Build the models whose inputs changed, all or `only` those named, in order.

        Raises:
            RefusedError: `app.no_such_model`, `decide.model_cycle`.
        """
        models = self.declared.models
        for name in only:
            if name not in models:
                raise RefusedError(
                    "app.no_such_model",
                    f"There is no model {name[:60]!r} in this city.",
                    next_step=f"Choose one of: {', '.join(sorted(models)) or 'none yet'}.",
                )
        building = Building(
            self.control,
            self.lake,
            self.clock,
            publisher(REACTIONS),
            self.settings.memory_limit,
        )
        return run_models(building, [models[n] for n in only or sorted(models)], progress)

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
            publish=publisher(REACTIONS),
            memory_limit=self.settings.memory_limit,
        )
        score = None if report.total is None else report.total.value
        # A data set that is described too poorly for the catalogue is checked all the same.
        with suppress(CatalogueError):
            note_facts(self.control, dataset, rows=report.rows, score=score)
        return report

    def worst_rows(self, dataset: str, limit: int = 20) -> tuple[FaultyRow, ...]:
        """The rows of a data set that break the most checks, with the reason for each cell."""
        _, table = table_named(self.control, dataset)
        return quality.worst_rows(self.lake, table, limit=limit)

    def search(self, text: str = "", **asked: Any) -> Page:
        """Search the catalogue. Takes and raises what `catalogue.Searcher.search` does."""
        return search(self.control, text, **asked)

    def entry(self, dataset: str) -> Record:
        """What the catalogue holds of a data set. Raises `share.entry_unknown`."""
        return entry(self.control, dataset)

    def harvest(
        self, source: str, origin: str, *, may_withdraw_most: bool = False
    ) -> HarvestReport:
        """Take the catalogue in a file or at an address: DCAT, data.json or a CKAN site.

        Raises:
            RefusedError: as `read_catalogue` and `harvest`.
        """
        imported = read_catalogue(source, origin)
        return harvest(
            self.control,
            imported,
            origin=origin,
            now=self.clock(),
            may_withdraw_most=may_withdraw_most,
        )

    def refusals(self, origin: str) -> tuple[Refusal, ...]:
        """What the newest harvest of a foreign catalogue could not use."""
        return refusals(self.control, origin)

    def export_catalogue(self, form: CatalogueForm) -> str:
        """Return the catalogue as DCAT-AP 3.0.1, in Turtle or JSON-LD."""
        city = self.settings.city
        name = Text(zh=city.title_zh, en=city.title_en)
        publisher = Publisher(city.address, name, name, name)
        return write_catalogue((r.entry for r in records(self.control)), publisher, form)

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

    @property
    def office(self) -> Office:
        """Where cases are opened, acted on and closed: see the verbs of `shuzhi.act.cases`."""
        settings = self.settings
        return Office(
            self.control,
            self.declared.case_kinds,
            china_working_days(),
            settings.city.zone,
            PartyId(settings.city.desk),
            settings.folder / "evidence",
            self.clock,
            publisher(REACTIONS),
        )

    def record(self) -> int:
        """Move what was done since into the audit log, each entry exactly once; return how many.

        Raises:
            AuditError: `audit.log_busy` when another process moves them; as `keep_log`.
        """
        settings = self.settings
        settings.audit_key.parent.mkdir(mode=0o700, exist_ok=True)
        origin = f"audit.{settings.city.name}"
        with keep_log(settings.audit_folder, settings.audit_key, origin) as log:
            return flush(self.control, log)

    @contextmanager
    def sql(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection on which SQL can read every data set, and nothing else."""
        with self.lake.duck(memory_limit=self.settings.memory_limit) as connection:
            yield connection


def open_city(folder: Path | str) -> City:
    """Open the city in `folder` and bring its control store up to date.

    Raises:
        RefusedError: `settings.no_city`, `settings.bad_city_file`.
    """
    settings = load_settings(Path(folder))
    control = open_control(settings.control_url)
    migrate(control)
    return City(settings, control, open_lake(settings.lake_folder))


def create_city(folder: Path | str, *, pack: str | None = None) -> City:
    """Make a city in `folder` that runs a scenario `pack` if one is named, and open it.

    Files that are there already are left as they are.

    Raises:
        RefusedError: `packs.no_such_pack`, `app.pack_not_listed`; as `City.register`.
    """
    if pack is not None:
        installed_pack(pack)
    root = Path(folder)
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    if not (root / CITY_FILE).exists():
        written = _CITY.format(name=pack or "city", packs=pack or "")
        (root / CITY_FILE).write_text(written, encoding="utf-8")
    city = open_city(root)
    if pack is not None and pack not in city.settings.city.packs:
        raise RefusedError(
            "app.pack_not_listed",
            f"The city in {root} is there already and does not run the pack {pack!r}.",
            next_step=f"Add {pack} to `packs` in {root / CITY_FILE} and run the command again.",
        )
    city.register()
    return city


_CITY = """# Who this city is and which packs it runs; the files of this folder count over theirs.
name: {name}
title_zh: 示范城市
title_en: Demonstration city
zone: Asia/Shanghai
packs: [{packs}]
"""
