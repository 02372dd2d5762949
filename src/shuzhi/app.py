"""The composition root: a city's settings in, the wired platform out.

`City` is also the Python API: the verbs of the command line under the same names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import duckdb

from shuzhi.gather import quality
from shuzhi.gather.contracts import contracted_datasets, read_contract, register, table_named
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.quality.model import Evidence, FaultyRow, Ratio, Report
from shuzhi.gather.sources import (
    Gathering,
    Progress,
    RunReport,
    Source,
    read_sources,
    reads,
    run_source,
    runs,
)
from shuzhi.kernel.control import Control, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.events import Reactions, publisher
from shuzhi.kernel.ids import SourceName, new_run_id
from shuzhi.kernel.instant import Clock, system_clock
from shuzhi.migrations import migrate
from shuzhi.settings import CITY_FILE, Settings, load_settings
from shuzhi.share.parties import load_parties

_FOLDERS = ("contracts", "sources", "models", "incoming")
# Who reacts to what: nobody yet; the next wings will.
REACTIONS: Reactions = {}


@dataclass(frozen=True)
class City:
    """A city that is open: its settings, its control store and its lake."""

    settings: Settings
    control: Control
    lake: Lake
    clock: Clock = system_clock

    def register(self) -> tuple[str, ...]:
        """Register the parties and contracts that the folder holds; return what is new.

        Raises:
            RefusedError: as `load_parties`, `read_contract` and `register`.
        """
        folder = self.settings.folder
        if (folder / "parties.yaml").is_file():
            load_parties(self.control, folder / "parties.yaml")
        found = [read_contract(p) for p in sorted((folder / "contracts").glob("*.odcs.yaml"))]
        fresh = [c for c in found if register(self.control, c, now=self.clock())]
        return tuple(contract.name for contract in fresh)

    def sources(self) -> dict[SourceName, tuple[Source, Path]]:
        """The sources that the folder holds, by name, each with its file."""
        return read_sources(self.settings.folder / "sources")

    def datasets(self) -> tuple[str, ...]:
        """The data sets that a contract answers for."""
        return contracted_datasets(self.control)

    def gather(self, source: str, progress: Progress) -> RunReport:
        """Run a source. Raises `gather.no_such_source`; else as `run_source`."""
        found = self.sources().get(SourceName(source))
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
        return run_source(gathering, found[0], found[1].parent, progress)

    def runs(self, source: str | None = None) -> tuple[RunReport, ...]:
        """The newest runs, of one source or of all."""
        return runs(self.control, source)

    def check(self, dataset: str) -> Report:
        """Check a data set against its contract, keep the report and return it."""
        contract, table = table_named(self.control, dataset)
        done, ended = reads(self.control, dataset)
        return quality.check(
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

    def worst_rows(self, dataset: str, limit: int = 20) -> tuple[FaultyRow, ...]:
        """The rows of a data set that break the most checks, with the reason for each cell."""
        _, table = table_named(self.control, dataset)
        return quality.worst_rows(self.lake, table, limit=limit)

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
    """Make a city in `folder`, from the files of a scenario `pack` if one is named, and open it.

    Files that are there already are left as they are.

    Raises:
        RefusedError: `app.no_such_pack`; as `City.register`.
    """
    root = Path(folder)
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    if pack is not None:
        _copy_pack(pack, root)
    if not (root / CITY_FILE).exists():
        (root / CITY_FILE).write_text(_CITY.format(name=pack or "city"), encoding="utf-8")
    city = open_city(root)
    city.register()
    return city


_CITY = """# Who this city is. Every other file in this folder is its own too.
name: {name}
title_zh: 示范城市
title_en: Demonstration city
zone: Asia/Shanghai
"""


def _copy_pack(pack: str, root: Path) -> None:
    packs = files("shuzhi_packs")
    known = sorted(p.name for p in packs.iterdir() if p.is_dir() and not p.name.startswith("_"))
    if pack not in known:
        raise RefusedError(
            "app.no_such_pack",
            f"There is no scenario pack {pack[:60]!r}.",
            next_step=f"Choose one of: {', '.join(known)}.",
        )
    with as_file(packs / pack) as folder:
        for path in sorted(folder.rglob("*")):
            target = root / path.relative_to(folder)
            is_ours = path.suffix in (".yaml", ".sql") and not target.exists()
            if path.is_file() and is_ours:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
