"""What nobody should send: refused with what is wrong, and never a failure of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Program

NEW = {"kind": "city_event", "severity": "ordinary", "title": "路灯"}
_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b'{"kind": "\xff"}', 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b"[" * 200_000, 400),
        (b'{"kind": ' * 100_000, 400),
        (b'{"stars": 1' + b"0" * 5_000 + b"}", 400),
        (b" " * 1_000_001, 413),
    ],
)
def test_bodies_that_cannot_be_read(as_: Callable[[str], Program], raw: bytes, status: int) -> None:
    answer = as_("chen").post("/cases", content=raw, headers=_JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "a\x00b"), ("title", "\ud800"), ("title", 7), ("title", "x" * 501),
        ("kind", "City Event"), ("kind", ""), ("kind", None), ("colour", "red"),
        ("due", {"a\x00": "2026-01-01T00:00:00Z"}), ("due", {"close": "soon"}),
        ("due", {"close": "2026-01-01T00:00:00"}), ("due", []), ("merge_key", ""),
        ("person", "x" * 121), ("party", "../east"), ("responsible", "a b"),
    ],
)  # fmt: skip
def test_a_fault_of_a_field_is_told_by_the_field(
    as_: Callable[[str], Program], field: str, value: Any
) -> None:
    raw = json.dumps({**NEW, field: value}).encode()
    answer = as_("chen").post("/cases", content=raw, headers=_JSON)
    assert answer.status_code == 422
    assert any(e["pointer"].startswith(f"/{field}") for e in answer.json()["errors"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("stars", 10**400), ("stars", 1e300), ("stars", "5"), ("stars", True), ("into", 2**63),
     ("into", -1), ("is_good", "yes"), ("is_good", 1), ("orders", [{}]), ("verb", "break_clock"),
     ("evidence", [{"sha256": "../../etc/passwd", "name": "a.png"}])],
)  # fmt: skip
def test_numbers_and_words_are_what_they_have_to_be(
    as_: Callable[[str], Program], field: str, value: Any
) -> None:
    raw = json.dumps({"verb": "rate", field: value}).encode()
    headers = {**_JSON, "If-Match": '"1"'}
    answer = as_("chen").post("/cases/1/acts", content=raw, headers=headers)
    assert answer.status_code == 422
    assert any(e["pointer"].startswith(f"/{field}") for e in answer.json()["errors"])


@pytest.mark.parametrize(
    "path",
    [
        "/cases/0", "/cases/-1", "/cases/9223372036854775808", "/cases/1e3", "/cases/%00",
        "/cases?limit=0", "/cases?limit=201", "/cases?limit=x", "/cases?party=%00",
        "/cases?state=none", "/cases?cursor=%20", "/cases?kind=Ä", "/catalogue?q=a%00b",
        "/catalogue?facet=none:x", "/catalogue?facet=theme", "/catalogue?sort=none",
        "/catalogue/entries/%00", "/datasets/%00", "/datasets/dust/lineage?depth=0",
        "/datasets/dust/lineage?column=%27", "/warnings?since=2026-01-01T00:00:00",
        "/warnings?since=-1", "/stations/%20", "/indicators/%22", "/audit/entries/-1",
        "/evaluation/case_handling/x/scores", "/applications?is_open=perhaps",
    ],
)  # fmt: skip
def test_addresses_that_lead_nowhere(as_: Callable[[str], Program], path: str) -> None:
    answer = as_("chen").get(path)
    assert answer.status_code == 422
    assert answer.json()["errors"], answer.json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none", 404), ("GET", "/", 404), ("GET", "/cases/", 404),
        ("DELETE", "/cases", 405), ("PATCH", "/cases/1", 405), ("PUT", "/cases", 405),
        ("GET", "/evaluation/case_handling/2026-13/scores", 404),
        ("GET", "/evaluation/case_handling/1999-01/scores", 404),
        ("GET", "/datasets/dust/lineage?column=none", 404),
        ("GET", "/indicators/case_loop.closing_rate/behind?group=none", 404),
        ("GET", "/evaluation/case_handling/2026-03/scores/east/none", 404),
        ("GET", "/evaluation/case_handling/2026-03/scores/none/closing_rate", 404),
    ],
)  # fmt: skip
def test_what_is_not_there(
    as_: Callable[[str], Program], method: str, path: str, status: int
) -> None:
    chen = as_("chen")
    answer = chen.client.request(
        method, f"/api/v1{path}", headers={"Authorization": f"Bearer {chen.key}"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert answer.json()["status"] == status


def test_a_wrong_method_is_told_which_there_are(as_: Callable[[str], Program]) -> None:
    for path, methods in (("/cases", "GET, POST"), ("/cases/1/acts", "POST"), ("/status", "GET")):
        answer = as_("chen").client.request("QUERY", f"/api/v1{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
