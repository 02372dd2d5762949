"""What people do here, done in a browser: each way from its beginning to its end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shuzhi.act.cases import CaseRole, Report, open_case
from shuzhi.act.cases.model import Actor
from shuzhi.kernel.ids import PartyId

pytestmark = pytest.mark.browser
WAIT_MS = 20_000


def report(site: Any, title: str, severity: str = "ordinary") -> int:
    """Let somebody call the hotline."""
    caller = Actor("caller", PartyId("hotline_centre"), frozenset({CaseRole.REPORTER}))
    said = Report("city_event", severity, caller, PartyId("west"), title, title)
    return int(open_case(site.city.office, said).case_id)


def fill(page: Any, verb: str, **typed: str) -> None:
    """Open the form of a verb and fill it in."""
    form = page.locator(f"details.act:has(input[value='{verb}'])")
    form.evaluate("each => { each.open = true; }")
    for name, value in typed.items():
        place = form.locator(f"[name='{name}']")
        if place.evaluate("each => each.tagName") == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)


def send(page: Any, verb: str) -> None:
    page.locator(f"details.act:has(input[value='{verb}']) button").click()


DESK = {"person": "chen", "party": "hotline_centre", "role": "desk"}


def test_an_analyst_finds_a_data_set_and_sees_where_it_comes_from(visit: Any) -> None:
    visitor = visit()
    page = visitor.open("/")
    visitor.picture(page)
    page.get_by_role("searchbox", name="搜索数据目录").fill("扬尘")
    page.keyboard.press("Enter")
    page.get_by_label("生态环境").check()
    page.get_by_role("button", name="查找").click()
    visitor.picture(page)
    page.get_by_role("link", name="工地扬尘").click()
    lineage = page.locator("svg.lineage")
    assert lineage.locator("a", has_text="dust_by_station").count() == 1
    visitor.picture(page)
    lineage.locator("a", has_text="dust_by_station").click()
    assert page.url.endswith("/datasets/dust_by_station")


def test_a_dispatcher_sends_a_case_out_and_the_proof_of_it_holds(visit: Any, site: Any) -> None:
    number = report(site, "道路积水")
    visitor = visit()
    page = visitor.open(f"/cases/{number}")
    fill(page, "verify", **DESK)
    send(page, "verify")
    fill(page, "file", **DESK)
    send(page, "file")
    fill(page, "dispatch", person="zhou", party="hotline_centre", role="dispatcher", lead="west")
    send(page, "dispatch")
    assert page.locator("svg.way text.now").text_content() == "派遣"
    visitor.picture(page)
    page.locator(".history a.proof").last.click()
    page.locator("#proved.good").wait_for(timeout=WAIT_MS)
    visitor.picture(page)
    page.get_by_role("link", name="审计日志").click()
    page.get_by_role("link", name="校验全部日志").click()
    assert "完整" in page.locator(".verdict").inner_text()
    visitor.picture(page)


def test_two_officers_at_one_case_meet_a_clear_conflict(visit: Any, site: Any) -> None:
    number = report(site, "噪声扰民")
    first, second = visit(), visit()
    one, two = first.open(f"/cases/{number}"), second.open(f"/cases/{number}")
    fill(two, "verify", **DESK | {"person": "liu"}, text="现场属实，已拍照")
    fill(one, "verify", **DESK)
    send(one, "verify")
    send(two, "verify")
    refusal = two.get_by_role("alert")
    assert "未保存" in refusal.inner_text()
    assert "chen" in refusal.inner_text()
    assert two.evaluate("document.activeElement.id") == "refusal"
    second.picture(two)
    # The browser tells of the answer's status, as it should: 409.
    assert [c for c in second.complaints if "409" in c]
    second.complaints.clear()


def test_a_form_refused_says_so_at_its_field_and_keeps_what_was_typed(
    visit: Any, site: Any
) -> None:
    number = report(site, "路灯损坏")
    visitor = visit()
    page = visitor.open(f"/cases/{number}")
    fill(page, "verify", person="chen", role="desk", text="一段很长的说明")
    send(page, "verify")
    assert page.locator("#verify-party-error").inner_text() == "请选择单位。"
    assert page.locator("#verify-text").input_value() == "一段很长的说明"
    assert page.locator("#verify-party").get_attribute("aria-invalid") == "true"
    visitor.picture(page)
    visitor.complaints.clear()


def test_a_new_case_opens_before_the_eyes_of_who_looks_on(visit: Any, site: Any) -> None:
    visitor = visit()
    board, listed = visitor.open("/cases/board"), visitor.open("/cases")
    listed.wait_for_timeout(2_500)
    report(site, "树木倒伏")
    board.get_by_role("link", name="树木倒伏").wait_for(timeout=WAIT_MS)
    listed.get_by_role("link", name="树木倒伏").wait_for(timeout=WAIT_MS)
    visitor.picture(board)
    visitor.picture(listed)


def test_all_tabs_of_a_browser_share_one_stream(visit: Any, site: Any) -> None:
    visitor = visit()
    for path in ("/", "/cases", "/cases/board", "/warnings"):
        visitor.open(path).wait_for_timeout(500)
    channels = site_live(site)
    assert len(channels["pulse"]._listeners) == 1


def site_live(site: Any) -> Any:
    return site._server.config.app.state.site.live._channels


def test_the_operations_centre_shows_a_case_that_comes_in(visit: Any, site: Any) -> None:
    visitor = visit(viewport={"width": 1920, "height": 1080})
    page = visitor.open("/operations")
    before = page.locator("#clocks .sum strong").first.inner_text()
    page.wait_for_timeout(2_500)
    report(site, "燃气泄漏", "critical")
    page.wait_for_function(
        "text => document.querySelector('#clocks .sum strong').textContent !== text", arg=before
    )
    assert page.get_by_text("模拟", exact=True).count() == 1
    assert "示意图" in page.locator("#map").inner_text()
    visitor.picture(page, whole=False)
    page.locator("svg.hexagons a", has_text="西城区").click()
    assert page.get_by_role("heading", level=1).inner_text().endswith("西城区")
    visitor.picture(page, whole=False)


def test_a_connection_that_is_lost_shows_itself_and_comes_back(visit: Any, site: Any) -> None:
    visitor = visit()
    page = visitor.open("/cases/board")
    page.wait_for_timeout(1_500)
    site.stop()
    page.get_by_text("连接已断开").wait_for(timeout=WAIT_MS)
    visitor.picture(page)
    site.start()
    page.get_by_text("连接已恢复").wait_for(timeout=WAIT_MS)
    report(site, "恢复之后")
    page.get_by_role("link", name="恢复之后").wait_for(timeout=WAIT_MS)
    visitor.complaints.clear()


def test_everything_that_is_a_form_or_a_list_works_without_a_script(visit: Any, site: Any) -> None:
    number = report(site, "无脚本")
    visitor = visit(java_script_enabled=False)
    page = visitor.open("/catalogue")
    page.locator("#q").fill("扬尘")
    page.get_by_role("button", name="查找").click()
    assert page.get_by_role("link", name="工地扬尘").count() == 1
    page.get_by_role("link", name="English").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Catalogue")
    page.goto(f"{site.root}/cases/{number}")
    form = page.locator("details.act:has(input[value='verify'])")
    form.locator("summary").click()
    form.locator("[name='person']").fill("chen")
    form.locator("[name='party']").select_option("hotline_centre")
    form.get_by_role("button").click()
    assert page.locator(".chip.strong").inner_text() == "verified"
    visitor.picture(page)


def test_the_keyboard_alone_leads_everywhere(visit: Any) -> None:
    visitor = visit()
    page = visitor.open("/cases")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "state"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("state=open"))
    outline = page.evaluate(
        "document.querySelector('a.brand').focus({focusVisible: true}),"
        "getComputedStyle(document.querySelector('a.brand')).outlineStyle"
    )
    assert outline == "solid"
