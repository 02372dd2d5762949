"""What who manages sharing does here: deliveries with their proofs, misuse, other staffing."""

from __future__ import annotations

from typing import Any

import pytest

from .test_access import violations
from .test_people import PHONE, sign_in

pytestmark = pytest.mark.browser
WAIT_MS = 20_000


def _staffing(site: Any) -> str:
    year = site.city.clock().year
    return f"/staffing?start={year}-03-01&end={year}-04-01&people_west=0"


def _pages(site: Any) -> tuple[str, ...]:
    return ("/receipts", "/receipts/1", "/verification", "/staffing", _staffing(site))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_on_what_managers_see(visit: Any, overseen: Any, language: str) -> None:
    visitor = visit(overseen)
    page = sign_in(visitor, "guo", "/receipts")
    page.goto(f"{overseen.root}/language/{language}?back=/receipts")
    for path in _pages(overseen):
        page.goto(overseen.root + path)
        assert (page.locator("html").get_attribute("lang") or "").startswith(language)
        assert violations(page) == [], path
        visitor.picture(page)
    visitor.complaints.clear()


def test_what_managers_see_fits_a_phone(visit: Any, overseen: Any) -> None:
    visitor = visit(overseen, **PHONE)
    page = sign_in(visitor, "guo", "/receipts")
    for path in _pages(overseen):
        page.goto(overseen.root + path)
        visitor.picture(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["viewport"]["width"], (path, wide)


def test_a_delivery_is_found_and_its_proof_holds(visit: Any, overseen: Any) -> None:
    visitor = visit(overseen)
    page = sign_in(visitor, "guo", "/receipts")
    page.get_by_label("接收单位").select_option("west")
    page.get_by_role("button", name="显示").click()
    page.locator("tbody th a").first.click()
    assert page.get_by_text("待答复").is_visible()
    page.get_by_role("link", name="审计条目").click()
    page.locator("#proved.good").wait_for(timeout=WAIT_MS)
    visitor.picture(page)


def test_a_manager_lifts_what_slows_an_asker(visit: Any, overseen: Any) -> None:
    visitor = visit(overseen)
    page = sign_in(visitor, "guo", "/verification")
    page.get_by_role("button", name="解除对记录 2 的限制").click()
    page.wait_for_url("**/verification?state=all#finding-2")
    assert "已解除" in page.locator("#finding-2").inner_text()
    visitor.picture(page)
    page.locator("#finding-2 a", has_text="案件").click()
    assert "核验疑似套取" in page.get_by_role("heading", level=1).inner_text()


def test_a_manager_rehearses_a_team_with_nobody_in_it(visit: Any, overseen: Any) -> None:
    visitor = visit(overseen)
    page = sign_in(visitor, "guo", "/staffing")
    year = overseen.city.clock().year
    page.get_by_label("从").fill(f"{year}-03-01")
    page.get_by_label("到（不含）").fill(f"{year}-04-01")
    page.get_by_role("button", name="推演").click()
    page.get_by_role("textbox", name="西城区").fill("0")
    page.get_by_role("button", name="推演").click()
    assert page.get_by_role("textbox", name="西城区").input_value() == "0"
    assert page.locator("svg.compared").count() == 2
    visitor.picture(page)
