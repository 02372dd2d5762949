"""The page of a data set says for how long its contract promises to keep rows."""

from __future__ import annotations

from fastapi.testclient import TestClient

from shuzhi.app import City
from shuzhi.web.serving import make_app


def test_the_promised_time_of_keeping_is_shown_where_there_is_one(city: City) -> None:
    with TestClient(make_app(city), "http://127.0.0.1", headers={"Accept": "text/html"}) as reader:
        promised = reader.get("/datasets/dust").text
        silent = reader.get("/datasets/dust_by_station").text
    assert "<dt>保存期限</dt><dd>5 年</dd>" in promised
    assert "保存期限" not in silent
