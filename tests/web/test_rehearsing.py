"""Rehearsing a rule on its page: who may, what differs, and what was typed stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shuzhi.app import City

from .entering import Enter, entering


@pytest.fixture(scope="module")
def town(serve: Callable[[Path], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    return serve(tmp_path_factory.mktemp("rehearsing") / "city")


@pytest.fixture(scope="module")
def enter(town: City) -> Iterator[Enter]:
    with entering(town) as visitor:
        yield visitor


def test_a_rule_with_another_limit_raises_other_warnings(town: City, enter: Enter) -> None:
    analyst = enter("clerk")
    assert "/rules/dust_high/rehearse" in analyst.get("/rules/dust_high").text
    year = town.clock().year
    span = f"start={year}-03-01&end={year}-03-05"
    page = analyst.get(f"/rules/dust_high/rehearse?{span}&value_most=200")
    assert page.status_code == 200
    assert f'<th scope="row">{year}-03-02</th>' in page.text
    present, other = (
        int(page.text.partition(f'"name">{name}</span> <strong>')[2].partition("<")[0])
        for name in ("as it is", "as it would be")
    )
    assert present > other > 0


def test_what_cannot_be_rehearsed_is_refused_and_kept(enter: Enter) -> None:
    analyst = enter("clerk")
    bad = analyst.get(
        "/rules/dust_high/rehearse?start=2026-03-05&end=2026-03-01&value_most=%3Cb%3E"
    )
    assert bad.status_code == 422
    assert 'aria-describedby="end-error"' in bad.text
    assert "&lt;b&gt;" in bad.text
    same = analyst.get("/rules/dust_high/rehearse?start=2026-03-01&end=2026-03-05")
    assert "No value was changed." in same.text


def test_who_may_not_rehearse_gets_no_link_and_is_refused(enter: Enter) -> None:
    officer = enter("chen")
    assert "rehearse" not in officer.get("/rules/dust_high").text
    assert officer.get("/rules/dust_high/rehearse").status_code == 403
