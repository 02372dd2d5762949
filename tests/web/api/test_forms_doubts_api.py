"""Forms that ask what is not held, and doubts from the first word to the last review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shuzhi.kernel.ids import PartyId
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import tick
from shuzhi.share.forms import FormId, hand_in, start

from .conftest import ROOT, Program, Town
from .sharing import agreed, form_document, put_district
from .test_deliveries import refusal

As = Callable[[str], Program]


def test_a_form_is_registered_and_asks_what_nobody_holds(as_: As, town: Town) -> None:
    form = form_document(town.city, "relief")
    assert as_("").post("/forms", {"form": form}).status_code == 401
    assert refusal(as_("wu").post("/forms", {"form": form})) == (403, "web.not_allowed")
    theirs = as_("li").post("/forms", {"form": {**form, "owner": "east"}})
    assert refusal(theirs) == (403, "share.form_not_yours")
    faulty = as_("li").post("/forms", {"form": {**form, "colour": "red"}})
    assert refusal(faulty) == (422, "share.bad_form")
    assert faulty.json()["errors"]
    made = as_("li").post("/forms", {"form": form})
    assert made.status_code == 201, made.text
    verdicts = {field["name"]: field["verdict"] for field in made.json()["fields"]}
    assert verdicts == {"income": "take", "hobby": "collect"}
    assert made.json()["parties"] == ["old_town"]
    path = made.headers["location"].removeprefix(ROOT)
    assert as_("wu").get(path).json() == made.json()
    listed = as_("wu").get("/forms?party=west&in_force=true").json()["items"]
    assert {name: made.json()[name] for name in listed[0]} in listed
    assert refusal(as_("wu").get("/forms/none_such")) == (404, "share.form_unknown")


def test_what_forms_cost_is_added_up_from_fillings(as_: As, town: Town) -> None:
    office, form = town.city.forms_office, form_document(town.city, "hobbies")
    assert as_("li").post("/forms", {"form": form}).status_code == 201
    day = town.city.clock().date().replace(day=1)
    by = Actor("town", PartyId("old_town"))
    filling = start(office, FormId("hobbies"), day, by=by)
    hand_in(office, filling.id, by=by, typed=["hobby"])
    fillings = "/forms/hobbies/fillings?party=old_town"
    assert as_("wu").get(fillings).json()["items"] == []
    (found,) = as_("li").get(fillings).json()["items"]
    assert (found["typed"], found["due_on"], found["minutes"]) == (["hobby"], f"{day}", 0)
    asked = f"since={day}&until={day.replace(day=2)}&form=hobbies&by=owner"
    (burden,) = as_("wu").get(f"/forms/burden?{asked}").json()["items"]
    assert (burden["key"], burden["times"], burden["saved"]) == ("west", 1, 3)
    wrong = as_("wu").get(f"/forms/burden?since={day}&until={day}")
    assert refusal(wrong) == (422, "share.bad_period")


def doubt(no: int, **more: Any) -> dict[str, Any]:
    value = {"dataset": "residents", "key": {"no": f"{no}"}, "column": "district"}
    return {**value, "seen": "=north", "right": "south", "evidence": "Moved", **more}


@pytest.fixture
def open_doubt(as_: As, town: Town) -> str:
    """The path of a doubt about a value that west was given."""
    purpose = f"doubt {len(as_('li').get('/doubts').json()['items'])}"
    number = agreed(town.city, purpose)
    asked = {"agreement": number, "role": "data_user", "purpose": purpose}
    assert as_("li").post("/deliveries", asked).status_code == 200
    made = as_("li").post("/doubts", doubt(5))
    assert (made.status_code, made.json()["responsible"]) == (201, "east"), made.text
    return made.headers["location"].removeprefix(ROOT)


def act(program: Program, path: str, verb: str, **more: Any) -> Any:
    seen = program.get(path).headers["etag"]
    return program.post(f"{path}/acts", {"verb": verb, **more}, headers={"If-Match": seen})


def test_a_doubt_is_for_those_who_have_a_part_in_it(as_: As, open_doubt: str) -> None:
    for who, status in (("li", 200), ("wu", 200), ("chen", 200), ("gao", 404), ("zhou", 403)):
        assert as_(who).get(open_doubt).status_code == status, who
    assert as_("gao").get("/doubts").json()["items"] == []
    assert as_("").get(open_doubt).status_code == 401
    unheld = as_("li").post("/doubts", doubt(5, column="none_such"))
    assert refusal(unheld) == (422, "share.doubt_bad")
    stale = as_("wu").post(
        f"{open_doubt}/acts", {"verb": "keep", "text": "ok"}, headers={"If-Match": '"9"'}
    )
    assert refusal(stale) == (412, "web.never_seen")
    assert refusal(act(as_("li"), open_doubt, "keep", text="ok")) == (403, "share.not_your_doubt")
    assert refusal(act(as_("wu"), open_doubt, "keep")) == (422, "share.reason_missing")
    refer = act(as_("wu"), open_doubt, "refer", to="hills", text="theirs")
    assert refusal(refer) == (422, "share.not_a_source")
    # In the place of a receiver the authority acknowledges, once it is told.
    in_place = {"to": "west", "text": "Out of reach"}
    early = act(as_("chen"), open_doubt, "acknowledge", **in_place)
    assert refusal(early) == (409, "share.wrong_state")
    kept = act(as_("wu"), open_doubt, "keep", text="It is right")
    assert (kept.json()["state"], kept.json()["reason"]) == ("kept", "It is right")
    again = act(as_("wu"), open_doubt, "keep", text="It is right")
    assert refusal(again) == (409, "share.wrong_state")


def test_a_wrong_value_is_corrected_when_the_lake_holds_the_right_one(
    as_: As, town: Town, open_doubt: str
) -> None:
    accepted = act(as_("wu"), open_doubt, "accept", value="south", text="True")
    assert (accepted.json()["state"], accepted.json()["value"]) == ("correcting", "south")
    for who, verb, more in (
        ("li", "acknowledge", {}),
        ("chen", "review", {"kind": "delivery", "decision": "1", "found": "kept", "text": "Same"}),
    ):
        early = act(as_(who), open_doubt, verb, **more)
        assert refusal(early) == (409, "share.wrong_state"), verb
    put_district(town.city, 5, "south")
    tick(town.city.correction_office)
    file = as_("li").get(open_doubt).json()
    # Everything that left in these tests left, by their clock, before the lake was written.
    assert (file["state"], file["notices"], file["decisions"]) == ("closed", [], [])
    assert [step["verb"] for step in file["steps"]][:3] == ["submit", "accept", "hold"]
