"""The description of the interface: whole, stable, and readable for people."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from shuzhi.web.api.frame.describing import operations
from shuzhi.web.pages.frame.languages import read_words
from shuzhi.web.statuses import statuses

from .conftest import OF_SESSIONS, ROOT


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{ROOT}/openapi.json").json()
    return found


def test_every_operation_says_what_it_does_and_asks(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for operation in operations(document):
        name = operation["operationId"]
        assert operation["summary"].strip(), name
        assert bool(operation["x-rights"]) == (name not in OF_SESSIONS), name
        assert set(operation["tags"]) <= tags, name
        for parameter in operation.get("parameters", ()):
            said = parameter.get("description") or parameter["schema"].get("description")
            assert said, f"{name}: {parameter['name']}"


def test_every_field_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert "__" not in name
        for field, told in schema.get("properties", {}).items():
            assert told.get("description"), f"{name}.{field}"


def test_refusals_are_problem_details_everywhere(document: dict[str, Any]) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                assert answer["content"] == problem, (operation["operationId"], status)


def test_tags_are_in_both_languages(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for tag in document["tags"]:
        assert " · " in tag["description"], tag


def test_the_page_about_it_names_every_operation(
    client: TestClient, document: dict[str, Any]
) -> None:
    page = client.get("/api", headers={"Accept": "text/html", "Accept-Language": "zh"}).text
    for path in document["paths"]:
        assert path in page
    assert "程序接口" in page
    assert "script-src 'self'" in client.get("/api").headers["content-security-policy"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refusal_is_told_in_the_language_asked_for(client: TestClient, language: str) -> None:
    answer = client.get(f"{ROOT}/cases/999999", headers={"Accept-Language": language})
    assert answer.headers["content-language"] == language
    assert answer.json()["title"] == read_words()["problem.s404"][language]


def test_every_status_of_a_refusal_has_a_title() -> None:
    assert {f"problem.s{status}" for status in statuses()} <= set(read_words())
