"""Accounts of the pages' small city, a key for each, and programs that use them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
    RIGHTS,
    AccountName,
    LoginWay,
    NewAccount,
    NewKey,
    Right,
    Role,
    add_account,
    make_key,
    open_session,
)
from shuzhi.web import make_app

from ..conftest import SERVED
from .linking import declare_people, put_people
from .sharing import declare_residents, delivering, put_residents


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the examples in the description be written anew."""
    parser.addoption("--write-examples", action="store_true", help="write examples.json anew")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave made-up requests to those who ask for them: they need packages of their own."""
    is_asked = "api" in (config.getoption("-m") or "")
    return True if collection_path.name == "test_schema.py" and not is_asked else None


ROOT = "/api/v1"
_NUMBERS = itertools.count()
# What is there in the city of these tests, by the names of parts of paths.
PARTS: dict[str, str] = {
    "dataset": "dust", "source": "dust_files", "mn": "SIM000000000000000000001",
    "indicator": "case_loop.closing_rate", "rule": "dust_high", "warning": "1", "case_id": "5",
    "sha256": "0" * 64, "scheme": "case_handling", "period": "2026-03", "party": "east",
    "measure": "closing_rate", "application": "1", "agreement": "1", "index": "0", "pack": "air",
    "subscription": "1", "receipt": "1", "objection": "1",
    "form": "relief_return", "doubt": "1", "search": "1",
    "linkage": "residents", "model": "1", "work": "1", "finding": "1", "matter": "pass",
    "request": "1", "account": "chen", "prefix": "0123456789", "session": "1",
}  # fmt: skip
# Keys make no keys and manage no accounts.
OF_PEOPLE = {Right.MAKE_KEY, Right.MANAGE_ACCOUNTS}
# About oneself: no right is asked for, and no key is enough.
OF_SESSIONS = {
    "show_own_account", "change_own_password", "end_own_session", "list_own_keys", "revoke_key",
}  # fmt: skip
DESK = frozenset({Role.DUTY_OFFICER, Role.MANAGER, Role.DATA_USER})
PEOPLE: dict[str, tuple[str, frozenset[Role]]] = {
    "chen": ("hotline_centre", DESK),
    "gao": ("city_government", frozenset({Role.DUTY_OFFICER, Role.MANAGER})),
    "li": ("west", frozenset({Role.FIELD_OFFICER, Role.STEWARD, Role.DATA_USER})),
    "wu": ("east", frozenset({Role.FIELD_OFFICER, Role.STEWARD})),
    "sun": ("city_government", frozenset({Role.ADMINISTRATOR})),
    "yan": ("east", frozenset({Role.ADMINISTRATOR})),
    "zhou": ("west", frozenset({Role.CITIZEN})),
    "ren": ("west", frozenset({Role.COMPANY})),
}
# As whom the data know them.
_SUBJECTS = {"zhou": "p1"}


@dataclass
class Program:
    """Somebody's program: it bears a key, and names each request that changes something.

    With a `session` in the place of a key it is a page at which somebody signed in.
    """

    client: TestClient
    key: str = ""
    session: str = ""

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.client.get(ROOT + path, headers=self._headers(asked), **asked)

    def post(self, path: str, given: Any = None, **asked: Any) -> httpx.Response:
        headers = {"Idempotency-Key": f"key-{next(_NUMBERS)}"}
        headers |= asked.pop("headers", {})
        if "content" not in asked:
            asked["json"] = given
        headers = self._headers({"headers": headers})
        return self.client.post(ROOT + path, headers=headers, **asked)

    def act(self, case: int, verb: str, **more: Any) -> httpx.Response:
        """Act on a case as it is now."""
        seen = self.get(f"/cases/{case}").headers["etag"]
        given = {"verb": verb, **more}
        return self.post(f"/cases/{case}/acts", given, headers={"If-Match": seen})

    def _headers(self, asked: dict[str, Any]) -> dict[str, str]:
        mine = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        mine |= {"Cookie": f"shuzhi_session={self.session}"} if self.session else {}
        return {"Accept-Language": "en", **mine, **asked.pop("headers", {})}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def enrol(city: City, name: str) -> str:
    """Give one of the people an account, and return a key with all that the person may do."""
    party, roles = PEOPLE[name]
    office = city.accounts_office
    new = NewAccount(name, PartyId(party), name.title(), roles, _SUBJECTS.get(name))
    add_account(office, new, by="tester")
    rights = frozenset().union(*(RIGHTS[role] for role in roles)) - OF_PEOPLE
    key = NewKey(name, PartyId(party), "a program", rights, timedelta(days=300))
    return make_key(office, key, by=name)[1].value


@dataclass
class Town:
    """A city of these tests' own, whose people have accounts."""

    city: City
    keys: dict[str, str]

    def program(self, client: TestClient, name: str = "") -> Program:
        """Return the program of somebody; for `@chen`, a page at which chen signed in just now."""
        if name.startswith("@"):
            opened = open_session(self.city.accounts_office, AccountName(name[1:]), LoginWay.OIDC)
            return Program(client, session=opened.token.value)
        return Program(client, self.keys.get(name, ""))


def declare_service(folder: Path, *, audience: str = "citizens") -> None:
    """Let a city that is built in a folder have a service for citizens, or for companies."""
    for name, text in SERVED.items():
        if name != "masks.yaml":
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(
                text.lstrip().replace("for: citizens", f"for: {audience}"), "utf-8"
            )


@pytest.fixture(scope="session")
def town(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> Town:
    folder = tmp_path_factory.mktemp("api") / "city"
    declare_residents(folder)
    declare_people(folder)
    declare_service(folder)
    city = delivering(build(folder), push_to=("https://data.west.example",))
    city.register_forms()
    put_residents(city)
    put_people(city)
    born = pa.array(["1980-02-01"]).cast(pa.date32())
    city.lake.append("births", pa.table({"id_number": ["p1"], "born_on": born}))
    return Town(city, {name: enrol(city, name) for name in PEOPLE})


@pytest.fixture(scope="session")
def client(town: Town) -> Iterator[TestClient]:
    with TestClient(make_app(town.city), "http://127.0.0.1") as made:
        yield made


@pytest.fixture(scope="session")
def as_(town: Town, client: TestClient) -> Callable[[str], Program]:
    """Makes the program of one of the people; of nobody for an empty name."""
    return lambda name: town.program(client, name)
