"""Every operation under made-up requests: no answer is a failure, and each is as described.

Run by `make test-api` alone, over a real socket.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from shuzhi.act.cases import CaseId
from shuzhi.act.cases import case as find
from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import (
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
from shuzhi.share.verification import Action, Kind
from shuzhi.web import make_app
from shuzhi.web.api import make_api
from shuzhi.web.api.frame.asking import KEY_HEADER

from ..overseeing import suspect
from .conftest import OF_PEOPLE, PARTS, ROOT, declare_service
from .linking import declare_people, put_people

pytestmark = pytest.mark.api
_EXAMPLES = 10
_KEY = re.compile(r"[!-~]{1,100}")
_NUMBERS = itertools.count()
# What is for who manages sharing alone; everything else somebody of a party has more of.
_OF_THE_MANAGER = ("/linkages", "/misuse")
_CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # What is well formed may still not fit how things stand, or name what is not there.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "400", "403", "404", "409", "410", "412", "422"]
            },
            "negative_data_rejection": {
                "expected-statuses": ["400", "403", "404", "409", "412", "413", "415", "422", "428"]
            },
            "missing_required_header": {"expected-statuses": ["422", "428"]},
            # The server of these tests is open to readers at its own machine.
            "ignored_auth": {"enabled": False},
        }
    }
)


@pytest.fixture(scope="module")
def keys(everything: City) -> dict[bool, str]:
    """The keys of two who may do all that a key can carry; one manages sharing for the city."""
    office, made = everything.accounts_office, {}
    for party in ("east", "hotline_centre"):
        name = f"all.{party.replace('_', '-')}"
        add_account(office, NewAccount(name, PartyId(party), "All", frozenset(Role)), by="tester")
        rights = frozenset(Right) - OF_PEOPLE
        new = NewKey(name, PartyId(party), "tester", rights, timedelta(days=300))
        is_manager = party == everything.sharing_office.authority
        made[is_manager] = make_key(office, new, by=name)[1].value
    return made


@pytest.fixture(scope="module")
def everything(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("schema") / "city"
    declare_people(folder)
    # Whoever has every role is a company to services.
    declare_service(folder, audience="companies")
    city = build(folder)
    city.register_forms()
    put_people(city)
    suspect(city, Kind.GUESSING, Action.SUSPEND, subject=(1, 2))
    return city


@pytest.fixture(scope="module")
def root(everything: City) -> Iterator[str]:
    """A server of the city on this machine."""
    app = make_app(everything)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 60
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=60)


INTERFACE = schemathesis.openapi.from_dict(
    make_api(None).openapi(),  # type: ignore[arg-type]  (the city has no part in it)
    config=_CONFIG,
)


@INTERFACE.parametrize()
@settings(
    max_examples=_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_an_operation_or_its_description(
    case: Any, root: str, keys: dict[bool, str], everything: City
) -> None:
    # A key that was used before would keep a request from what it asks for.
    if _KEY.fullmatch((case.headers or {}).get(KEY_HEADER, "")):
        case.headers[KEY_HEADER] = f"{next(_NUMBERS)}"
    if case.meta and case.meta.generation.mode.is_positive and next(_NUMBERS) % 2:
        _meet(case, everything)
    headers = {"Authorization": f"Bearer {keys[case.path.startswith(_OF_THE_MANAGER)]}"}
    if not set(case.operation.definition.raw["x-rights"]) - OF_PEOPLE:
        headers = _signed_in(everything)
    case.call_and_validate(base_url=f"{root}{ROOT}", headers=headers)


def _signed_in(city: City) -> dict[str, str]:
    """Return what the browser of somebody sends who signed in just now: no key opens all there is.

    Each request has a visit of its own, as some end one.
    """
    opened = open_session(city.accounts_office, AccountName("all.east"), LoginWay.OIDC)
    return {"Cookie": f"shuzhi_session={opened.token.value}"}


def _meet(case: Any, city: City) -> None:
    """Let a request be about something that is there, as it is now."""
    case.path_parameters = {name: PARTS[name] for name in case.path_parameters or {}}
    if "case_id" in case.path_parameters and "If-Match" in (case.headers or {}):
        number = CaseId(int(PARTS["case_id"]))
        case.headers["If-Match"] = f'"{find(city.office, number).case.version}"'
