"""An analyst seeks the causes of an exceedance, and looks at what was found."""

from __future__ import annotations

from typing import Any

import pytest

from .test_access import violations
from .test_people import sign_in

pytestmark = pytest.mark.browser


def test_an_analyst_seeks_what_polluted_a_river(visit: Any, served: Any) -> None:
    visitor = visit(at=served)
    page = sign_in(visitor, "clerk", "/warnings")
    page.get_by_role("link", name="溯源", exact=True).click()
    page.locator("details.act summary", has_text="沿河上溯").click()
    form = page.locator("form:has(input[value='river'])")
    for name, value in (("reach", "zzz"), ("factor", "w21003"), ("value", "2.6"),
                        ("limit", "1.0"), ("at", "2026-03-02T08:00")):  # fmt: skip
        form.locator(f"[name='{name}']").fill(value)
    form.get_by_role("button").click()
    assert page.locator("#river-reach-error").inner_text() == "河网中没有这个河段。"
    assert page.locator("#river-value").input_value() == "2.6"
    visitor.picture(page)
    # The browser tells of the answer's status, as it should: 422.
    visitor.complaints.clear()
    page.locator("#river-reach").fill("out")
    page.locator("form:has(input[value='river']) button").click()
    page.locator("svg.river").wait_for()
    visitor.picture(page)
    page.locator("#mark-2").click()
    assert page.evaluate("location.hash") == "#candidate-2"
    assert page.locator("#candidate-2").evaluate("row => row.matches(':target')")
    with page.expect_download() as layer:
        page.get_by_role("link", name="下载图层（GeoJSON）").click()
    assert layer.value.suggested_filename.endswith(".geojson")
    page.goto(page.url.partition("#")[0])
    assert violations(page) == []


def test_a_printed_search_keeps_its_map_and_its_figures(visit: Any) -> None:
    visitor = visit(locale="en-GB")
    page = visitor.open("/tracings/2")
    page.emulate_media(media="print")
    assert not page.locator(".side").is_visible()
    assert page.locator("svg.rose").is_visible()
    assert page.locator("table").last.is_visible()
    visitor.picture(page)
