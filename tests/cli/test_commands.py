"""What every command keeps to: help in words, and JSON for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from click import Command

from shuzhi.cli import main
from shuzhi.cli.commands import app

# These run until a signal comes; what they do is told by `status` and their logs.
_SERVERS = {"gateway", "run", "up", "web"}


def commands(group: Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Command]]:
    below = getattr(group, "commands", None)
    if below is None:
        yield " ".join(path), group
    else:
        for name, command in below.items():
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - _SERVERS))
def test_every_command_prints_json_when_asked(name: str) -> None:
    assert any("--json" in given.opts for given in COMMANDS[name].params)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does(name: str) -> None:
    assert (COMMANDS[name].help or "").strip().partition("\n\n")[0].endswith(".")


def test_the_package_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shuzhi", "--help"], capture_output=True, text=True, check=True
    )
    assert "the open data platform that a city runs itself on" in done.stdout


def test_exports_are_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("init", str(tmp_path / "c")), ("catalogue", "export"), ("lineage", "export")):
        where = () if command[0] == "init" else ("--city", str(tmp_path / "c"))
        with pytest.raises(SystemExit) as ended:
            main((*command, *where, "--json"))
        assert not ended.value.code
        json.loads(capsys.readouterr().out)
