"""How a number could be polished, and what the score and its counter-numbers make of that.

Real cases go through the office; the scheme is the one that the pack `city_evaluation` brings.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shuzhi.act.cases import (
    CaseId,
    Order,
    check,
    close,
    dispatch,
    feed_back,
    file_case,
    merge,
    rate,
    reopen,
    resume,
    return_case,
    suspend,
    take,
    tick,
    verify,
)
from shuzhi.act.evaluation import (
    Body,
    FactKind,
    Number,
    Scheme,
    Score,
    Window,
    parse_period,
    read_scheme,
)
from shuzhi.act.evaluation.arithmetic import scores
from shuzhi.app.act.score_facts import Witnesses
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level

ROOT = Path(__file__).resolve().parents[2]
CASES = frozenset({FactKind.CASES})
TOWNS = {PartyId("bridge"): Body(Level.TOWN), PartyId("ford"): Body(Level.TOWN)}
APRIL = Instant(datetime(2026, 4, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def scheme() -> Scheme:
    found = read_scheme(ROOT / "src/shuzhi_packs/city_evaluation/evaluation/case_handling.yaml")
    # A handful of cases is enough here.
    return replace(found, measures=tuple(replace(m, least=Decimal(1)) for m in found.measures))


def _score(town: Any, scheme: Scheme, month: str = "2026-03", party: str = "bridge") -> Score:
    period = parse_period(month)
    zone = town.office.zone
    window = Window(period.starts_at(zone), period.ends_at(zone), scheme.due)
    witnesses = Witnesses(town.office, {}, lambda _: None)
    made = scores(scheme, window, witnesses.facts(window, CASES), TOWNS)
    return next(s for s in made if s.party == party)


def _share(number: Number) -> tuple[Decimal, Decimal]:
    return number.numerator, number.denominator


def _finish(town: Any, case_id: CaseId) -> None:
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)


def _late(town: Any) -> CaseId:
    case_id: CaseId = town.in_hand()
    town.hand.forward(days=10)
    tick(town.office)
    return case_id


def test_closing_without_care_earns_nothing_when_the_case_is_reopened(
    town: Any, scheme: Scheme
) -> None:
    case_id = town.in_hand()
    _finish(town, case_id)
    assert _share(_score(town, scheme).number("closing_rate")) == (1, 1)
    town.hand.forward(days=2)
    reopen(town.office, case_id, by=town.desk, reason="nothing was done")
    found = _score(town, scheme)
    assert _share(found.number("closing_rate")) == (0, 1)
    assert _share(found.number("on_time_rate")) == (0, 1)
    assert _share(found.number("reopening_rate")) == (1, 1)


def test_reopening_a_late_case_does_not_wash_its_lateness_off(town: Any, scheme: Scheme) -> None:
    case_id = _late(town)
    _finish(town, case_id)
    reopen(town.office, case_id, by=town.desk, reason="to be done anew")
    orders = [Order(PartyId("bridge"), is_lead=True)]
    verify(town.office, case_id, by=town.desk)
    file_case(town.office, case_id, by=town.desk)
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    take(town.office, case_id, by=town.bridge)
    _finish(town, case_id)
    assert _share(_score(town, scheme).number("on_time_rate")) == (1, 2)


def test_suspending_stops_the_clock_and_shows(town: Any, scheme: Scheme) -> None:
    case_id = town.in_hand()
    suspend(town.office, case_id, by=town.dispatcher, asked_by="h.wang", reason="flood")
    town.hand.forward(days=15)
    resume(town.office, case_id, by=town.dispatcher)
    _finish(town, case_id)
    found = _score(town, scheme)
    assert _share(found.number("on_time_rate")) == (1, 1)
    assert _share(found.number("paused_share")) == (1, 1)


def test_sending_cases_back_shows_with_who_has_them_then(town: Any, scheme: Scheme) -> None:
    case_id = town.dispatched()
    return_case(town.office, case_id, by=town.bridge, reason="not our road")
    orders = [Order(PartyId("ford"), is_lead=True)]
    dispatch(town.office, case_id, by=town.dispatcher, orders=orders)
    found = _score(town, scheme, party="ford")
    assert _share(found.number("return_rate")) == (1, 1)


def test_merging_many_reports_into_one_case_shows(town: Any, scheme: Scheme) -> None:
    for _ in range(4):
        town.report(merge_key="the same smell")
    found = _score(town, scheme)
    assert _share(found.number("merged_share")) == (3, 4)


def test_merging_cases_closes_none_and_shows(merging_town: Any, scheme: Scheme) -> None:
    older, newer = merging_town.in_hand(), merging_town.in_hand()
    merge(merging_town.office, newer, by=merging_town.desk, into=older, reason="the same pipe")
    merging_town.hand.forward(days=10)
    tick(merging_town.office)
    found = _score(merging_town, scheme)
    assert _share(found.number("closing_rate")) == (0, 1)
    assert _share(found.number("merged_share")) == (1, 2)


def test_leaving_what_is_late_already_shows_in_every_later_month(town: Any, scheme: Scheme) -> None:
    _late(town)
    town.hand.now = Instant(datetime(2026, 4, 20, tzinfo=UTC))
    in_april = _score(town, scheme, "2026-04")
    assert _share(in_april.number("closing_rate")) == (0, 0)
    assert _share(in_april.number("overdue_share")) == (1, 1)


def test_asking_only_the_pleased_shows(town: Any, scheme: Scheme) -> None:
    pleased = town.in_hand()
    _finish(town, pleased)
    rate(town.office, pleased, by=town.desk, stars=5)
    for _ in range(3):
        _finish(town, town.in_hand())
    found = _score(town, scheme)
    assert _share(found.number("rating")) == (5, 1)
    assert _share(found.number("rated_share")) == (1, 4)


def test_a_slow_check_costs_the_handler_nothing(town: Any, scheme: Scheme) -> None:
    case_id = town.in_hand()
    feed_back(town.office, case_id, by=town.bridge, files=[town.photo])
    town.hand.now = APRIL
    assert _share(_score(town, scheme).number("on_time_rate")) == (0, 0)
    check(town.office, case_id, by=town.checker, is_good=True)
    close(town.office, case_id, by=town.desk)
    town.hand.forward(days=20)
    assert _share(_score(town, scheme).number("on_time_rate")) == (0, 0)
    assert _share(_score(town, scheme, "2026-04").number("on_time_rate")) == (1, 1)


def test_a_month_is_scored_the_same_however_late_one_looks(town: Any, scheme: Scheme) -> None:
    _finish(town, town.in_hand())
    still_open = _late(town)
    town.hand.now = APRIL
    at_once = _score(town, scheme)
    _finish(town, still_open)
    town.hand.forward(days=40)
    assert _score(town, scheme) == at_once
