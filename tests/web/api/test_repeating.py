"""Requests with a key: sent again they count once, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from starlette.testclient import TestClient

from shuzhi.app.repeats import KEPT, Answered, Named, keep_answer, let_go, take_up
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Clock, Instant

from .conftest import ROOT, Program, Town

NEW = {"kind": "city_event", "severity": "ordinary", "title": "路灯", "responsible": "west"}
MINE = Named("chen", "k1", "a" * 64)
DONE = Answered(201, {"content-type": "application/json"}, b"{}")


def cases_of(program: Program) -> int:
    found = program.get("/cases?state=all&limit=200").json()
    assert found["next"] is None
    return len(found["items"])


def test_a_request_that_is_sent_again_counts_once(as_: Callable[[str], Program]) -> None:
    chen, named = as_("chen"), {"Idempotency-Key": "once"}
    first = chen.post("/cases", NEW, headers=named)
    before = cases_of(chen)
    again = chen.post("/cases", NEW, headers=named)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["location"]) == (first.json(), first.headers["location"])
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert cases_of(chen) == before


def test_a_key_is_for_one_request(as_: Callable[[str], Program]) -> None:
    chen, named = as_("chen"), {"Idempotency-Key": "one thing".replace(" ", "-")}
    chen.post("/cases", NEW, headers=named)
    before = cases_of(chen)
    other = chen.post("/cases", {**NEW, "title": "井盖"}, headers=named)
    assert (other.status_code, other.json()["type"]) == (422, "urn:shuzhi:error:app.key_reused")
    assert cases_of(chen) == before


def test_keys_of_one_account_say_nothing_of_anothers(as_: Callable[[str], Program]) -> None:
    named = {"Idempotency-Key": "shared"}
    mine = as_("chen").post("/cases", NEW, headers=named)
    theirs = as_("li").post("/cases", NEW, headers=named)
    assert mine.json()["case"] != theirs.json()["case"]


def test_what_was_refused_may_be_tried_again(as_: Callable[[str], Program]) -> None:
    chen, named = as_("chen"), {"Idempotency-Key": "again"}
    refused = chen.post("/cases", {**NEW, "severity": "none_such"}, headers=named)
    assert refused.json()["type"] == "urn:shuzhi:error:act.unknown_severity"
    assert chen.post("/cases", NEW, headers=named).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 101, "a b", "ü"])
def test_a_request_that_changes_something_needs_a_key(
    as_: Callable[[str], Program], key: str
) -> None:
    answer = as_("chen").post("/cases", NEW, headers={"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
        422,
        "header Idempotency-Key",
    )


def test_of_many_at_once_one_is_done(town: Town, client: TestClient) -> None:
    chen, together = town.program(client, "chen"), Barrier(8)
    before = cases_of(chen)

    def send(_: int) -> tuple[int, str]:
        together.wait(timeout=30)
        headers = {"Authorization": f"Bearer {chen.key}", "Idempotency-Key": "at-once"}
        answer = client.post(f"{ROOT}/cases", json=NEW, headers=headers)
        return answer.status_code, answer.json().get("type", "")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert (201, "") in answers
    assert set(answers) <= {(201, ""), (409, "urn:shuzhi:error:app.still_answering")}
    assert cases_of(chen) == before + 1


def test_of_two_at_once_the_second_waits_for_the_first(control: Control, clock: Clock) -> None:
    assert take_up(control, MINE, clock()) is None
    with pytest.raises(RefusedError, match="still being worked on"):
        take_up(control, MINE, clock())
    keep_answer(control, MINE, DONE)
    assert take_up(control, MINE, clock()) == DONE


def test_many_threads_take_a_request_up_once(control: Control, clock: Clock) -> None:
    together, taken = Barrier(8), Event()

    def take(_: int) -> bool:
        together.wait(timeout=30)
        try:
            return take_up(control, MINE, clock()) is None
        except RefusedError:
            taken.set()
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(8))) == 1
    assert taken.is_set()


def test_answers_are_kept_for_a_day(control: Control, clock: Clock) -> None:
    take_up(control, MINE, clock())
    keep_answer(control, MINE, DONE)
    assert take_up(control, MINE, Instant(clock() + KEPT)) == DONE
    assert take_up(control, MINE, Instant(clock() + KEPT + timedelta(seconds=1))) is None


def test_a_request_whose_process_was_killed_is_taken_up_again(
    control: Control, clock: Clock
) -> None:
    take_up(control, MINE, clock())
    with pytest.raises(RefusedError):
        take_up(control, MINE, Instant(clock() + timedelta(minutes=5)))
    assert take_up(control, MINE, Instant(clock() + timedelta(minutes=5, seconds=1))) is None


def test_what_was_let_go_is_forgotten(control: Control, clock: Clock) -> None:
    take_up(control, MINE, clock())
    let_go(control, MINE)
    assert take_up(control, Named("chen", "k1", "b" * 64), clock()) is None
