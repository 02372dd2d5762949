"""Whoever received a wrong value is told, also when it left while the doubt was being closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.share.correction.test_correction_path import ECOLOGY, WATER, an_agreement, delivered

from shuzhi.app import City
from shuzhi.app.running.catching_up import correct
from shuzhi.kernel.ids import PartyId
from shuzhi.share import delivery
from shuzhi.share.access import User
from shuzhi.share.agreements import AgreementId
from shuzhi.share.correction import (
    Decision,
    Doubt,
    Doubted,
    DoubtId,
    DoubtState,
    Review,
    Used,
    Verb,
    accept,
    acknowledge,
    doubt_file,
    doubts,
    reopen,
    replayed,
    review,
    submit,
    tick,
)
from shuzhi.share.delivery import Answer, Asker, Wanted

KEY = (("at", "2026-03-02T00:00:00Z"), ("station", "s2"))
DOUBTED = Doubted("air", KEY, "pm10", seen="999", right="99")


@pytest.fixture
def city(air: Any) -> City:
    """A city that holds a wrong value of station s2, which nobody has received."""
    air.write([("s1", 0, 20), ("s2", 0, 999)])
    found: City = air.city
    return found


@pytest.fixture
def agreed(city: City) -> AgreementId:
    """The agreement by which the water bureau reads air."""
    return an_agreement(city, WATER)


def paged(city: City, agreed: AgreementId, cursor: str | None = None) -> Answer:
    """Return the next page of one row for the water bureau."""
    user = User("an analyst", PartyId("water"), frozenset({"analyst"}))
    asker = Asker(user, "analyst", "tracing")
    wanted = Wanted(agreed, ("station", "at", "pm10"))
    found = delivery.page(city.delivery_desk, wanted, asker, limit=1, cursor=cursor)
    assert isinstance(found, Answer), found
    return found


def corrected(air: Any, city: City) -> DoubtId:
    """Return the doubt about the wrong value, accepted, and the right one in the lake."""
    office = city.correction_office
    held = submit(office, DOUBTED, by=WATER)
    accept(office, held.id, "99", by=ECOLOGY)
    air.write([("s2", 0, 99)])
    return held.id


def state_of(city: City, doubt: DoubtId) -> DoubtState:
    return doubt_file(city.correction_office, doubt).doubt.state


def test_a_page_that_leaves_after_the_closing_has_its_receiver_told(
    air: Any, city: City, agreed: AgreementId
) -> None:
    office = city.correction_office
    first = paged(city, agreed)
    held = corrected(air, city)
    correct(city)
    assert state_of(city, held) is DoubtState.CLOSED
    # The next page reads the version that the first one did, in which the value was wrong.
    second = paged(city, agreed, first.next_cursor)
    assert b"999" in second.content.read()
    assert correct(city) == 1
    file = doubt_file(office, held)
    assert file.doubt.state is DoubtState.RECALLING
    assert [(n.party, n.receipts) for n in file.notices] == [("water", (second.receipt.id,))]
    assert [each.decision.id for each in file.listed] == [f"receipt:{second.receipt.id}"]
    assert correct(city) == 0
    acknowledge(office, held, by=WATER)
    one = file.listed[0].decision
    review(office, held, one.kind, one.id, Review.KEPT, by=WATER, why="Not used yet")
    correct(city)
    after = doubt_file(office, held)
    verbs = [step.verb for step in after.steps][2:]
    told = [Verb.ACKNOWLEDGE, Verb.REVIEW]
    assert verbs == [Verb.HOLD, Verb.CLOSE, Verb.REOPEN, *told, Verb.CLOSE]
    assert replayed(office, held) == after.doubt
    assert correct(city) == 0


def test_what_leaves_while_a_doubt_is_gone_through_keeps_it_open(
    air: Any, city: City, agreed: AgreementId
) -> None:
    first = paged(city, agreed)
    held = corrected(air, city)
    left: list[Answer] = []

    def deciding(used: Used) -> Iterable[Decision]:
        """Let the page leave when receivers were looked for, and before the doubt is closed."""
        assert used.old == "999"
        left.append(paged(city, agreed, first.next_cursor))
        return ()

    tick(replace(city.correction_office, decisions=deciding))
    assert state_of(city, held) is DoubtState.RECALLING
    tick(city.correction_office)
    (notice,) = doubt_file(city.correction_office, held).notices
    assert notice.receipts == (left[0].receipt.id,)


def test_who_dies_before_the_position_is_kept_tells_nobody_twice(
    air: Any, city: City, agreed: AgreementId
) -> None:
    first = paged(city, agreed)
    held = corrected(air, city)
    tick(city.correction_office)
    paged(city, agreed, first.next_cursor)
    office = city.correction_office
    told = reopen(office, after=0)
    assert told.moved == 1
    acknowledge(office, held, by=WATER)
    before = doubt_file(office, held)
    assert reopen(office, after=0) == replace(told, moved=0)
    assert doubt_file(office, held) == before


def test_a_receiver_that_acknowledged_is_told_of_what_came_later(
    air: Any, city: City, agreed: AgreementId
) -> None:
    office = city.correction_office
    first = paged(city, agreed)
    paged(city, agreed, first.next_cursor)
    held = corrected(air, city)
    correct(city)
    closed = gone_through(city, held)
    assert closed.state is DoubtState.CLOSED
    late = paged(city, agreed, first.next_cursor)
    correct(city)
    (notice,) = doubt_file(office, held).notices
    assert notice.acknowledged_at is None
    assert notice.receipts[-1] == late.receipt.id
    assert len(notice.receipts) == 2


def gone_through(city: City, doubt: DoubtId) -> Doubt:
    """Acknowledge and review everything, and return the doubt as it is then."""
    office = city.correction_office
    acknowledge(office, doubt, by=WATER)
    for each in doubt_file(office, doubt).listed:
        one = each.decision
        review(office, doubt, one.kind, one.id, Review.KEPT, by=WATER, why="Looked at")
    correct(city)
    return doubt_file(office, doubt).doubt


@pytest.mark.parametrize(
    "given",
    [{"stations": ("s1",)}, {"columns": ("station",)}, {}],
    ids=["another subject", "another column", "the right version"],
)
def test_what_holds_no_wrong_value_opens_nothing(
    air: Any, city: City, agreed: AgreementId, given: dict[str, Any]
) -> None:
    held = corrected(air, city)
    correct(city)
    version = city.lake.version("air") - (1 if given else 0)
    delivered(city, agreed, "water", version=version, **given)
    assert correct(city) == 0
    assert state_of(city, held) is DoubtState.CLOSED
    assert [doubt.id for doubt in doubts(city.correction_office, is_open=True)] == []
