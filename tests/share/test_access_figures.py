"""Figures come out the same whichever way they are counted: by rows, or by whom rows are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shuzhi.share.access import Allowed, Form, Refusal, ask, decide

CITY_KEY = b"the key of a city that is a test"
ALL = "COUNT(*) AS n, COUNT(score) AS c, SUM(kids) AS s, AVG(income) AS a"


@pytest.mark.parametrize(
    ("sql", "cells"),
    [
        (f"SELECT {ALL} FROM residents", 1),
        (f"SELECT district, {ALL} FROM residents GROUP BY district ORDER BY district", 2),
        (f"SELECT district, kids, {ALL} FROM residents GROUP BY ALL ORDER BY district, kids", 0),
        (f"SELECT kids, {ALL} FROM residents GROUP BY kids ORDER BY kids", 4),
        (f"SELECT kids, {ALL} FROM residents WHERE kids IN (1, 2, 1) GROUP BY kids ORDER BY 1", 2),
        (f"SELECT {ALL} FROM residents WHERE kids NOT IN (1, 9) AND is_active = TRUE", 1),
        (f"SELECT {ALL} FROM residents WHERE NOT kids = 1 AND district <> 'south'", 1),
        (f"SELECT {ALL} FROM residents WHERE district IN ('north', 'x') AND score IS NOT NULL", 1),
        (f"SELECT {ALL} FROM residents WHERE id IN ('r0000', 'r0001')", 0),
        (f"SELECT {ALL} FROM residents WHERE id <> 'r0000'", 0),
        ("SELECT COUNT(DISTINCT kids), SUM(DISTINCT kids), AVG(DISTINCT kids) FROM residents", 1),
        ("SELECT COUNT(DISTINCT mobile), COUNT(*), SUM(kids) FROM residents WHERE kids = 2", 1),
    ],
)
def test_who_is_in_one_row_counts_as_a_row(worlds: Any, asked: Any, sql: str, cells: int) -> None:
    form = {"form": Form.AGGREGATE, "minimum_group": 5, "budget": 9}
    rows = asked.grant("residents", rows=asked.allowed("residents").rows, **form)
    answers = [_ask(worlds, asked, replace(rows, subject=subject), sql) for subject in (None, "id")]
    assert answers[0] == answers[1]
    assert len(answers[0]) == cells


def _ask(worlds: Any, asked: Any, grant: Any, sql: str) -> Any:
    seen = decide(grant, asked.request("residents"), asked.facts("residents"), asked.masks)
    assert isinstance(seen, Allowed)
    answer = ask(worlds.lakes["A"], [seen], sql, city_key=CITY_KEY)
    return [] if isinstance(answer, Refusal) else answer.to_pylist()
