"""`shuzhi account` and `shuzhi key`, as people and programs type them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.beside import beside

from shuzhi.app import City, create_city
from shuzhi.cli import main
from shuzhi.share.accounts import LoginRefusedError, login

PARTIES = """
parties:
  - {id: city_government, title: {zh: 市政府, en: City government}, level: city}
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    (tmp_path / "parties.yaml").write_text(PARTIES, encoding="utf-8")
    return create_city(tmp_path)


@pytest.fixture
def run(city: City, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command and return its JSON document."""

    def command(*words: str) -> Any:
        with pytest.raises(SystemExit):
            main((*words, "--json", "--city", str(city.settings.folder)))
        return json.loads(capsys.readouterr().out)

    return command


def test_an_account_lives_from_the_command_line(city: City, run: Callable[..., Any]) -> None:
    of = ("--party", "city_government")
    made = run("account", "add", "li", *of, "--title", "Li", "--role", "analyst", "--generate")
    assert made["account"]["must_change"] is True
    office = city.accounts_office
    assert login(office, "li", made["secret"]).standing.must_change
    assert run("account", "list")[0]["name"] == "li"
    run("account", "grant", "li", "manager", *of)
    roles = {g["role"] for g in run("account", "show", "li")["grants"]}
    assert roles == {"analyst", "manager"}
    run("account", "revoke", "li", "manager", *of)
    key = run("key", "add", "li", *of, "--right", "data.query", "--title", "report")
    run("key", "revoke", key["key"]["prefix"])
    assert city.standing(key=key["secret"]) is None
    assert run("key", "list")[0]["revoked_at"]
    fresh = run("account", "password", "li", "--generate")["secret"]
    with pytest.raises(LoginRefusedError):
        login(office, "li", made["secret"])
    login(office, "li", fresh)
    run("account", "disable", "li")
    with pytest.raises(LoginRefusedError):
        login(office, "li", fresh)
    run("account", "enable", "li")
    login(office, "li", fresh)


def test_what_is_refused_says_so(run: Callable[..., Any]) -> None:
    of = ("--party", "city_government", "--title", "L", "--generate")
    assert run("account", "add", "li", *of, "--role", "king")["error"]["code"] == (
        "share.role_unknown"
    )
    assert run("account", "show", "nobody")["error"]["code"] == "share.account_unknown"
    assert run("account", "bind", "li", "s-1")["error"]["code"] == "share.no_oidc"


def test_a_password_comes_by_standard_input_and_shows_nowhere(city: City) -> None:
    words = ("account", "add", "li", "--party", "city_government", "--title", "Li", "--stdin")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "shuzhi", *words, "--city", str(city.settings.folder)],
        input="four words nobody said\n", capture_output=True, text=True, check=True,
        env=beside(city.control),
    )  # fmt: skip
    assert "nobody said" not in done.stdout + done.stderr
    login(city.accounts_office, "li", "four words nobody said")
