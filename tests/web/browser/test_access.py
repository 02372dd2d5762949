"""Each page by the rules of WCAG 2.2 A and AA (axe), on a phone, on paper, and by its weight."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser
PAGES = (
    "/", "/catalogue?q=扬尘", "/datasets/dust", "/worst-rows/dust", "/cases?state=all",
    "/cases/board", "/cases/1", "/cases/3", "/warnings", "/rules", "/rules/dust_high",
    "/indicators", "/indicators/case_loop.closing_rate", "/evaluation", "/audit", "/audit/verify",
    "/audit/entries/0", "/sources", "/sources/dust_files", "/packs", "/packs/hotline",
    "/operations", "/operations/east", "/nothing", "/applications", "/applications/2",
    "/agreements", "/agreements/1", "/objections", "/doubts", "/forms", "/duties",
    "/tracings", "/tracings/1", "/tracings/2",
)  # fmt: skip
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


IN_ENGLISH = ("/", "/cases/1", "/operations")


@pytest.mark.parametrize(
    ("path", "language"),
    [*((path, "zh-CN") for path in PAGES), *((path, "en-GB") for path in IN_ENGLISH)],
)
def test_axe_finds_nothing(visit: Any, path: str, language: str) -> None:
    visitor = visit(locale=language)
    told = violations(visitor.open(path))
    visitor.complaints.clear()
    assert told == []


def violations(page: Any) -> list[tuple[Any, ...]]:
    """Return what axe finds on a page with all of it open."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    options = {"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]}
    found = axe.run(page, options=options).response["violations"]
    return [(v["id"], n["target"], n["failureSummary"]) for v in found for n in v["nodes"]]


def test_pages_fit_a_phone(visit: Any) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, is_mobile=True)
    for path in PAGES:
        page = visitor.open(path)
        if path in ("/", "/cases/1", "/catalogue?q=扬尘", "/operations"):
            visitor.picture(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 391, (path, wide)
        page.close()
    visitor.complaints.clear()


def test_a_league_and_the_figures_behind_it(visit: Any) -> None:
    visitor = visit()
    page = visitor.open("/evaluation")
    page.locator("tbody th a").first.click()
    visitor.picture(page)
    page.locator("tbody td a").first.click()
    assert page.get_by_role("heading", level=1).count() == 1
    visitor.picture(page)


def test_every_other_page_has_its_picture(visit: Any) -> None:
    visitor = visit()
    for path in PAGES:
        page = visitor.open(path)
        page.wait_for_timeout(100)
        visitor.picture(page, whole="operations" not in path)
        page.close()
    visitor.complaints.clear()


def test_a_printed_page_has_no_navigation(visit: Any) -> None:
    visitor = visit()
    page = visitor.open("/cases/1")
    page.emulate_media(media="print")
    assert not page.locator(".side").is_visible()
    assert page.locator(".history").is_visible()
    visitor.picture(page)


@pytest.mark.parametrize(("path", "most"), [("/", 100_000), ("/operations", 600_000)])
def test_what_a_browser_loads_is_light(visit: Any, path: str, most: int) -> None:
    visitor = visit()
    page = visitor.context.new_page()
    sizes: list[int] = []

    def weigh(request: Any) -> None:
        sizes.append(request.sizes()["responseBodySize"])

    page.on("requestfinished", weigh)
    page.goto(visitor.site.root + path, wait_until="load")
    page.wait_for_timeout(500)
    assert 1_000 < sum(sizes) <= most
