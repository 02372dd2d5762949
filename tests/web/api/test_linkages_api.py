"""Linkages over the interface: models, runs, the review, why a pair is one, and subjects."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete
from starlette.testclient import TestClient

from shuzhi.app.repeats import repeat_table
from shuzhi.kernel.ids import PartyId
from shuzhi.share.accounts import NewKey, Right, make_key
from shuzhi.share.linkage import Record, models
from shuzhi.share.linkage.store import insert_model, insert_run
from shuzhi.share.linkage.use_cases import subject_of
from shuzhi.share.receipts import uses_of

from .conftest import PARTS, Program, Town
from .linking import LINKAGE, grant, work_done
from .test_deliveries import refusal

As = Callable[[str], Program]
PATH = f"/linkages/{LINKAGE}"
LIKELY = {
    "one": {"dataset": "clinic", "key": "c7"},
    "other": {"dataset": "register", "key": "r7"},
}
ASKED = {"role": "data_user", "purpose": "aid"}


@pytest.fixture(scope="module")
def linked(as_: As, town: Town) -> dict[str, Any]:
    """A run of the linkage with a model that was trained and accepted here."""
    chen = as_("chen")
    number = work_done(town.city, chen, "models")["made"]
    model = next(m for m in chen.get(f"{PATH}/models").json()["items"] if m["number"] == number)
    accepted = chen.post(f"{PATH}/models/{number}/acceptances", {})
    assert accepted.status_code == 200, accepted.text
    work = work_done(town.city, chen, "runs")
    run = next(r for r in chen.get(f"{PATH}/runs").json()["items"] if r["id"] == work["made"])
    return {"model": model, "accepted": accepted.json(), "run": run, "work": work}


def pages(program: Program, path: str, limit: int) -> Iterator[Any]:
    """Yield each page of a list, with its answer."""
    asked: dict[str, Any] = {"limit": limit}
    while True:
        answer = program.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        yield answer
        if (cursor := answer.json()["next"]) is None:
            return
        asked["cursor"] = cursor


@pytest.mark.parametrize(
    "path", ["", f"/{LINKAGE}/models", f"/{LINKAGE}/works", f"/{LINKAGE}/review"]
)
def test_linkages_are_for_who_manages_sharing_for_the_city(as_: As, path: str) -> None:
    for who, status in (("", 401), ("li", 403), ("gao", 403), ("zhou", 403), ("chen", 200)):
        assert as_(who).get(f"/linkages{path}").status_code == status, who
    assert refusal(as_("gao").get(f"/linkages{path}")) == (403, "web.not_allowed")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("models", {}),
        ("models/1/acceptances", {}),
        ("runs", {}),
        ("decisions", {**LIKELY, "verdict": "same", "reason": "both files"}),
        ("explanations", LIKELY),
    ],
)
def test_nobody_else_does_anything_to_them(as_: As, path: str, given: dict[str, Any]) -> None:
    for who, status in (("", 401), ("li", 403), ("gao", 403)):
        assert as_(who).post(f"{PATH}/{path}", given).status_code == status, who


def test_a_model_waits_until_it_is_accepted_and_then_links(as_: As, linked: dict[str, Any]) -> None:
    model, accepted, run = linked["model"], linked["accepted"], linked["run"]
    assert (model["state"], model["trained_by"], model["accepted_by"]) == ("trained", "chen", None)
    assert (accepted["state"], accepted["accepted_by"]) == ("accepted", "chen")
    assert model["versions"].keys() == model["rows"].keys() == {"register", "clinic"}
    assert model["rows"]["register"] == 150
    assert run["figures"] == model["figures"]
    assert run["figures"]["subjects"] > 80
    phone = next(each for each in model["lacking"] if each["said"]["en"].startswith("phone: "))
    assert phone["code"] == "findings"
    assert phone["said"]["zh"].startswith("电话（phone）：数据中没有出现：")
    assert phone["advice"]["en"].endswith("Train again when there are more rows.")
    assert (run["by"], run["versions"]) == ("chen", model["versions"])
    (shown,) = as_("chen").get("/linkages").json()["items"]
    assert (shown["id"], shown["kind"], shown["model"]) == (LINKAGE, "person", model["number"])
    assert shown["run"] == run
    assert [m["dataset"] for m in shown["members"]] == ["register", "clinic"]
    assert shown["thresholds"] == {"link": 0.999, "review": 0.05}


@pytest.mark.usefixtures("linked")
def test_models_runs_and_works_are_listed_page_by_page(as_: As, town: Town) -> None:
    chen, office = as_("chen"), town.city.linkage_office
    # Another of each, so that there are two pages; to make them anew would take long.
    kept, now = models(office, LINKAGE)[0], town.city.clock()
    content = {"versions": kept.trained.versions, "figures": asdict(kept.figures)}
    with town.city.control.transaction() as connection:
        insert_model(connection, LINKAGE, kept.trained, kept.figures, now, "gao")
        insert_run(connection, LINKAGE, kept.id, now, "gao", content)
    for kind, number in (("models", "number"), ("runs", "id"), ("works", "id")):
        (whole,) = (page.json()["items"] for page in pages(chen, f"{PATH}/{kind}", 200))
        single = [page.json()["items"] for page in pages(chen, f"{PATH}/{kind}", 1)]
        assert [[one] for one in whole] == single
        numbers = [one[number] for one in whole]
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(numbers) > 1
    states = [model["state"] for model in chen.get(f"{PATH}/models").json()["items"]]
    assert states.count("accepted") == 1


@pytest.mark.usefixtures("linked")
def test_the_queue_goes_on_where_it_ended_and_no_address_names_a_record(as_: As) -> None:
    chen, found, keys = as_("chen"), [], set[str]()
    for page in pages(chen, f"{PATH}/review", 3):
        items = page.json()["items"]
        found += items
        keys |= {end["key"] for item in items for end in (item["one"], item["other"])}
        if link := page.headers.get("link"):
            asked = parse_qs(urlsplit(link.partition(">")[0][1:]).query)
            (raw,) = asked["cursor"]
            told = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
            assert not any(key in " ".join(map(str, told)).split() for key in keys)
    assert found == chen.get(f"{PATH}/review", params={"limit": 200}).json()["items"]
    assert len(found) > 6
    ends = [json.dumps([item["one"], item["other"]]) for item in found]
    assert len(set(ends)) == len(ends)


def unseen(program: Program) -> list[dict[str, Any]]:
    """Return the pairs that wait and of which nobody has said anything."""
    items = program.get(f"{PATH}/review", params={"limit": 200}).json()["items"]
    return [item for item in items if not item["decisions"]]


def test_a_cursor_of_another_list_is_refused(as_: As) -> None:
    made_up = base64.urlsafe_b64encode(json.dumps(["/elsewhere", "x"]).encode()).decode()
    answer = as_("chen").get(f"{PATH}/review", params={"cursor": made_up})
    assert refusal(answer) == (400, "web.bad_cursor")


@pytest.mark.usefixtures("linked")
def test_a_pair_that_was_decided_waits_no_more_and_the_word_is_kept(as_: As) -> None:
    chen = as_("chen")
    first, *rest = unseen(chen)
    ends = {"one": first["other"], "other": first["one"]}
    blank = chen.post(f"{PATH}/decisions", {**ends, "verdict": "different", "reason": " "})
    assert refusal(blank) == (422, "share.linkage_bad_verdict")
    unknown = {**ends, "one": {"dataset": "dust", "key": "1"}}
    answer = chen.post(f"{PATH}/decisions", {**unknown, "verdict": "same", "reason": "why"})
    assert refusal(answer) == (404, "share.linkage_pair_unknown")
    forged = {**ends, "one": {"dataset": "register", "key": "r99999"}}
    answer = chen.post(f"{PATH}/decisions", {**forged, "verdict": "same", "reason": "why"})
    assert refusal(answer) == (404, "share.linkage_pair_unknown")
    given = {**ends, "verdict": "different", "reason": "twins"}
    done = chen.post(f"{PATH}/decisions", given)
    assert done.status_code == 200, done.text
    told = done.json()
    assert (told["one"], told["other"]) == (first["one"], first["other"])
    assert (told["verdict"], told["by"], told["reason"]) == ("different", "chen", "twins")
    assert unseen(chen) == rest
    again = chen.post(f"{PATH}/decisions", {**given, "verdict": "cannot_tell"}).json()
    assert again["verdict"] == "cannot_tell"
    last = chen.get(f"{PATH}/review", params={"limit": 200}).json()["items"][-1]
    assert (last["one"], [d["verdict"] for d in last["decisions"]]) == (
        first["one"],
        ["cannot_tell"],
    )


@pytest.mark.usefixtures("linked")
def test_a_sample_is_drawn_the_same_again_and_says_how_right_links_are(as_: As) -> None:
    chen = as_("chen")
    drawn = chen.get(f"{PATH}/sample", params={"size": 4, "seed": 3}).json()
    assert drawn == chen.get(f"{PATH}/sample", params={"size": 4, "seed": 3}).json()
    assert (drawn["precision"]["sampled"], drawn["precision"]["share"]) == (4, None)
    one = drawn["items"][0]
    ends = {"one": one["one"], "other": one["other"]}
    chen.post(f"{PATH}/decisions", {**ends, "verdict": "same", "reason": "same birth"})
    after = chen.get(f"{PATH}/sample", params={"size": 4, "seed": 3}).json()
    assert (after["precision"]["same"], after["precision"]["share"]) == (1, 1.0)
    assert after["precision"]["low"] < 1
    assert one not in after["items"]


@pytest.mark.usefixtures("linked")
def test_why_a_pair_is_one_adds_up_and_tells_no_value(as_: As, town: Town) -> None:
    chen, seen = as_("chen"), town.city.audit_head().checkpoint.size
    answer = chen.post(f"{PATH}/explanations", LIKELY)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["one"], shown["other"]) == (LIKELY["one"], LIKELY["other"])
    assert shown["place"] == "linked"
    weights = [bar["weight"] for bar in shown["bars"]]
    assert shown["total"] == pytest.approx(shown["prior"] + sum(weights))
    assert shown["bars"][-1]["total"] == pytest.approx(shown["total"])
    assert {bar["part"] for bar in shown["bars"]} == {"name", "birth", "phone", "address"}
    assert all(bar["finding"]["zh"] and bar["finding"]["en"] for bar in shown["bars"])
    # Whoever looked is in the log before the answer is there.
    entries = town.city.audit_entries(seen, town.city.audit_head().checkpoint.size)
    kinds = [(e.content or {}).get("kind") for e in entries]
    assert "linkage.explained" in kinds
    other = {**LIKELY, "other": {"dataset": "register", "key": "nobody"}}
    unknown = chen.post(f"{PATH}/explanations", other)
    assert refusal(unknown) == (404, "share.linkage_pair_unknown")
    assert "nobody" not in unknown.text


def test_the_file_of_a_subject_shows_what_ones_own_agreements_show(
    as_: As, town: Town, linked: dict[str, Any]
) -> None:
    assert linked["run"]["id"]
    chen, path = as_("chen"), f"{PATH}/subject-files"
    by_record = {**ASKED, "record": LIKELY["other"]}
    before = chen.post(path, by_record)
    assert refusal(before) == (404, "share.linkage_subject_unknown")
    grant(town.city, "register", "id", "full_name", "home", purpose="aid")
    office = town.city.receipt_office
    receipts = len(uses_of(office, "person", "r7"))
    file = chen.post(path, by_record).json()
    register, clinic = file["sheets"]
    assert (register["columns"], register["refusal"]) == (["id", "full_name", "home"], None)
    (row,) = register["rows"]
    assert row[0] == "r7"
    assert clinic["rows"] == []
    assert clinic["refusal"]["reason"] == "no_grant"
    assert len(uses_of(office, "person", "r7")) == receipts + 1
    # Nothing says that there is a record of the clinic too, but to who knew so before.
    assert file["subject"] is None
    known = subject_of(town.city.linkage_office, LINKAGE, Record("register", "r7"))
    by_id = chen.post(path, {**ASKED, "subject": known}).json()
    assert by_id == file | {"subject": known}
    other_role = chen.post(path, {**by_record, "role": "steward"})
    assert refusal(other_role) == (404, "share.linkage_subject_unknown")
    # Where sources that may be seen say different things, both stand.
    grant(town.city, "clinic", "id", "patient", "address", purpose="aid")
    whole = chen.post(path, by_record).json()
    assert (whole["sheets"][1]["rows"][0][0], whole["subject"]) == ("c7", known)
    (differs,) = [each for each in whole["differs"] if each["part"] == "address"]
    assert {told["dataset"] for told in differs["told"]} == {"register", "clinic"}


@pytest.mark.parametrize(
    "named", [{}, {"subject": "s1", "record": LIKELY["one"]}, {"subject": None, "record": None}]
)
def test_a_file_is_asked_for_in_one_way(as_: As, named: dict[str, Any]) -> None:
    answer = as_("chen").post(f"{PATH}/subject-files", {**ASKED, **named})
    assert refusal(answer) == (422, "web.bad_words")


def test_a_file_is_for_who_may_be_given_data_and_shows_nothing_without_an_agreement(
    as_: As, town: Town, linked: dict[str, Any]
) -> None:
    assert linked["run"]["id"]
    known = subject_of(town.city.linkage_office, LINKAGE, Record("register", "r7"))
    path, subject = f"{PATH}/subject-files", {**ASKED, "subject": known}
    for who, status in (("", 401), ("gao", 403), ("wu", 403), ("zhou", 403), ("li", 200)):
        assert as_(who).post(path, subject).status_code == status, who
    sheets = as_("li").post(path, subject).json()["sheets"]
    assert [sheet["refusal"]["reason"] for sheet in sheets] == ["no_grant", "no_grant"]
    unseen = as_("li").post(path, {**ASKED, "record": LIKELY["one"]})
    assert refusal(unseen) == (404, "share.linkage_subject_unknown")


def test_managing_alone_shows_no_rows(town: Town, client: TestClient) -> None:
    rights = frozenset({Right.READ, Right.OVERSEE})
    new = NewKey("chen", PartyId("hotline_centre"), "managing", rights, timedelta(days=30))
    key = make_key(town.city.accounts_office, new, by="chen")[1].value
    program = Program(client, key)
    assert program.get("/linkages").status_code == 200
    answer = program.post(f"{PATH}/subject-files", {**ASKED, "record": LIKELY["one"]})
    assert refusal(answer) == (403, "web.not_allowed")


@pytest.mark.usefixtures("linked")
def test_what_is_personal_is_not_kept_under_a_key(as_: As) -> None:
    named = {"Idempotency-Key": "why-twice"}
    for _ in range(2):
        answer = as_("chen").post(f"{PATH}/explanations", LIKELY, headers=named)
        assert answer.status_code == 200
        assert "idempotency-replayed" not in answer.headers


def test_what_takes_long_is_asked_for_and_shown_as_it_stands(
    as_: As, linked: dict[str, Any]
) -> None:
    work, run = linked["work"], linked["run"]
    assert (work["kind"], work["asked_by"], work["made"]) == ("run", "chen", run["id"])
    assert (work["figures"], work["failure"], work["starts"]) == (run["figures"], "", 1)
    assert work["asked_at"] <= work["begun_at"] <= work["ended_at"] == run["at"]
    listed = as_("chen").get(f"{PATH}/works").json()["items"]
    assert work in listed
    missing = as_("chen").get(f"{PATH}/works/{2**40}")
    assert refusal(missing) == (404, "share.linkage_work_unknown")


@pytest.mark.usefixtures("linked")
def test_a_linkage_does_one_thing_at_a_time_and_a_request_counts_once(as_: As, town: Town) -> None:
    chen, named = as_("chen"), {"Idempotency-Key": "run-twice"}
    first, again = (chen.post(f"{PATH}/runs", {}, headers=named) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = chen.post(f"{PATH}/models", {})
    assert refusal(other) == (409, "share.linkage_working")
    assert f"work {first.json()['id']}" in other.json()["detail"]
    assert town.city.link() == 1
    # Long after its answer was forgotten, the same request is still the same work.
    with town.city.control.transaction() as connection:
        connection.execute(delete(repeat_table).where(repeat_table.c.key == "run-twice"))
    late = chen.post(f"{PATH}/runs", {}, headers=named)
    assert "idempotency-replayed" not in late.headers
    assert (late.json()["id"], late.json()["state"]) == (first.json()["id"], "done")
    assert town.city.link() == 0


@pytest.mark.parametrize("path", ["models", "runs", "works", "works/1", "review", "sample"])
def test_a_linkage_that_nobody_declared_is_not_there(as_: As, path: str) -> None:
    assert refusal(as_("chen").get(f"/linkages/none/{path}")) == (404, "share.linkage_unknown")
    assert PARTS["linkage"] == LINKAGE


def test_a_model_that_is_not_there_cannot_be_accepted(as_: As) -> None:
    answer = as_("chen").post(f"{PATH}/models/99999/acceptances", {})
    assert refusal(answer) == (404, "share.linkage_model_unknown")
