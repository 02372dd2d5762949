"""`shuzhi pack`: scenario packs, installed or in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson
from shuzhi.cli.frame.output import EXIT_REFUSED, out, print_json, print_table

if TYPE_CHECKING:
    from shuzhi.app.examples import Ran

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
    from shuzhi.packs import examine

    found = {str(folder): examine(folder)[1] for folder in _folders(packs).values()}
    if as_json:
        print_json(found)
    else:
        for folder, findings in found.items():
            out.print(f"{escape(folder)}: {len(findings) or 'no'} findings")
            for finding in findings:
                out.print(f"  [red]✗[/red] {escape(str(finding))}", soft_wrap=True)
    if any(found.values()):
        raise typer.Exit(EXIT_REFUSED)


@commands.command("run-examples")
def run(
    packs: Annotated[list[str] | None, typer.Argument(help="Ids or folders; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the examples of PACKS, each in a temporary city, and say what differs."""
    from shuzhi.app.examples import run_examples
    from shuzhi.packs import read_pack

    ran = {pack.id: tuple(run_examples(pack)) for pack in map(read_pack, _folders(packs).values())}
    if as_json:
        print_json({name: [_plain(one) for one in each] for name, each in ran.items()})
    else:
        for name, each in ran.items():
            show_ran(name, each)
    if any(one.differences for each in ran.values() for one in each):
        raise typer.Exit(EXIT_REFUSED)


def show_ran(pack: str, ran: Sequence[Ran]) -> None:
    """Show each example as given, when, then, and where it differs how."""
    from shuzhi.packs.examples.lines import example_lines

    for one in ran:
        mark = "[red]✗[/red]" if one.differences else "[green]✓[/green]"
        title = one.example.title
        out.print(f"{mark} [bold]{escape(f'{title.zh} {title.en}')}[/bold]", soft_wrap=True)
        for line in example_lines(one.example):
            out.print(f"    {line}", markup=False, soft_wrap=True)
        for difference in one.differences:
            out.print(f"  [red]differs[/red] {escape(str(difference))}", soft_wrap=True)
    failed = sum(bool(one.differences) for one in ran)
    out.print(f"{pack}: {len(ran)} examples, {failed} differ\n", markup=False)


def _plain(ran: Ran) -> dict[str, object]:
    title = {"zh": ran.example.title.zh, "en": ran.example.title.en}
    where = {"file": ran.file, "number": ran.number, "title": title}
    return {**where, "differences": ran.differences}


def _folders(packs: Sequence[str] | None) -> dict[str, Path]:
    """Return the folders that ids or paths mean; all that are installed where none is named."""
    from shuzhi.packs import installed_packs

    installed = installed_packs()
    return {name: installed.get(name, Path(name)).resolve() for name in packs or installed}


@commands.command("docs")
def docs(
    pack: Annotated[str, typer.Argument(help="An id or a folder.")], as_json: AsJson = False
) -> None:
    """Print PACK as a page of Markdown: what it declares, and its examples."""
    from shuzhi.packs import read_pack
    from shuzhi.packs.pages import page

    for folder in _folders([pack]).values():
        shown = page(read_pack(folder))
        if as_json:
            print_json({"pack": pack, "page": shown})
        else:
            out.file.write(shown)


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
