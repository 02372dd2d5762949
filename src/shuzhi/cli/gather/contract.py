"""`shuzhi contract`: whether a contract can be used, and what a new version of it changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from shuzhi.cli.frame.options import AsJson
from shuzhi.cli.frame.output import out, print_json, print_table

if TYPE_CHECKING:
    from shuzhi.gather.contracts import Change

commands = typer.Typer(help="Contracts: what a provider promises (ODCS 3.1).", no_args_is_help=True)
_File = typer.Argument(exists=True, dir_okay=False)


@commands.command("check")
def check(file: Annotated[Path, _File], as_json: AsJson = False) -> None:
    """Read the contract in FILE; say everything that is wrong, with its line."""
    from shuzhi.gather.contracts import read_contract

    contract = read_contract(file)
    if as_json:
        print_json({"contract": contract})
        return
    tables = ", ".join(f"{t.name} ({len(t.fields)} columns)" for t in contract.tables)
    out.print(f"{escape(contract.name)} {contract.version}, {contract.status}: {tables}")


@commands.command("diff")
def diff(old: Annotated[Path, _File], new: Annotated[Path, _File], as_json: AsJson = False) -> None:
    """Say what changed from OLD to NEW, who notices, and how the version must rise."""
    from shuzhi.gather import contracts

    changes = contracts.diff(contracts.read_contract(old), contracts.read_contract(new))
    if as_json:
        bump = contracts.required_bump(changes).name.lower()
        print_json({"bump": bump, "changes": changes})
        return
    show_changes(changes)
    out.print(f"The version must rise by: {contracts.required_bump(changes).name.lower()}")


def show_changes(changes: tuple[Change, ...]) -> None:
    """Show each change with its impact, the breaking ones first."""
    rows = [
        (c.impact.name.lower(), c.kind.value, c.where, _short(c.before), _short(c.after), c.why_en)
        for c in changes
    ]
    columns = ("impact", "change", "where", "before", "after", "who notices")
    print_table(f"{len(rows)} changes", columns, rows)


def _short(value: object) -> str | None:
    if value is None:
        return None
    text = "…" if isinstance(value, (dict, list)) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
