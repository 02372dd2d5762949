"""Cases through the interface: lists, the whole life of one, two officers, evidence."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shuzhi.act.cases import CaseId, case

from .conftest import Program, Town

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
_RAW = {"Content-Type": "application/octet-stream"}


def opened(program: Program, **more: Any) -> int:
    given = {"kind": "city_event", "severity": "ordinary", "title": "占道", "responsible": "west"}
    answer = program.post("/cases", {**given, **more})
    assert answer.status_code == 201, answer.text
    number = answer.json()["case"]
    assert answer.headers["location"] == f"/api/v1/cases/{number}"
    return int(number)


def test_pages_of_cases_hold_each_case_once(as_: Callable[[str], Program]) -> None:
    chen = as_("chen")
    whole = [c["id"] for c in chen.get("/cases?state=all&limit=200").json()["items"]]
    found, path = [], "/cases?state=all&limit=3"
    while path:
        answer = chen.get(path)
        found += [c["id"] for c in answer.json()["items"]]
        link = answer.headers.get("link")
        assert (link is None) == (answer.json()["next"] is None)
        path = link.partition(">")[0].removeprefix("</api/v1") if link else ""
    assert found == whole == sorted(whole, reverse=True)
    assert len(whole) > 6


def test_a_cursor_belongs_to_its_list(as_: Callable[[str], Program]) -> None:
    chen = as_("chen")
    cursor = chen.get("/cases?limit=1").json()["next"]
    assert chen.get("/cases", params={"cursor": cursor}).status_code == 200
    for path, wrong in (("/catalogue", cursor), ("/cases", "bm90aGluZw"), ("/cases", "WzEsMl0")):
        answer = chen.get(path, params={"cursor": wrong})
        assert (answer.status_code, answer.json()["type"]) == (
            400,
            "urn:shuzhi:error:web.bad_cursor",
        )


def test_a_case_goes_through_its_whole_life(as_: Callable[[str], Program], town: Town) -> None:
    chen, li, gao = as_("chen"), as_("li"), as_("gao")
    number = opened(chen)
    assert chen.act(number, "verify").json()["stage"] == "VERIFIED"
    assert chen.act(number, "file").json()["stage"] == "FILED"
    sent = chen.act(number, "dispatch", orders=[{"party": "west", "is_lead": True}])
    assert (sent.json()["stage"], sent.json()["lead"]) == ("DISPATCHED", "west")
    assert li.act(number, "take").json()["stage"] == "IN_HAND"
    path = f"/cases/{number}/evidence"
    file = li.post(path, content=_PNG, params={"name": "after.png"}, headers=_RAW)
    assert (file.status_code, file.json()["kind"]) == (201, "photo")
    named = {"sha256": file.json()["sha256"], "name": "after.png"}
    assert li.act(number, "feed_back", evidence=[named]).json()["stage"] == "FED_BACK"
    assert gao.act(number, "check").json()["stage"] == "CHECKED"
    done = chen.act(number, "close")
    assert (done.json()["stage"], done.json()["is_open"]) == ("CLOSED", False)
    raw = chen.get(f"{path}/{named['sha256']}")
    assert (raw.content, raw.headers["content-type"]) == (_PNG, "image/png")
    assert [s.by for s in case(town.city.office, CaseId(number)).steps if s.party == "west"] == [
        "li",
        "li",
    ]


def test_what_was_done_stands_in_the_audit_log(as_: Callable[[str], Program], town: Town) -> None:
    number = opened(as_("chen"))
    step = case(town.city.office, CaseId(number)).steps[0]
    (entry,) = town.city.find_entries(f"case:{number}", step.at, step.at)
    assert entry.content is not None
    assert (entry.content["kind"], entry.content["by"]) == ("case.opened", "chen")


def test_of_two_officers_the_second_is_told_what_the_first_did(
    as_: Callable[[str], Program],
) -> None:
    chen, gao = as_("chen"), as_("gao")
    number = opened(chen)
    seen = {"If-Match": gao.get(f"/cases/{number}").headers["etag"]}
    chen.act(number, "verify")
    late = gao.post(f"/cases/{number}/acts", {"verb": "file"}, headers=seen)
    assert (late.status_code, late.json()["type"]) == (
        412,
        "urn:shuzhi:error:act.changed_meanwhile",
    )
    assert "verify by chen" in late.json()["detail"]


def test_of_two_acts_at_once_one_is_done(as_: Callable[[str], Program]) -> None:
    chen = as_("chen")
    number = opened(chen)
    seen = {"If-Match": chen.get(f"/cases/{number}").headers["etag"]}

    def verify(_: int) -> int:
        given = {"verb": "verify"}
        return chen.post(f"/cases/{number}/acts", given, headers=seen).status_code

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(verify, range(2))) == [200, 412]
    steps = chen.get(f"/cases/{number}").json()["steps"]
    assert [step["verb"] for step in steps] == ["open", "verify"]


def test_an_act_has_to_say_what_was_seen(as_: Callable[[str], Program]) -> None:
    chen = as_("chen")
    number = opened(chen)
    wrong = ((None, 428), ("*", 422), ('W/"1"', 422), ('"x"', 422), ('"7"', 412))
    for seen, status in wrong:
        headers = {} if seen is None else {"If-Match": seen}
        answer = chen.post(f"/cases/{number}/acts", {"verb": "verify"}, headers=headers)
        assert answer.status_code == status, seen


@pytest.mark.parametrize(
    ("name", "verb", "more", "code"),
    [
        ("li", "verify", {}, "act.not_your_role"),
        ("li", "verify", {"party": "east"}, "web.not_allowed"),
        ("zhou", "verify", {}, "act.no_such_case"),
        ("chen", "verify", {"person": "gao"}, "web.speaks_for_itself"),
        ("chen", "close", {}, "act.wrong_stage"),
    ],
)
def test_who_may_not_is_told_why(
    as_: Callable[[str], Program], name: str, verb: str, more: dict[str, str], code: str
) -> None:
    number = opened(as_("chen"))
    seen = {"If-Match": '"1"'}
    answer = as_(name).post(f"/cases/{number}/acts", {"verb": verb, **more}, headers=seen)
    assert answer.json()["type"] == f"urn:shuzhi:error:{code}"


def test_who_only_reports_sees_no_case(as_: Callable[[str], Program]) -> None:
    zhou = as_("zhou")
    number = opened(zhou, responsible="west")
    seen = {"If-Match": '"1"'}
    rated = zhou.post(f"/cases/{number}/acts", {"verb": "rate", "stars": 5}, headers=seen)
    assert (zhou.get(f"/cases/{number}").status_code, rated.status_code) == (403, 404)


def test_evidence_has_to_be_uploaded_and_bounded(as_: Callable[[str], Program]) -> None:
    li, number = as_("li"), opened(as_("chen"))
    path = f"/cases/{number}/evidence"

    def sent(raw: bytes, name: str, headers: dict[str, str]) -> int:
        params = {"name": name}
        return li.post(path, content=raw, params=params, headers=headers).status_code

    assert sent(_PNG, "a.png", {"Content-Type": "image/png"}) == 415
    assert sent(b"", "a.png", _RAW) == 422
    assert sent(b"MZ", "a.exe", _RAW) == 422
    assert sent(bytes(20_000_001), "a.png", _RAW) == 413
    named = {"verb": "feed_back", "evidence": [{"sha256": "0" * 64, "name": "a.png"}]}
    answer = li.post(f"/cases/{number}/acts", named, headers={"If-Match": '"1"'})
    assert answer.json()["type"] == "urn:shuzhi:error:web.no_evidence"
    assert li.get(f"{path}/{'0' * 64}").status_code == 404
