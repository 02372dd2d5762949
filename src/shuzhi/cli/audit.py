"""`shuzhi audit`: verify the log from its files, prove an entry, show the signed checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson, CityFolder
from shuzhi.cli.frame.output import EXIT_REFUSED, out, print_json
from shuzhi.kernel.errors import RefusedError

if TYPE_CHECKING:
    from shuzhi.audit import VerifierKey

commands = typer.Typer(help="The log of what was done.", no_args_is_help=True)

Log = Annotated[Path | None, typer.Option(help="The log's folder; default: the city's.")]
Key = Annotated[Path | None, typer.Option(help="The log's public key; default: the city's.")]


@commands.command("verify")
def verify(
    log: Log = None,
    key: Key = None,
    known: Annotated[list[Path] | None, typer.Option(help="A checkpoint that you kept.")] = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say whether anything in the log was altered, dropped, moved or cut, from its files alone."""
    from shuzhi.audit import verify_folder

    folder, keys = _where(log, key, city)
    report = verify_folder(folder, keys, known=[path.read_bytes() for path in known or ()])
    if as_json:
        found = {"entries": report.entries, "problems": report.problems}
        print_json({"is_whole": report.is_whole, **found})
    else:
        verdict = "[green]whole[/green]" if report.is_whole else "[red]NOT whole[/red]"
        out.print(f"{report.entries:,} entries: {verdict}")
        for problem in report.problems:
            out.print(f"  {escape(str(problem))}", soft_wrap=True)
    if not report.is_whole:
        raise typer.Exit(EXIT_REFUSED)


@commands.command("prove")
def prove(
    index: int,
    log: Log = None,
    key: Key = None,
    city: CityFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print entry INDEX (from 0) and the proof that it stands in the log."""
    from shuzhi.audit import prove as prove_entry

    folder, keys = _where(log, key, city)
    entry, proof = prove_entry(folder, index, keys)
    shown = entry.decode(errors="replace")
    if as_json:
        print_json({"index": index, "entry": shown, "proof": str(proof)})
    else:
        typer.echo(f"{shown}\n{proof}")


@commands.command("checkpoint")
def checkpoint(
    log: Log = None, key: Key = None, city: CityFolder = None, as_json: AsJson = False
) -> None:
    """Print the newest signed checkpoint; keep it, to notice a log that is rolled back."""
    from shuzhi.audit import read_head

    folder, keys = _where(log, key, city)
    note = str(read_head(folder, keys).note)
    if as_json:
        print_json({"checkpoint": note})
    else:
        typer.echo(note, nl=False)


def _where(
    log: Path | None, key: Path | None, city: Path | None
) -> tuple[Path, tuple[VerifierKey, ...]]:
    from shuzhi.audit import read_keys
    from shuzhi.settings import default_city, load_settings

    if log is None or key is None:
        settings = load_settings(city or default_city())
        log = log or settings.audit_folder
        key = key or settings.audit_key.with_name("audit.pub")
    if not key.is_file():
        raise RefusedError(
            "cli.no_audit_key",
            f"There is no public key in {key}.",
            next_step="Name it with --key; a city's log begins with the first thing that is done.",
        )
    return log, read_keys(key.read_text(encoding="utf-8").splitlines())
