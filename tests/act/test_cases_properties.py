"""Whatever people do to cases, in whatever order: the promises that always hold."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shuzhi.act.cases import (
    Act,
    Actor,
    Case,
    CaseFile,
    CaseId,
    CaseKind,
    CaseRole,
    EvidenceFile,
    Office,
    Order,
    Report,
    Span,
    SpanUnit,
    Stage,
    Step,
    TimeRules,
    Verb,
    act_all,
    case,
    open_case,
    parse_case_kind,
    replayed,
    tick,
)
from shuzhi.act.cases.model import UNTOUCHING, Spell
from shuzhi.act.cases.spans import runs_out, used
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.parties import register_party

FREE = """
id: anything
title: {zh: 任何事, en: Anything}
severities: [ordinary, urgent]
steps:
  verify: {from: [NEW, REOPENED], by: desk}
  file: {from: [NEW, VERIFIED, REOPENED], by: desk}
  dispatch: {from: [NEW, VERIFIED, FILED, DISPATCHED, IN_HAND, RETURNED, REOPENED], by: dispatcher}
  take: {from: [DISPATCHED, IN_HAND], by: handler}
  feed_back: {from: [NEW, VERIFIED, FILED, DISPATCHED, IN_HAND, REOPENED], by: [handler, desk]}
  return: {from: [DISPATCHED, IN_HAND], by: handler}
  suspend: {from: [VERIFIED, FILED, DISPATCHED, IN_HAND, RETURNED, REOPENED], by: dispatcher}
  resume: {from: SUSPENDED, by: dispatcher}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
  rate: {from: CLOSED, by: rater}
  reopen: {from: [CLOSED, RATED], by: desk}
  merge: {from: [NEW, VERIFIED, FILED, DISPATCHED, IN_HAND, RETURNED, REOPENED], by: desk}
clocks:
  - id: minutes
    title: {zh: 分钟, en: Minutes}
    over: [NEW, VERIFIED, FILED, IN_HAND]
    answers: handler
    limit: {ordinary: 600 minutes, urgent: 60 minutes}
    escalate_every: 2 hours
  - id: days
    title: {zh: 天, en: Days}
    over: [DISPATCHED, IN_HAND, RETURNED]
    answers: handler
    limit: 2 working days
    escalate_every: 1 working day
  - id: hours
    title: {zh: 小时, en: Hours}
    over: [DISPATCHED, IN_HAND]
    answers: desk
    limit: 6 working hours
    escalate_every: 3 working hours
