"""Delivery from the shell: rows, a file with its proof, who used my data, and an objection."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner

from shuzhi.audit import check_proof, parse_proof, read_keys
from shuzhi.cli.commands import app

LI = ["--as", "h.li", "--party", "housing", "--role", "analyst", "--purpose", "rent_aid"]
ZHOU = ["--as", "r.zhou", "--party", "registry"]


def test_delivery_goes_by_the_command_line(town: Any, monkeypatch: Any) -> None:
    town.agreed()
    folder = town.city.settings.folder
    monkeypatch.chdir(folder)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert [row["no"] for row in run("delivery", "query", "1", *LI, "--limit", "2")] == [0, 1]
    sql = "SELECT COUNT(*) AS n FROM residents"
    assert run("sql", sql, "--agreement", "1", *LI) == [{"n": 20}]
    run("delivery", "approve", "1", "all_of_them", sql, *ZHOU, "--json")
    assert run("delivery", "query", "1", "--query", "all_of_them", *LI) == [{"n": 20}]
    made = run("delivery", "file", "1", "--to", "out", *LI, "--json")
    told = json.loads((folder / made["receipt"]).read_text())
    keys = read_keys([(folder / "keys" / "audit.pub").read_text().strip()])
    proved = check_proof(parse_proof(told["proof"]), told["entry"].encode(), keys)
    assert proved.checkpoint.size > proved.index
    assert told["receipt"]["sha256"] in told["entry"]
    used = run("receipt", "uses-of", "p0", "--json")
    assert [receipt["what"]["left"] for receipt in used] == ["file", "rows", "rows", "rows"]
    said = ["--text", "I never asked for aid", "--as", "desk 3"]
    assert run("objection", "make", "1", "p0", *said, "--json")["state"] == "waiting"
    answered = run("objection", "answer", "1", "--stop", "--text", "Not needed", *ZHOU, "--json")
    assert answered["state"] == "stopped"
    assert run("sql", sql, "--agreement", "1", *LI) == [{"n": 18}]
    refused = CliRunner().invoke(app, ["delivery", "query", "1", *LI, "--columns", "secret"])
    assert refused.exit_code == 2
    assert "column_not_granted" in refused.output
