"""Chromium at a server of the pages' small city; run by `make test-web` alone."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from shuzhi.app import City
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewAccount, Role, add_account
from shuzhi.share.receipts import object_to, record_receipt, set_of, subject_number
from shuzhi.share.verification import Action, Kind
from shuzhi.web import make_app

from ..entering import PASSWORD
from ..overseeing import delivered, suspect

SCREENSHOTS = Path(__file__).resolve().parents[3] / ".bench" / "screenshots"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these tests to those who ask for them by their marker."""
    here = Path(__file__).parent
    if "browser" in (config.getoption("-m") or ""):
        return
    skip = pytest.mark.skip(reason="a browser is driven by: make test-web")
    for item in items:
        if here in item.path.parents:
            item.add_marker(skip)


@dataclass
class Site:
    """A server that can be stopped and started again at the same address."""

    city: City
    how: dict[str, Any] = field(default_factory=lambda: {"is_acting": True})
    port: int = 0
    _server: uvicorn.Server | None = field(default=None, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = make_app(self.city, **self.how)
        config = uvicorn.Config(
            app, port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        assert self._server
        assert self._thread
        self._server.should_exit = True
        self._thread.join(timeout=60)


@pytest.fixture(scope="session")
def site(build: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The city's pages, at a server that takes acts."""
    made = Site(build(tmp_path_factory.mktemp("browser") / "city"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def served(
    serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A city with a service and accounts, at a server that asks who one is."""
    city = serve(tmp_path_factory.mktemp("served") / "city")
    made = Site(city, {"asks_login": True})
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def overseen(
    serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Such a city with deliveries and signs of fishing, and `guo`, who manages sharing."""
    city = serve(tmp_path_factory.mktemp("overseen") / "city")
    manager = NewAccount("guo", PartyId("hotline_centre"), "Guo", frozenset({Role.MANAGER}))
    add_account(city.accounts_office, manager, by="root", password=PASSWORD)
    office = city.receipt_office
    whose = set_of([subject_number(office, "person", "p1")])
    number = record_receipt(office, delivered(city), subjects=whose).id
    object_to(office, number, "person", "p1", reason="不同意", by="li.na")
    suspect(city, Kind.GUESSING, Action.SUSPEND, subject=(1, 2))
    suspect(city, Kind.ENUMERATION, Action.SLOW)
    city.record()
    made = Site(city, {"asks_login": True})
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium")
    assert found, "install Debian's chromium, or run: make test-web"
    with api.sync_playwright() as playwright:
        # Containers that run as root have no user namespaces for the sandbox.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visit:
    """One visitor's browser, and what it complained of."""

    site: Site
    context: Any
    name: str
    complaints: list[str] = field(default_factory=list)
    pages: int = 0

    def open(self, path: str) -> Any:
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.site.root + path)
        return page

    def picture(self, page: Any, *, whole: bool = True) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.pages += 1
        page.screenshot(path=SCREENSHOTS / f"{self.name}-{self.pages}.png", full_page=whole)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


Visits = Callable[..., Visit]


@pytest.fixture
def visit(site: Site, chromium: Any, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Opens browsers for visitors; at the end no page may have complained of anything."""
    made: list[Visit] = []

    def opened(at: Site = site, **options: Any) -> Visit:
        wanted = {"locale": "zh-CN", "viewport": {"width": 1440, "height": 900}, **options}
        name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_"))[:60]
        visit = Visit(at, chromium.new_context(**wanted), name)
        made.append(visit)
        return visit

    yield opened
    complaints = [c for each in made for c in each.complaints]
    for each in made:
        each.context.close()
    assert complaints == []
