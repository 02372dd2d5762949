"""A clerk verifies what somebody says at the window, and a list of people, wide and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..verified import LI, ZHANG, verified_city
from .conftest import Site
from .test_access import violations
from .test_people import PHONE, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(verified_city(tmp_path_factory.mktemp("window") / "city"), {"asks_login": True})
    made.start()
    yield made
    made.stop()


def _chosen(page: Any) -> Any:
    page.get_by_role("row", name="rent_aid").get_by_role("link").click()
    return page


def _typed(page: Any) -> Any:
    page.get_by_label("对象编号").fill(ZHANG)
    page.get_by_label("姓名", exact=True).fill("张三风")
    page.get_by_label("比对方式 · 姓名").select_option("name")
    page.get_by_label("born", exact=True).fill("1990-03-07")
    page.get_by_role("button", name="核验", exact=True).click()
    return page


def test_a_clerk_verifies_one_and_a_list(visit: Any, window: Site, tmp_path: Path) -> None:
    visitor = visit(window)
    page = sign_in(visitor, "fang", "/agreements")
    page.get_by_role("link", name="核验", exact=True).click()
    visitor.picture(page)
    assert violations(_chosen(page)) == []
    visitor.picture(page)
    answer = _typed(page).get_by_role("heading", name="答复")
    assert "不一致" in answer.inner_text()
    assert page.get_by_text("不能确认：不一致，或没有登记。").is_visible()
    assert ZHANG not in page.url
    assert violations(page) == []
    visitor.picture(page)
    page.reload()
    assert page.get_by_text("不能确认：不一致，或没有登记。").is_visible()
    listed = tmp_path / "list.csv"
    listed.write_text(
        f"subject,name:name,born\n{ZHANG},张三丰,1990-03-07\n{LI},李四,then\n", "utf-8"
    )
    page.get_by_label("CSV 文件").set_input_files(listed)
    page.get_by_role("button", name="核验这批").click()
    page.get_by_role("heading", name="没有核验的行").wait_for()
    assert violations(page) == []
    visitor.picture(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="下载答复").click()
    rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert [row.split(",")[:3] for row in rows[1:]] == [["2", ZHANG, "yes"], ["3", LI, ""]]


def test_the_page_fits_a_phone_and_says_what_is_wrong(visit: Any, window: Site) -> None:
    visitor = visit(window, **PHONE)
    page = _chosen(sign_in(visitor, "fang", "/verify"))
    _typed(page)
    visitor.picture(page)
    _fits(page)
    page.get_by_label("对象编号").fill(ZHANG)
    page.get_by_role("button", name="核验", exact=True).click()
    assert page.get_by_role("alert").is_visible()
    assert page.get_by_label("姓名", exact=True).get_attribute("aria-invalid") == "true"
    assert page.get_by_label("对象编号").input_value() == ZHANG
    visitor.picture(page)
    _fits(page)
    visitor.complaints.clear()


def _fits(page: Any) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["viewport"]["width"], wide