closing: {evidence: {photo: 1}}
working_hours: ["09:00-12:00", "14:00-18:00"]
"""
CHINA = china_working_days()
START = Instant(datetime(2026, 2, 10, 1, tzinfo=UTC))
PARTIES = ("city", "north", "bridge", "ford")
PHOTO = EvidenceFile("0" * 64, "a.png", "image/png", "photo", 1)
_verbs = st.sampled_from([v for v in Verb if v not in UNTOUCHING | {Verb.OPEN}])
_people = st.builds(
    Actor,
    st.sampled_from(["a.li", "b.wu", "c.sun"]),
    st.sampled_from(PARTIES).map(PartyId),
    st.just(frozenset(CaseRole)),
)
_spans = st.timedeltas(timedelta(0), timedelta(days=12))


@st.composite
def _orders(draw: st.DrawFn) -> tuple[Order, ...]:
    parties = draw(st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3, unique=True))
    return tuple(Order(PartyId(p), is_lead=n == 0) for n, p in enumerate(parties))


class Town(RuleBasedStateMachine):
    """People who try anything, in a city with three clocks a case."""

    @initialize()
    def open_town(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        control = open_control(f"sqlite:///{self.folder.name}/control.db")
        metadata.create_all(control.engine)
        ladder = ((Level.CITY, None), (Level.DISTRICT, "city"), (Level.TOWN, "north"))
        levels = dict(zip(PARTIES, (*ladder, ladder[-1]), strict=True))
        for name, (level, above) in levels.items():
            register_party(control, Party(PartyId(name), name, name, level, None, above))
        self.now = START
        kind = parse_case_kind(FREE.encode(), file="anything.yaml")
        folder = Path(self.folder.name)
        self.office = Office(
            control, {kind.id: kind}, CHINA, "Asia/Shanghai", PartyId("city"), folder,
            lambda: self.now,
        )  # fmt: skip
        self.ids: list[CaseId] = []
        self.report("ordinary", "bridge", None)

    @rule(
        severity=st.sampled_from(["ordinary", "urgent"]),
        party=st.sampled_from([*PARTIES, "gone"]),
        key=st.sampled_from(["weir", None]),
    )
    def report(self, severity: str, party: str, key: str | None) -> None:
        by = Actor("a.li", PartyId("city"))
        party = party if len(self.ids) < 3 else "bridge"
        key = key if len(self.ids) < 3 else "weir"
        report = Report("anything", severity, by, PartyId(party), merge_key=key)
        opened = open_case(self.office, report)
        self.ids = [*self.ids, opened.case_id] if opened.is_new else self.ids

    @rule(
        at=st.integers(0, 9), verb=_verbs, by=_people, orders=_orders(),
        evidence=st.sampled_from([(), (PHOTO,)]), is_good=st.booleans(), passed=_spans,
    )  # fmt: skip
    def act(
        self, at: int, verb: Verb, by: Actor, orders: tuple[Order, ...],
        evidence: tuple[EvidenceFile, ...], is_good: bool, passed: timedelta,
    ) -> None:  # fmt: skip
        self.now = Instant(self.now + passed / 20)
        kwargs = {"orders": orders if verb is Verb.DISPATCH else (), "evidence": evidence}
        given_ = Act(
            self.ids[at % len(self.ids)], verb, by, text="said", asked_by="d.asker",
            is_good=is_good, stars=3, into=self.ids[0], **kwargs,
        )  # fmt: skip
        act_all(self.office, [given_])

    @rule(at=st.integers(0, 9), random=st.randoms(use_true_random=False))
    def go_on(self, at: int, random: Random) -> None:
        """Do what each stage allows, by people of the parties concerned, so that cases go far."""
        case_id = self.ids[at % len(self.ids)]
        for _ in range(12):
            file = case(self.office, case_id)
            # A case may end here, so that it is looked at in its end.
            verbs = sorted({way.verb for way in file.ways} - {Verb.REOPEN}) or [Verb.RATE]
            parties = [task.party for task in file.case.tasks] or [PartyId("city")]
            by = Actor(random.choice("ab"), random.choice(parties), frozenset(CaseRole))
            by = by if random.random() < 0.6 else replace(by, party=PartyId("north"), person="c")
            verb = random.choice(verbs)
            orders = tuple(Order(PartyId(p), is_lead=p == "ford") for p in ("ford", "bridge"))
            self._do(case_id, verb, by, orders[: random.choice((1, 1, 2))], random)

    def _do(
        self, case_id: CaseId, verb: Verb, by: Actor, orders: tuple[Order, ...], random: Random
    ) -> None:
        given_ = Act(
            case_id, verb, by, text="said", asked_by="d.asker", is_good=random.random() < 0.8,
            stars=3, orders=orders if verb is Verb.DISPATCH else (),
            evidence=random.choice(((), (PHOTO,))), into=self.ids[0],
        )  # fmt: skip
        self.now = Instant(self.now + timedelta(minutes=random.randrange(200)))
        act_all(self.office, [given_])

    @rule(passed=_spans)
    def sleep(self, passed: timedelta) -> None:
        self.now = Instant(self.now + passed)
        tick(self.office)
        assert tick(self.office).broken == 0

    @invariant()
    def histories_replay_to_the_state(self) -> None:
        for case_id in self.ids:
            assert replayed(self.office, case_id) == case(self.office, case_id).case

    @invariant()
    def clocks_are_never_negative_and_count_no_pause(self) -> None:
        for case_id in self.ids:
            file = case(self.office, case_id)
            assert all(reading.used.amount >= 0 for reading in file.readings)
            shown = {r.round: r.used.amount for r in file.readings if r.clock == "minutes"}
            assert shown == _walked(file, self.now)

    @invariant()
    def nothing_is_closed_without_evidence_and_an_independent_check(self) -> None:
        files = [case(self.office, case_id) for case_id in self.ids]
        for steps in (f.steps for f in files if not f.case.is_open):
            last_round = _last_round(steps)
            if any(s.verb is Verb.MERGE for s in last_round):
                # Its matter goes on in an older case, which must be closed itself.
                continue
            feeds = [s for s in last_round if s.verb is Verb.FEED_BACK]
            checks = [s for s in last_round if s.verb is Verb.CHECK]
            checked = checks[-1]
            assert checked.facts["is_good"]
            assert any(s.facts["evidence"] for s in feeds)
            assert checked.by not in {s.by for s in feeds}
            assert checked.party not in {s.party for s in feeds}

    @invariant()
    def clocks_break_once_and_go_up_step_by_step(self) -> None:
        for case_id in self.ids:
            for steps in _rounds(case(self.office, case_id).steps):
                broken = [s.facts["clock"] for s in steps if s.verb is Verb.BREAK_CLOCK]
                ups = [(s.facts["clock"], s.facts["to"]) for s in steps if s.verb is Verb.ESCALATE]
                assert len(set(broken)) == len(broken)
                assert len(set(ups)) == len(ups)

    def teardown(self) -> None:
        self.office.control.engine.dispose()
        self.folder.cleanup()


TestTown = Town.TestCase
TestTown.settings = settings(
    max_examples=12, stateful_step_count=8, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip

_OVER = {Stage.NEW, Stage.VERIFIED, Stage.FILED, Stage.IN_HAND}


def _rounds(steps: tuple[Step, ...]) -> list[list[Step]]:
    starts = [n for n, step in enumerate(steps) if step.verb in (Verb.OPEN, Verb.REOPEN)]
    return [list(steps[a:b]) for a, b in pairwise([*starts, len(steps)])]


def _last_round(steps: tuple[Step, ...]) -> list[Step]:
    return _rounds(steps)[-1]


def _walked(file: CaseFile, now: Instant) -> dict[int, int]:
    """Add up the minutes in the clock's stages straight from the history."""
    found: dict[int, int] = {}
    for number, steps in enumerate(_rounds(file.steps), start=1):
        ends = [step.at for step in steps[1:]]
        ends.append(max(now, steps[-1].at))
        spent = [end - s.at for s, end in zip(steps, ends, strict=True) if s.stage in _OVER]
        found |= {number: sum(spent, timedelta()) // timedelta(minutes=1)} if spent else {}
    return found


RULES = TimeRules(CHINA, "Asia/Shanghai", ((time(9), time(12)), (time(14), time(18))))
_RANGE = {"min_value": datetime(2024, 1, 1), "max_value": datetime(2026, 6, 30)}  # noqa: DTZ001
_instants = st.datetimes(**_RANGE, timezones=st.just(UTC)).map(Instant)


@st.composite
def _spells(draw: st.DrawFn) -> list[Spell]:
    edges = sorted(draw(st.lists(_instants, min_size=1, max_size=7, unique=True)))
    ends: list[Instant | None] = [*edges[1::2], None] if len(edges) % 2 else [*edges[1::2]]
    return [Spell(start, end) for start, end in zip(edges[::2], ends, strict=True)]


@given(_spells(), st.integers(1, 40), st.sampled_from(SpanUnit))
def test_a_clock_has_used_its_span_when_it_runs_out(
    spells: list[Spell], amount: int, unit: SpanUnit
) -> None:
    span = Span(amount, unit)
    due = runs_out(span, spells, RULES)
    before = [
        Spell(s.started_at, min(s.ended_at or due, due)) for s in spells if s.started_at < due
    ]
    last = before[-1]
    running = [*before[:-1], Spell(last.started_at, due)]
    assert used(unit, running, due, RULES).amount >= amount - (unit is SpanUnit.WORKING_DAYS)
    just_before = Instant(due - timedelta(microseconds=1))
    assert (
        used(unit, [*before[:-1], Spell(last.started_at, just_before)], due, RULES).amount <= amount
    )


@given(_spells(), st.integers(1, 40), st.sampled_from(SpanUnit))
def test_a_longer_clock_never_runs_out_earlier(
    spells: list[Spell], amount: int, unit: SpanUnit
) -> None:
    due = runs_out(Span(amount, unit), spells, RULES)
    assert spells[0].started_at < due <= runs_out(Span(amount + 1, unit), spells, RULES)


@given(_spells())
def test_working_time_is_never_more_than_time(spells: list[Spell]) -> None:
    now = Instant(datetime(2026, 7, 1, tzinfo=UTC))
    working = used(SpanUnit.WORKING_MINUTES, spells, now, RULES).amount
    assert 0 <= working <= used(SpanUnit.MINUTES, spells, now, RULES).amount


def test_a_kind_may_allow_everything_that_the_life_cycle_allows() -> None:
    kind: CaseKind = parse_case_kind(FREE.encode(), file="anything.yaml")
    assert {way.verb for way in kind.ways} == set(Verb) - UNTOUCHING - {Verb.OPEN}
    assert Case.__dataclass_params__.frozen  # type: ignore[attr-defined]
