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
WAIT_MS = 20_000


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


def test_a_clerk_reviews_pair_after_pair_by_single_keys(
    visit: Any, make_site: Callable[..., Site]
) -> None:
    site = make_site(linked=True)
    visitor = visit(site)
    page = sign_in(visitor, "chen", f"{PATH}/review")
    queued = len(review(site.city.linkage_office, LINKAGE, limit=1_000))
    page.keyboard.press("r")
    # What is typed is text, and presses nothing.
    page.keyboard.type("sunvk 12: 两处档案")
    page.keyboard.press("Escape")
    first = page.locator("#h-pair").inner_text()
    with page.expect_navigation():
        page.keyboard.press("n")
    done = [first]
    for key in "snusnusnu":
        heading = page.locator("#h-pair").inner_text()
        assert heading not in done
        page.keyboard.press("1")
        assert page.get_by_label("依据", exact=True).input_value() == "sunvk 12: 两处档案"
        with page.expect_navigation():
            page.keyboard.press(key)
        done.append(heading)
    verdicts = [next(d.verdict.value for d in _said(site, h) if d.by == "chen") for h in done]
    assert verdicts == ["different", *["same", "different", "cannot_tell"] * 3]
    # A key without a reason sends nothing, and leads to where the reason goes.
    here = page.url
    page.keyboard.press("s")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.press("Escape")
    heading = page.locator("#h-pair").inner_text()
    with page.expect_navigation():
        page.keyboard.press("v")
    assert page.locator("#h-shown").is_visible()
    visitor.picture(page)
    with page.expect_navigation():
        page.keyboard.press("k")
    assert page.url != here
    assert page.locator("#h-pair").inner_text() != heading
    assert len(review(site.city.linkage_office, LINKAGE, limit=1_000)) == queued - 6


def test_single_keys_can_be_switched_off_for_good_and_leave_shortcuts_alone(
    visit: Any, linked: Site
) -> None:
    visitor = visit(linked)
    page = sign_in(visitor, "guo", f"{PATH}/review")
    here, switch = page.url, page.get_by_label("单键操作")
    assert switch.is_checked()
    assert page.locator("button.same kbd").is_visible()
    # The browser's own shortcuts are nobody else's.
    for keys in ("Control+k", "Alt+k", "Meta+k"):
        page.keyboard.press(keys)
    switch.press("Space")
    assert not page.locator("button.same kbd").is_visible()
    page.evaluate("document.activeElement.blur()")
    for key in "rk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.body")
    page.reload()
    assert not switch.is_checked()
    page.keyboard.press("k")
    assert page.url == here
    switch.press("Space")
    page.reload()
    with page.expect_navigation():
        page.keyboard.press("k")
    assert page.url != here


def test_pairs_are_reviewed_without_a_script(visit: Any, linked: Site) -> None:
    visitor = visit(linked, java_script_enabled=False)
    page = sign_in(visitor, "guo", f"{PATH}/review")
    assert not page.get_by_text("单键操作").is_visible()
    assert page.locator(".again:visible").count() == 0
    first = page.locator("#h-pair").inner_text()
    page.get_by_label("依据", exact=True).fill("没有脚本")
    page.get_by_role("button", name="说不清", exact=True).click()
    page.wait_for_url("**after=*")
    assert [d.reason for d in _said(linked, first) if d.by == "guo"] == ["没有脚本"]
    page.goto(f"{linked.root}{PATH}")
    page.get_by_role("button", name="训练新模型").click()
    page.get_by_role("link", name="刷新").click()
    assert page.get_by_text("等待中，由 guo 提出。").is_visible()
    assert linked.city.link() == 1
    page.get_by_role("link", name="刷新").click()
    assert page.get_by_role("link", name="刷新").count() == 0
    assert page.locator("#model-3").is_visible()


def test_a_manager_trains_accepts_and_runs_and_the_page_follows(
    visit: Any, make_site: Callable[..., Site]
) -> None:
    site = make_site(linked=False)
    visitor = visit(site)
    page = sign_in(visitor, "guo", PATH)
    listed = visitor.open("/linkages")
    page.get_by_role("button", name="训练新模型").click()
    page.wait_for_url("**#work-1")
    assert page.get_by_text("训练（作业 1）等待中").is_visible()
    visitor.picture(page)
    listed.get_by_text("等待中").wait_for(timeout=WAIT_MS)
    said = page.locator("#news")
    assert said.inner_text() == ""
    assert site.city.link() == 1
    # Nobody loads anything: both pages follow, and it is said to who does not look.
    page.get_by_text("训练（作业 1）已完成。").first.wait_for(timeout=WAIT_MS)
    assert "训练（作业 1）已完成。" in said.inner_text()
    assert page.locator("#model-1").is_visible()
    listed.get_by_text("待采用").wait_for(timeout=WAIT_MS)
    visitor.picture(page)
    page.locator("#lacking-1 summary").click()
    visitor.picture(page)
    page.get_by_role("button", name="采用模型 1").click()
    page.wait_for_url("**#model-1")
    page.get_by_role("button", name="运行关联").click()
    page.wait_for_url("**#work-2")
    # What somebody opened stays open while the page follows.
    page.locator("#stands-1 summary").click()
    page.evaluate("document.activeElement.blur()")
    assert site.city.link() == 1
    page.locator("#run-1").wait_for(timeout=WAIT_MS)
    assert page.locator("#stands-1").get_attribute("open") is not None
    assert page.locator("#lacking-1").get_attribute("open") is None
    visitor.picture(page)
