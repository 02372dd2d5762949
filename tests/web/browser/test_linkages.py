"""A steward links people: trains, accepts, runs, and looks through the pairs that wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shuzhi.app import City, open_city
from shuzhi.share.linkage import Decision, Verdict, WorkKind, accept, decide, review
from shuzhi.share.linkage.store import read_decisions
from shuzhi.share.linkage.work_store import put_failed
from shuzhi.share.linkage.works import ask

from ..api.linking import LINKAGE, grant, put_people
from ..conftest import Moving
from ..linked import declare_linked, enrol
from .conftest import Site
from .test_access import violations
from .test_people import PHONE, sign_in

pytestmark = pytest.mark.browser
PATH = f"/linkages/{LINKAGE}"


def _town(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("linkages") / "city"
    declare_linked(folder)
    opened = open_city(folder)
    clock = Moving(datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
    city = City(opened.settings, opened.control, opened.lake, clock)
    city.register()
    enrol(city)
    put_people(city)
    grant(city, "register", "id", "full_name", "born", "home", purpose="aid")
    grant(city, "clinic", "id", "patient", "birthday", purpose="aid")
    return city


def _linked(city: City) -> None:
    """Let the city have a run, a second model, a failure, and a pair that two people dispute."""
    office = city.linkage_office
    for number, kind in enumerate((WorkKind.TRAINING, WorkKind.RUN, WorkKind.TRAINING)):
        ask(office, LINKAGE, kind, by="guo", origin=f"{number}")
        assert city.link() == 1
        if number == 0:
            accept(office, LINKAGE, 1, by="guo")
    failed = ask(office, LINKAGE, WorkKind.RUN, by="guo", origin="failed")
    with city.control.transaction() as connection:
        told = (
            "share.linkage_columns: The data set register lacks the column born. Declare another."
        )
        put_failed(connection, failed, told, city.clock())
    pair = review(office, LINKAGE)[1].placed.pair
    for by, verdict in (("guo", Verdict.SAME), ("east.boss", Verdict.DIFFERENT)):
        decide(office, LINKAGE, pair.left, pair.right, verdict, by=by, reason="查过两处档案")


@pytest.fixture(scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(*, linked: bool) -> Site:
        city = _town(tmp_path_factory)
        if linked:
            _linked(city)
        made.append(Site(city, {"asks_login": True}))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def linked(make_site: Callable[..., Site]) -> Site:
    return make_site(linked=True)


def _said(site: Site, pair: str) -> list[Decision]:
    """Return what was said of a pair, as the heading of its page names it."""
    with site.city.control.transaction() as connection:
        known = read_decisions(connection, LINKAGE)
    return [d for d in known if {d.left.key, d.right.key} <= set(pair.split())]


def _pages() -> tuple[str, ...]:
    return ("/linkages", PATH, f"{PATH}/review", f"{PATH}/sample")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_the_pages_of_linkages(
    visit: Any, linked: Site, language: str
) -> None:
    visitor = visit(linked)
    page = sign_in(visitor, "chen", "/linkages")
    page.goto(f"{linked.root}/language/{language}?back=/linkages")
    for path in _pages():
        page.goto(linked.root + path)
        visitor.picture(page)
        assert violations(page) == [], path
    visitor.complaints.clear()


def test_the_pages_of_linkages_fit_a_phone(visit: Any, linked: Site) -> None:
    visitor = visit(linked, **PHONE)
    page = sign_in(visitor, "chen", "/linkages")
    for path in _pages():
        page.goto(linked.root + path)
        visitor.picture(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["viewport"]["width"], (path, wide)


def test_a_steward_sees_both_records_and_decides_by_the_keyboard(visit: Any, linked: Site) -> None:
    visitor = visit(linked)
    page = sign_in(visitor, "chen", f"{PATH}/review")
    assert page.get_by_text("有人认为同一，有人认为不同").is_visible()
    first = page.locator("#h-pair").inner_text()
    page.get_by_label("目的", exact=True).select_option("aid")
    page.get_by_role("button", name="查看两条记录").click()
    shown = page.locator("table", has_text="姓名").first
    assert shown.is_visible()
    visitor.picture(page)
    page.get_by_label("依据").focus()
    page.keyboard.type("生日相同，名字不同")
    # 同一, and then 不同.
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**/review?*after=*")
    assert page.locator("#h-pair").inner_text() != first
    decided = {d.by: d.verdict for d in _said(linked, first)}
    assert decided == {"guo": "same", "east.boss": "different", "chen": "different"}
    # For what one looks goes on to the next pair.
    assert page.get_by_label("目的", exact=True).input_value() == "aid"
    visitor.picture(page)


def test_a_manager_trains_accepts_and_runs(visit: Any, make_site: Callable[..., Site]) -> None:
    site = make_site(linked=False)
    visitor = visit(site)
    page = sign_in(visitor, "guo", PATH)
    page.get_by_role("button", name="训练新模型").click()
    page.wait_for_url("**#work-1")
    assert page.get_by_text("训练（作业 1）等待中").is_visible()
    visitor.picture(page)
    assert site.city.link() == 1
    page.get_by_role("link", name="刷新").click()
    visitor.picture(page)
    page.get_by_role("button", name="采用模型 1").click()
    page.wait_for_url("**#model-1")
    page.get_by_role("button", name="运行关联").click()
    page.wait_for_url("**#work-2")
    assert site.city.link() == 1
    page.reload()
    assert page.locator("#run-1").is_visible()
    visitor.picture(page)
