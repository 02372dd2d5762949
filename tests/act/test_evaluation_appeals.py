"""Scores from their facts to publication, and appeals against them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from shuzhi.act.evaluation import (
    Appeal,
    AppealId,
    Body,
    CaseFact,
    Correction,
    Evaluating,
    Person,
    Scored,
    appeal,
    appeals,
    behind,
    date_appeals,
    decide_appeal,
    league,
    publish,
    read_scheme,
    recompute,
    score,
)
from shuzhi.act.evaluation.store import fact_table, number_table
from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import BrokenError, RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level
from shuzhi.kernel.workdays import WorkingDays, china_working_days

ROOT = Path(__file__).resolve().parents[2]
SCHEME = ROOT / "src/shuzhi_packs/city_evaluation/evaluation/case_handling.yaml"
ID = "case_handling"
BRIDGE, FORD = PartyId("bridge"), PartyId("ford")
NORTH, ECOLOGY = PartyId("north"), PartyId("ecology")
BODIES = {
    PartyId("city"): Body(Level.CITY),
    ECOLOGY: Body(Level.CITY, (PartyId("city"),)),
    NORTH: Body(Level.DISTRICT, (PartyId("city"),)),
    BRIDGE: Body(Level.TOWN, (NORTH, PartyId("city"))),
    FORD: Body(Level.TOWN, (NORTH, PartyId("city"))),
}
HEAD = Person("m.lin", BRIDGE)
JUDGE = Person("j.he", ECOLOGY)


def _at(month: int, day: int, hour: int = 4) -> Instant:
    return Instant(datetime(2026, month, day, hour, tzinfo=UTC))


@dataclass
class Hall:
    """Where parties are scored, on a clock that a test moves."""

    control: Control
    now: Instant = field(default_factory=lambda: _at(4, 1))
    calendar: WorkingDays = field(default_factory=china_working_days)

    @property
    def evaluating(self) -> Evaluating:
        schemes = {ID: read_scheme(SCHEME)}
        return Evaluating(
            self.control, schemes, Law({}), self.calendar, "Asia/Shanghai", lambda: self.now
        )

    def scored(self, facts: Sequence[CaseFact], period: str = "2026-03") -> Scored:
        return score(self.evaluating, ID, period, facts, BODIES, by="clerk")

    def published(self, facts: Sequence[CaseFact], period: str = "2026-03") -> None:
        self.scored(facts, period)
        publish(self.evaluating, ID, period, by="clerk")

    def appealed(self, *facts: str, **more: Any) -> Appeal:
        values = {"by": HEAD, "facts": facts, "reason": "the gate was shut", **more}
        measure = values.pop("measure", "on_time_rate")
        return appeal(self.evaluating, ID, "2026-03", measure, **values)

    def decided(self, raised: AppealId, *corrections: Correction, **more: Any) -> Appeal:
        values = {"by": JUDGE, "is_upheld": True, "reason": "seen", **more}
        return decide_appeal(self.evaluating, raised, corrections=corrections, **values)

    def total(self, party: PartyId, version: int | None = None) -> Decimal | None:
        level = BODIES[party].level
        found = league(self.evaluating, ID, "2026-03", level=level, version=version)
        return next(row.score.total for row in found.rows if row.score.party == party)

    def entries(self) -> list[dict[str, Any]]:
        with self.control.transaction() as connection:
            contents = connection.scalars(select(outbox_table.c.content).order_by("no")).all()
        return [json.loads(content) for content in contents]


def facts(month: int = 3, late: int = 2) -> list[CaseFact]:
    """Ten cases of each town, closed in their month; of Bridge Town `late` ones are late."""
    bridge = [_fact(month, BRIDGE, n, is_late=n < late) for n in range(10)]
    return [*bridge, *(_fact(month, FORD, n, is_late=False) for n in range(10))]


def _fact(month: int, party: PartyId, n: int, *, is_late: bool) -> CaseFact:
    return CaseFact(
        f"case:{month}{party}{n}/1",
        party,
        "event",
        1,
        _at(month, 2),
        _at(month, 2),
        _at(month, 9),
        _at(month, 12 if is_late else 5),
        is_late=is_late,
        stars=4,
        used=3,
        limit=5,
    )


@pytest.fixture
def hall(control: Control) -> Hall:
    return Hall(control)


def _code(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        call(*arguments, **more)
    assert refused.value.next_step
    return refused.value.code


def test_a_league_shows_ranks_formulas_numbers_and_the_change(hall: Hall) -> None:
    hall.published(facts(2, late=5), "2026-02")
    hall.published(facts(3, late=2))
    found = league(hall.evaluating, ID, "2026-03", level=Level.TOWN)
    ford, bridge = found.rows
    assert (ford.score.party, ford.score.rank, ford.rose, ford.change) == (FORD, 1, 0, 0)
    # By hand: 40 + 20.001 + 9 + 13.334 = 82.335 of 100 now, 62.334 then; shown as 82.34, 62.33.
    assert (bridge.score.rank, bridge.change) == (2, Decimal("20.01"))
    assert found.scheme.measure("on_time_rate").formula.zh == "按期结案数 ÷ 应结案数"
    number = bridge.score.number("on_time_rate")
    assert (number.numerator, number.denominator, number.value) == (8, 10, Decimal("0.8"))


def test_without_a_period_before_there_is_no_change(hall: Hall) -> None:
    hall.scored(facts(2), "2026-02")  # a draft is nothing to compare with
    hall.published(facts(3))
    found = league(hall.evaluating, ID, "2026-03", level=Level.TOWN)
    assert [(row.change, row.rose) for row in found.rows] == [(None, None), (None, None)]


def test_what_stands_behind_a_number_is_every_fact(hall: Hall) -> None:
    hall.published(facts())
    found = behind(hall.evaluating, ID, "2026-03", party=BRIDGE, measure_id="on_time_rate")
    assert len(found.facts) == found.number.denominator == 10
    assert sum(c.numerator for c in found.facts) == found.number.numerator == 8
    late = [c.fact.id for c in found.facts if not c.numerator]
    assert late == ["case:3bridge0/1", "case:3bridge1/1"]
    assert set(found.beside) == {"paused_share", "overdue_share"}
    district = behind(hall.evaluating, ID, "2026-03", party=NORTH, measure_id="on_time_rate")
    assert len(district.facts) == 20


def test_a_draft_is_replaced_and_a_published_score_is_not(hall: Hall) -> None:
    hall.scored(facts(late=9))
    hall.published(facts(late=0))
    assert len(behind(
        hall.evaluating, ID, "2026-03", party=BRIDGE, measure_id="on_time_rate"
    ).facts) == 10  # fmt: skip
    assert _code(hall.scored, facts(late=9)) == "act.already_published"
    assert _code(publish, hall.evaluating, ID, "2026-03", by="clerk") == "act.already_published"


def test_a_period_is_published_when_it_is_over(hall: Hall) -> None:
    hall.now = Instant(datetime(2026, 3, 31, 15, 59, tzinfo=UTC))  # 23:59 in Shanghai
    hall.scored(facts())
    hall.now = _at(4, 1)
    assert _code(publish, hall.evaluating, ID, "2026-03", by="clerk") == "act.period_not_over"
    hall.published(facts())


def test_recomputing_a_published_score_gives_the_same_numbers(hall: Hall) -> None:
    made = hall.scored(facts()).scores
    publish(hall.evaluating, ID, "2026-03", by="clerk")
    assert recompute(hall.evaluating, ID, "2026-03") == made
    # The scheme may change meanwhile: the score keeps the one that made it.
    changed = replace(hall.evaluating, schemes={})
    assert recompute(changed, ID, "2026-03") == made


def test_facts_that_somebody_altered_are_found(hall: Hall) -> None:
    hall.published(facts())
    better = {**_content(hall, "case:3bridge0/1"), "is_late": False}
    change = update(fact_table).where(fact_table.c.fact_id == "case:3bridge0/1")
    with hall.control.transaction() as connection:
        connection.execute(change.values(content=better))
    with pytest.raises(BrokenError) as broken:
        recompute(hall.evaluating, ID, "2026-03")
    assert broken.value.code == "act.score_altered"


def test_numbers_that_somebody_altered_are_found(hall: Hall) -> None:
    hall.published(facts())
    change = update(number_table).where(number_table.c.party == BRIDGE)
    with hall.control.transaction() as connection:
        connection.execute(change.values(numerator="10"))
    with pytest.raises(BrokenError) as broken:
        recompute(hall.evaluating, ID, "2026-03")
    assert broken.value.code == "act.score_altered"


def _content(hall: Hall, fact_id: str) -> dict[str, Any]:
    query = select(fact_table.c.content).where(fact_table.c.fact_id == fact_id)
    with hall.control.transaction() as connection:
        return dict(connection.execute(query).scalar_one())


def test_an_upheld_appeal_makes_a_new_version_and_keeps_the_old_one(hall: Hall) -> None:
    hall.published(facts())
    before = hall.total(BRIDGE)
    raised = hall.appealed("case:3bridge0/1", "case:3bridge1/1")
    done = hall.decided(
        raised.id,
        Correction("case:3bridge0/1"),
        Correction("case:3bridge1/1", {"is_late": False}),
    )
    assert done.decision is not None
    assert (done.decision.version_after, done.decision.by) == (2, JUDGE)
    now = behind(hall.evaluating, ID, "2026-03", party=BRIDGE, measure_id="on_time_rate")
    assert (now.version, now.number.numerator, now.number.denominator) == (2, 9, 9)
    assert [c.fact for c in now.corrections] == ["case:3bridge0/1", "case:3bridge1/1"]
    then = behind(
        hall.evaluating, ID, "2026-03", party=BRIDGE, measure_id="on_time_rate", version=1
    )
    assert (then.number.numerator, then.number.denominator, then.corrections) == (8, 10, ())
    assert (hall.total(BRIDGE, 1), hall.total(FORD, 1)) == (before, hall.total(FORD, 2))
    assert hall.total(BRIDGE, 2) == hall.total(FORD, 2)
    for version in (1, 2):
        assert recompute(hall.evaluating, ID, "2026-03", version)


def test_a_second_upheld_appeal_keeps_what_the_first_one_corrected(hall: Hall) -> None:
    hall.published(facts())
    for n in (0, 1):
        raised = hall.appealed(f"case:3bridge{n}/1")
        hall.decided(raised.id, Correction(f"case:3bridge{n}/1"))
    numbers = [
        behind(
            hall.evaluating, ID, "2026-03", party=BRIDGE, measure_id="on_time_rate", version=v
        ).number.denominator
        for v in (1, 2, 3)
    ]
    assert numbers == [10, 9, 8]


def test_a_rejected_appeal_changes_nothing_and_says_why(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    done = hall.decided(raised.id, is_upheld=False, reason="the gate was open")
    assert done.decision is not None
    assert (done.decision.is_upheld, done.decision.version_after) == (False, None)
    assert appeals(hall.evaluating, ID, "2026-03") == (done,)
    assert league(hall.evaluating, ID, "2026-03", level=Level.TOWN).versions == 1


def test_an_appeal_shows_in_the_league_until_it_is_decided(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    waiting = [r.appeals for r in league(hall.evaluating, ID, "2026-03", level=Level.TOWN).rows]
    hall.decided(raised.id, is_upheld=False)
    after = [r.appeals for r in league(hall.evaluating, ID, "2026-03", level=Level.TOWN).rows]
    assert (waiting, after) == ([0, 1], [0, 0])


def test_terms_are_working_days_and_say_that_nobody_has_checked_them(hall: Hall) -> None:
    hall.now = _at(4, 1)
    hall.published(facts())
    # Five working days after 1 April: the 6th is off (Qingming), so until the end of the 9th.
    hall.now = Instant(datetime(2026, 4, 9, 15, 59, tzinfo=UTC))
    raised = hall.appealed("case:3bridge0/1")
    assert (raised.due_at, raised.is_verified) == (
        datetime(2026, 4, 23, 16, tzinfo=UTC),
        False,
    )
    assert raised.due_at is not None
    assert not raised.is_overdue(Instant(raised.due_at - timedelta(seconds=1)))
    assert raised.is_overdue(raised.due_at)
    hall.now = Instant(datetime(2026, 4, 9, 16, tzinfo=UTC))
    assert _code(hall.appealed, "case:3bridge1/1") == "act.appeal_too_late"


def test_an_appeal_that_is_dated_later_is_dated_as_at_once(hall: Hall) -> None:
    hall.published(facts())
    known, ended = hall.calendar, replace(hall.calendar, last_year=2025)
    for n in range(5):
        hall.now = _at(4, 1 + 2 * n)
        hall.calendar = known
        assert hall.appealed(f"case:3bridge{n}/1").due_at is not None
        hall.calendar = ended
        later = hall.appealed(f"case:3bridge{n + 5}/1")
        assert (later.due_at, later.why_undated) == (None, "kernel.calendar_ends")
        assert not later.is_overdue(_at(12, 31))
    hall.decided(later.id, is_upheld=False)
    assert date_appeals(hall.evaluating) == 0
    hall.calendar = known
    assert (date_appeals(hall.evaluating), date_appeals(hall.evaluating)) == (5, 0)
    raised = appeals(hall.evaluating)
    assert [a.due_at for a in raised[::2]] == [a.due_at for a in raised[1::2]]
    dated = [e for e in hall.entries() if e["kind"] == "evaluation.appeal_dated"]
    assert [e["facts"]["due_at"] for e in dated] == [
        a.due_at.isoformat() for a in raised[1::2] if a.due_at
    ]


def test_nobody_is_too_late_by_a_term_that_cannot_be_counted(hall: Hall) -> None:
    hall.published(facts())
    hall.calendar = replace(hall.calendar, last_year=2025)
    hall.now = _at(6, 1)
    assert hall.appealed("case:3bridge0/1").due_at is None


def test_an_appeal_of_others_does_not_renew_the_term(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    hall.now = _at(4, 20)
    hall.decided(raised.id, Correction("case:3bridge0/1"))
    ford = Person("l.gu", FORD)
    assert _code(hall.appealed, "case:3ford0/1", by=ford) == "act.appeal_too_late"
    # The number that the decision changed may be appealed anew.
    assert hall.appealed("case:3bridge1/1").version == 2


@pytest.mark.parametrize("decider", [BRIDGE, NORTH])
def test_nobody_decides_whose_own_score_it_moves(hall: Hall, decider: PartyId) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    by, cure = Person("x", decider), Correction("case:3bridge0/1")
    assert _code(hall.decided, raised.id, cure, by=by) == "act.decider_is_appellant"


def test_another_town_may_decide(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    done = hall.decided(raised.id, Correction("case:3bridge0/1"), by=Person("x", FORD))
    assert done.decision is not None
    assert done.decision.version_after == 2


def test_what_cannot_be_appealed_is_refused(hall: Hall) -> None:
    hall.scored(facts())
    assert _code(hall.appealed, "case:3bridge0/1") == "act.not_published"
    publish(hall.evaluating, ID, "2026-03", by="clerk")
    assert _code(hall.appealed, "case:3bridge0/1", reason="  ") == "act.appeal_reason_missing"
    assert _code(hall.appealed, "case:3ford0/1") == "act.not_your_fact"
    assert _code(hall.appealed) == "act.not_your_fact"
    assert _code(hall.appealed, "case:3bridge0/1", measure="x") == "act.no_such_measure"
    assert _code(hall.appealed, "case:3bridge0/1", by=JUDGE) == "act.not_scored"
    hall.appealed("case:3bridge0/1")
    assert _code(hall.appealed, "case:3bridge0/1") == "act.appeal_decided"


@pytest.mark.parametrize(
    "corrections",
    [
        (),
        (Correction("case:3bridge1/1"),),
        (Correction("case:3bridge0/1", {"party": "ford"}),),
        (Correction("case:3bridge0/1", {"is_late": "no"}),),
        (Correction("case:3bridge0/1", {"stars": 6}),),
        (Correction("case:3bridge0/1", {"due_at": "tomorrow"}),),
        (Correction("case:3bridge0/1", {"used": -1}),),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(
    hall: Hall, corrections: Sequence[Correction]
) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    assert _code(hall.decided, raised.id, *corrections) == "act.bad_correction"
    assert appeals(hall.evaluating)[0].decision is None
    assert league(hall.evaluating, ID, "2026-03", level=Level.TOWN).versions == 1


def test_an_appeal_is_decided_once(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    cure = Correction("case:3bridge0/1")
    assert _code(hall.decided, raised.id, cure, is_upheld=False) == "act.bad_correction"
    hall.decided(raised.id, is_upheld=False)
    assert _code(hall.decided, raised.id, cure) == "act.appeal_decided"
    assert _code(hall.decided, AppealId(99), cure) == "act.no_such_appeal"


def test_publishing_and_every_step_of_an_appeal_are_entries_of_the_log(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    hall.decided(raised.id, Correction("case:3bridge0/1"))
    again = hall.appealed("case:3bridge1/1")
    hall.decided(again.id, is_upheld=False)
    entries = hall.entries()
    assert [(e["kind"], e["by"]) for e in entries] == [
        ("evaluation.published", "clerk"),
        ("evaluation.appealed", "m.lin"),
        ("evaluation.published", "j.he"),
        ("evaluation.appeal_upheld", "j.he"),
        ("evaluation.appealed", "m.lin"),
        ("evaluation.appeal_rejected", "j.he"),
    ]
    assert {e["subject"] for e in entries} == {"score:case_handling/2026-03"}
    assert entries[0]["facts"]["facts_sha256"] == entries[2]["facts"]["facts_sha256"]
    assert entries[0]["facts"]["scores_sha256"] != entries[2]["facts"]["scores_sha256"]
    assert "the gate was shut" not in json.dumps(entries, ensure_ascii=False)


def test_a_refused_step_leaves_no_entry(hall: Hall) -> None:
    hall.published(facts())
    raised = hall.appealed("case:3bridge0/1")
    known = hall.entries()
    _code(hall.decided, raised.id, Correction("case:3bridge0/1"), by=HEAD)
    _code(publish, hall.evaluating, ID, "2026-03", by="clerk")
    assert hall.entries() == known


def test_what_is_not_there_is_refused_with_what_is(hall: Hall) -> None:
    evaluating = hall.evaluating
    assert _code(score, evaluating, "x", "2026-03", [], {}, by="c") == "act.no_such_scheme"
    assert _code(score, evaluating, ID, "2026", [], {}, by="c") == "act.bad_period"
    assert _code(league, evaluating, ID, "2026-03", level=Level.TOWN) == "act.no_such_score"
    twice = [facts()[0], replace(facts()[0], is_late=False)]
    assert _code(hall.scored, twice) == "act.bad_fact"
    hall.published(facts())
    asked = {"party": PartyId("mill"), "measure_id": "rating"}
    assert _code(behind, evaluating, ID, "2026-03", **asked) == "act.not_scored"
    wrong = {"level": Level.TOWN, "version": 2}
    assert _code(league, evaluating, ID, "2026-03", **wrong) == "act.no_such_score"


def test_strangers_are_told_of(hall: Hall) -> None:
    stranger = replace(facts()[0], party=PartyId("mill"))
    assert hall.scored([stranger]).strangers == (stranger.id,)
