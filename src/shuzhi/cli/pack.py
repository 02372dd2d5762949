"""`shuzhi pack`: scenario packs, installed or in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from shuzhi.cli.options import AsJson
from shuzhi.cli.output import EXIT_REFUSED, out, print_json, print_table

commands = typer.Typer(help="Scenario packs: one folder, one public problem.", no_args_is_help=True)


@commands.command("list")
def list_packs(as_json: AsJson = False) -> None:
    """List the packs that are installed."""
    from shuzhi.packs import installed_packs, read_pack

    packs = {name: read_pack(folder).manifest for name, folder in installed_packs().items()}
    if as_json:
        print_json({name: manifest.model_dump() for name, manifest in packs.items()})
        return
    rows = [(m.id, m.version, f"{m.title.zh} {m.title.en}", len(m.writes)) for m in packs.values()]
    print_table("Packs", ("pack", "version", "title", "data sets"), rows)


@commands.command("check")
def check(
    packs: Annotated[list[str] | None, typer.Argument(help="Ids or folders; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong in PACKS, with file, line and what to write instead."""
    from shuzhi.packs import examine, installed_packs

    installed = installed_packs()
    folders = [installed.get(p, Path(p)) for p in packs or installed]
    found = {str(folder): examine(folder.resolve())[1] for folder in folders}
    if as_json:
        print_json(found)
    else:
        for folder, findings in found.items():
            out.print(f"{escape(folder)}: {len(findings) or 'no'} findings")
            for finding in findings:
                out.print(f"  [red]✗[/red] {escape(str(finding))}", soft_wrap=True)
    if any(found.values()):
        raise typer.Exit(EXIT_REFUSED)


@commands.command("new")
def new(folder: Path, as_json: AsJson = False) -> None:
    """Begin a pack in FOLDER, named after it."""
    from shuzhi.packs import new_pack

    files = new_pack(folder.resolve())
    if as_json:
        print_json({"files": files})
        return
    for file in files:
        out.print(f"  {file}", markup=False)
    out.print(f"next: shuzhi pack check {folder}", markup=False)
