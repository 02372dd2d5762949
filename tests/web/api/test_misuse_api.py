"""Misuse of verification over the interface: who sees it, what was done, and lifting it once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shuzhi.share.verification import Action, Kind, usual

from ..overseeing import suspect
from .conftest import Program, Town
from .test_deliveries import refusal

As = Callable[[str], Program]


@pytest.fixture(scope="module")
def found(town: Town) -> list[int]:
    """Two findings, the newest first."""
    first = suspect(town.city, Kind.GUESSING, Action.SUSPEND, subject=(1, 2))
    return [suspect(town.city, Kind.ENUMERATION, Action.SLOW), first]


def test_misuse_is_for_who_manages_sharing_for_the_city(as_: As, found: list[int]) -> None:
    for who, status in (("", 401), ("li", 403), ("gao", 403), ("chen", 200)):
        assert as_(who).get("/misuse/findings").status_code == status, who
        assert as_(who).get("/misuse/limits").status_code == status, who
    for who, status in (("", 401), ("li", 403), ("gao", 403)):
        lifting = as_(who).post(f"/misuse/findings/{found[0]}/liftings", {})
        assert lifting.status_code == status, who
    (newest, *_) = as_("chen").get("/misuse/findings").json()["items"]
    assert newest["lifted_at"] is None


def test_findings_stand_with_what_was_done_and_their_case(as_: As, found: list[int]) -> None:
    chen = as_("chen")
    newest, first = chen.get("/misuse/findings", params={"limit": 2}).json()["items"]
    assert [newest["id"], first["id"]] == found
    assert (first["kind"], first["action"], first["is_of_one"]) == ("guessing", "suspend", True)
    assert (newest["kind"], newest["is_of_one"], newest["stands"]) == ("enumeration", False, True)
    assert (first["agreement"], first["receiver"], first["asker"]) == (1, "west", "zhao")
    case = chen.get(f"/cases/{first['case']}").json()
    assert case["kind"] == "verification_misuse"
    assert case["title_en"].startswith("Verification looks like fishing")
    # Of whom a question was, nobody learns from it.
    assert "subject" not in first


def test_findings_are_listed_page_by_page(as_: As, found: list[int]) -> None:
    chen = as_("chen")
    page = chen.get("/misuse/findings", params={"limit": 1})
    assert [one["id"] for one in page.json()["items"]] == found[:1]
    asked = {"limit": 1, "cursor": page.json()["next"]}
    assert chen.get("/misuse/findings", params=asked).json()["items"][0]["id"] == found[1]
    assert chen.get("/misuse/findings", params={"agreement": 99}).json()["items"] == []


def test_a_finding_is_lifted_once_and_stands_no_more(as_: As, found: list[int]) -> None:
    chen, path = as_("chen"), f"/misuse/findings/{found[1]}/liftings"
    done = chen.post(path, {}).json()
    assert (done["id"], done["stands"], done["lifted_by"]) == (found[1], False, "chen")
    assert chen.post(path, {}).json() == done
    standing = chen.get("/misuse/findings", params={"standing": True}).json()["items"]
    numbers = [one["id"] for one in standing]
    assert found[0] in numbers
    assert found[1] not in numbers
    unknown = chen.post("/misuse/findings/99999/liftings", {})
    assert refusal(unknown) == (404, "share.finding_unknown")


def test_the_limits_in_force_say_what_nobody_verified(as_: As) -> None:
    told, known = as_("chen").get("/misuse/limits").json(), usual()
    assert (told["source"], told["is_verified"]) == (known.source, known.verified)
    assert told["limits"] == known.limits.model_dump(mode="json")
    assert told["agreements"] == {}
