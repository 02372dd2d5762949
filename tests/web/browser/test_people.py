"""What people with accounts do here: a citizen on a phone, an administrator, a duty officer."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser
PASSWORD = "four words nobody said"  # noqa: S105  (of these tests)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def sign_in(visitor: Any, name: str, path: str) -> Any:
    page = visitor.open(path)
    if "/sign-in" not in page.url:
        page.goto(f"{visitor.site.root}/sign-in?back={path}")
    page.get_by_label("账号", exact=True).fill(name)
    page.get_by_label("口令", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(f"**{path}")
    return page


def test_a_citizen_asks_for_a_service_on_a_phone(visit: Any, served: Any) -> None:
    visitor = visit(served, **PHONE)
    page = sign_in(visitor, "li.na", "/services")
    visitor.picture(page)
    page.get_by_role("link", name="临时通行证").click()
    assert page.get_by_text("1980-02-01").is_visible()
    page.get_by_label("天数").fill("three")
    page.get_by_label("事由").fill("搬家")
    page.get_by_role("button", name="提交").click()
    visitor.picture(page)
    assert page.get_by_label("天数").get_attribute("aria-invalid") == "true"
    assert page.get_by_label("事由").input_value() == "搬家"
    # The browser reports that the form was refused.
    assert all("422" in each for each in visitor.complaints)
    visitor.complaints.clear()
    page.get_by_label("天数").fill("3")
    page.get_by_label("信息正确").check()
    page.get_by_role("button", name="提交").click()
    page.wait_for_url("**/my/requests/*")
    assert page.get_by_role("listitem").filter(has_text="已收件").is_visible()
    visitor.picture(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]


def test_a_citizen_sees_their_own_matters_and_no_others(visit: Any, served: Any) -> None:
    visitor = visit(served, **PHONE)
    page = sign_in(visitor, "wang.wu", "/my")
    assert page.get_by_text("您还没有提交过申请").is_visible()
    assert page.get_by_text("没有单位取用过您的数据").is_visible()
    visitor.picture(page)


def test_an_administrator_makes_an_account(visit: Any, served: Any) -> None:
    visitor = visit(served)
    page = sign_in(visitor, "admin", "/accounts")
    visitor.picture(page)
    assert page.get_by_role("link", name="li.na").is_visible()


def test_a_duty_officer_signs_in_and_meets_the_cases(visit: Any, served: Any) -> None:
    visitor = visit(served)
    page = sign_in(visitor, "chen", "/cases")
    assert page.get_by_role("link", name="Chen").is_visible()
    visitor.picture(page)
    page.goto(f"{served.root}/account")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/sign-in*")
    page.goto(f"{served.root}/cases")
    assert "/sign-in" in page.url
