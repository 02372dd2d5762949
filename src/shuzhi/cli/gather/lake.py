"""`shuzhi lake`: what the lake holds, how it came to that, and keeping it in order."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder, opened
from shuzhi.cli.frame.output import EXIT_REFUSED, counted, out, print_json, print_table

commands = typer.Typer(help="聚: the tables behind the data sets.", no_args_is_help=True)
_MEGABYTE = 1_000_000


@commands.command("list")
def list_tables(city: CityFolder = None, as_json: AsJson = False) -> None:
    """List the tables: data sets, and what was kept out of them (`NAME__quarantine`)."""
    tables = opened(city).tables()
    if as_json:
        print_json(tables)
        return
    rows = [
        (t.name, t.rows, t.files, round(t.size_bytes / _MEGABYTE, 1), t.version, t.committed_at)
        for t in tables
    ]
    columns = ("table", "rows", "files", "MB", "version", "committed at")
    print_table(counted(len(rows), "table"), columns, rows)


@commands.command("history")
def history(
    dataset: str,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show the versions of DATASET, the newest first; `shuzhi sql --at` reads an older one."""
    versions = opened(city).lake.history(dataset, limit=limit)
    if as_json:
        print_json(versions)
        return
    rows = [
        (
            v.version,
            v.committed_at,
            v.verb,
            v.note.get("source") or v.note.get("model"),
            ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in v.counts.items()),
        )
        for v in versions
    ]
    print_table(
        f"{dataset}: versions", ("version", "committed at", "what", "by", "rows and files"), rows
    )


@commands.command("tidy")
def tidy(
    datasets: Annotated[list[str] | None, typer.Argument(help="Default: every table.")] = None,
    keep_days: Annotated[
        int | None,
        typer.Option(min=0, help="Versions to keep readable; default: as city.yaml says."),
    ] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make few large files of many small ones, and delete what only older versions need."""
    done = opened(city).tidy(datasets or (), keep_days=keep_days)
    if as_json:
        print_json(done)
        return
    rows = [
        (
            t.name,
            t.compaction.files_before,
            t.compaction.files_after,
            len(t.cleared.files),
            round(t.cleared.bytes_freed / _MEGABYTE, 1),
        )
        for t in done
    ]
    columns = ("table", "small files", "made into", "old files deleted", "MB freed")
    print_table("Tidied", columns, rows)


@commands.command("repair")
def repair(dataset: str, city: CityFolder = None, as_json: AsJson = False) -> None:
    """Set aside what a power cut tore of DATASET's log, and say which of its files are damaged."""
    found = opened(city).lake.repair(dataset)
    if as_json:
        print_json({"repair": found, "is_whole": found.is_whole})
    else:
        for what, names in (
            ("torn, set aside", found.set_aside),
            ("[red]missing[/red]", found.missing),
            ("[red]cut short[/red]", found.short),
        ):
            for name in names:
                out.print(f"{what}: {escape(name)}")
        whole = "is whole" if found.is_whole else "is not whole: load the rows of those files again"
        out.print(f"{escape(dataset)} {whole}")
    if not found.is_whole:
        raise typer.Exit(EXIT_REFUSED)
