"""Whatever parties try, whenever they try it: clocks, states and histories hold together."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from shuzhi.act.cases import cases
from shuzhi.app.running.catching_up import correct
from shuzhi.audit.outbox import outbox_table
from shuzhi.gather.lake import LakeSettings, open_lake
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.agreements import Actor
from shuzhi.share.correction import (
    Decision,
    DecisionKind,
    Doubt,
    Doubted,
    Doubter,
    DoubtId,
    DoubtState,
    Nearness,
    Review,
    Used,
    Verb,
    accept,
    acknowledge,
    doubt_file,
    doubts,
    keep,
    possible,
    refer,
    replayed,
    review,
    source_parties,
    submit,
    tick,
    withdraw,
)
from shuzhi.share.correction.rows import find_used
from shuzhi.share.correction.store import step_table
from shuzhi.share.forms import designate
from shuzhi.web.api.share.doubt_answers import DoubtAnswer

KEY = (("station", "s1"), ("at", "2026-03-02 00:00:00+00"))
WHAT = Doubted("air", KEY, "pm10", "10", "11")
PARTIES = ("ecology", "meteo", "water", "city")
_people = st.sampled_from(PARTIES).map(lambda party: Actor(f"{party}.x", PartyId(party)))
_numbers = st.integers(1, 4).map(DoubtId)
START = parse_instant("2026-03-02T01:00:00+00:00")


class Doubting(RuleBasedStateMachine):
    """Parties who try anything with doubts, while data come in and days go by."""

    def __init__(self, new_air: Callable[[Path], Any]) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.air = new_air(Path(self.folder.name))
        self.air.write([("s1", 0, 10)])
        city = self.air.city
        designate(
            city.sharing_office, "meaning:air.pm10", PartyId("meteo"),
            by=Actor("c", PartyId("city")), why="A test",
        )  # fmt: skip
        self.now = START
        self.events: list[Any] = []
        base = city.correction_office
        sharing = replace(base.receipts.sharing, clock=lambda: self.now, publish=self.events.append)
        receipts = replace(base.receipts, sharing=sharing)
        self.office = replace(base, receipts=receipts, decisions=self._decisions)

    def _decisions(self, used: Used) -> Iterable[Decision]:
        yield Decision(
            DecisionKind.INDICATOR, "1", used.until, PartyId("water"), "A sum", "air", 0,
            Nearness.DATASET,
        )  # fmt: skip

    @rule(by=_people, who=st.sampled_from(Doubter))
    def submit(self, by: Actor, who: Doubter) -> None:
        submit(self.office, WHAT, by=by, doubter=who)

    @rule(number=_numbers, by=_people, verb=st.sampled_from(["keep", "withdraw", "acknowledge"]))
    def end(self, number: DoubtId, by: Actor, verb: str) -> None:
        acts: dict[str, Callable[[], Doubt]] = {
            "keep": lambda: keep(self.office, number, by=by, text="It is right"),
            "withdraw": lambda: withdraw(self.office, number, by=by, text="A slip"),
            "acknowledge": lambda: acknowledge(self.office, number, by=by),
        }
        self._try(acts[verb], number, by)

    @rule(number=_numbers, by=_people, value=st.sampled_from(["10", "11", None, "no number"]))
    def accept(self, number: DoubtId, by: Actor, value: str | None) -> None:
        self._try(lambda: accept(self.office, number, value, by=by), number, by)

    @rule(number=_numbers, by=_people, to=st.sampled_from(PARTIES).map(PartyId))
    def refer(self, number: DoubtId, by: Actor, to: PartyId) -> None:
        self._try(lambda: refer(self.office, number, to, by=by, text="Theirs"), number, by)

    @rule(number=_numbers, by=_people, found=st.sampled_from(Review))
    def review(self, number: DoubtId, by: Actor, found: Review) -> None:
        what = (number, DecisionKind.INDICATOR, "1", found)
        self._try(lambda: review(self.office, *what, by=by, why="Looked at"), number, by)

    @rule(value=st.sampled_from([10, 11, None]))
    def load(self, value: int | None) -> None:
        self.air.write([("s1", 0, value)])

    @rule(span=st.timedeltas(timedelta(0), timedelta(days=12)))
    def wait(self, span: timedelta) -> None:
        self.now = Instant(min(self.now + span, datetime(2026, 11, 1, tzinfo=UTC)))

    @rule()
    def tick(self) -> None:
        assert tick(self.office).refused == ()

    def _try(self, act: Callable[[], Doubt], number: DoubtId, by: Actor) -> None:
        """Do what may be refused, but then leaves everything as it was."""
        before = {d.id: d for d in doubts(self.office)}
        try:
            act()
        except RefusedError:
            after = {d.id: d for d in doubts(self.office)}
            # Only a clock may have broken meanwhile, and that was rolled back with the refusal.
            assert after == before
        else:
            assert before[number].state.value in {d.value for d in DoubtState}
            assert by.party is not None

    @invariant()
    def every_history_makes_its_doubt(self) -> None:
        for doubt in doubts(self.office):
            assert replayed(self.office, doubt.id) == doubt

    @invariant()
    def whoever_has_to_answer_is_under_a_clock(self) -> None:
        for doubt in doubts(self.office):
            live = [run for run in doubt.runs if run.ended_at is None]
            is_waiting = doubt.state in (DoubtState.CHECKING, DoubtState.CORRECTING)
            assert [run.party for run in live] == ([doubt.responsible] if is_waiting else [])
            assert doubt.responsible in source_parties(self.office, doubt.what)

    @invariant()
    def what_is_closed_was_gone_through(self) -> None:
        for doubt in doubts(self.office):
            if doubt.state is DoubtState.CLOSED:
                file = doubt_file(self.office, doubt.id)
                assert all(each.review is not Review.OPEN for each in file.listed)
                assert all(n.acknowledged_at is not None for n in file.notices)
            if doubt.state in (DoubtState.RECALLING, DoubtState.CLOSED):
                assert doubt.used is not None
                assert doubt.is_accepted

    @invariant()
    def every_step_has_its_audit_entry(self) -> None:
        with self.office.control.transaction() as connection:
            steps = connection.scalar(select(func.count()).select_from(step_table))
            contents = connection.scalars(select(outbox_table.c.content)).all()
        kinds = [json.loads(content)["kind"] for content in contents]
        assert sum(kind.startswith("doubt.") for kind in kinds) == steps

    def teardown(self) -> None:
        self.folder.cleanup()


def test_nothing_that_parties_try_breaks_a_doubt(new_air: Callable[[Path], Any]) -> None:
    run_state_machine_as_test(
        lambda: Doubting(new_air),
        settings=settings(max_examples=3, stateful_step_count=20, deadline=None),
    )


@pytest.fixture(scope="module")
def still(new_air: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A city whose data stay as they are."""
    air = new_air(tmp_path_factory.mktemp("still"))
    air.write([("s1", 0, 10)])
    return air


@pytest.mark.parametrize(
    ("submitted", "due"),
    [
        # Ten working days from a Monday.
        ("2026-03-02T01:00:00+00:00", "2026-03-16T16:00:00+00:00"),
        # Late in the evening in Shanghai is the next day there.
        ("2026-03-02T17:00:00+00:00", "2026-03-17T16:00:00+00:00"),
        # Over the Spring Festival (15 to 23 February), with two Saturdays that are worked.
        ("2026-02-12T01:00:00+00:00", "2026-03-04T16:00:00+00:00"),
        # Over the National Day (1 to 7 October), with one Saturday that is worked.
        ("2026-09-28T01:00:00+00:00", "2026-10-16T16:00:00+00:00"),
    ],
)
def test_the_clock_counts_working_days(still: Any, submitted: str, due: str) -> None:
    still.to(submitted)
    held = submit(still.city.correction_office, WHAT, by=Actor("w", PartyId("water")))
    (run,) = held.runs
    assert run.due_at is not None
    assert run.due_at.isoformat() == due
    assert run.term is not None
    assert (run.term.days, run.term.is_verified) == (10, False)


def test_a_late_answer_becomes_one_case_and_a_referred_doubt_a_new_clock(air: Any) -> None:
    air.write([("s1", 0, 10)])
    air.to("2026-03-02T01:00:00+00:00")
    city = air.city
    held = submit(city.correction_office, WHAT, by=Actor("w", PartyId("water")))
    air.to("2026-03-17T01:00:00+00:00")
    late = air.city
    assert correct(late) == 1
    assert correct(late) == 0
    (case,) = cases(late.office).cases
    assert (case.kind, case.responsible) == ("sharing_overdue", "ecology")
    with pytest.raises(RefusedError) as refusal:
        refer(
            late.correction_office, held.id, PartyId("meteo"),
            by=Actor("e", PartyId("ecology")), text="Theirs",
        )  # fmt: skip
    assert refusal.value.code == "share.not_a_source"
    designate(
        late.sharing_office, "column:air.pm10", PartyId("meteo"),
        by=Actor("c", PartyId("city")), why="It measures",
    )  # fmt: skip
    after = refer(
        late.correction_office, held.id, PartyId("meteo"),
        by=Actor("e", PartyId("ecology")), text="Theirs",
    )  # fmt: skip
    assert (after.responsible, after.runs[-1].party) == ("meteo", "meteo")
    assert after.runs[0].ended_at is not None
    assert possible(after, PartyId("ecology")) == ()
    assert Verb.KEEP in possible(after, PartyId("meteo"))


def test_a_doubt_goes_round_in_no_circle(air: Any) -> None:
    air.write([("s1", 0, 10)])
    air.to("2026-03-02T01:00:00+00:00")
    city = air.city
    office, authority = city.correction_office, Actor("c", PartyId("city"))
    told = {"by": authority, "why": "It measures"}
    designate(city.sharing_office, "column:air.pm10", PartyId("meteo"), is_lead=False, **told)
    held = submit(office, WHAT, by=Actor("w", PartyId("water"))).id
    ecology, meteo = (Actor("x", PartyId(party)) for party in ("ecology", "meteo"))
    refer(office, held, PartyId("meteo"), by=ecology, text="Theirs")
    with pytest.raises(RefusedError) as refusal:
        refer(office, held, PartyId("ecology"), by=meteo, text="No, theirs")
    assert refusal.value.code == "share.had_it_already"
    # Whom the authority names as the one that counts gets it once more, and answers.
    designate(city.sharing_office, "column:air.pm10", PartyId("ecology"), **told)
    refer(office, held, PartyId("ecology"), by=meteo, text="They lead")
    with pytest.raises(RefusedError) as refusal:
        refer(office, held, PartyId("meteo"), by=ecology, text="Theirs")
    assert refusal.value.code == "share.had_it_already"
    assert keep(office, held, by=ecology, text="It is right").state is DoubtState.KEPT


def test_what_clocks_did_makes_no_look_stale(air: Any) -> None:
    air.write([("s1", 0, 10)])
    air.to("2026-03-02T01:00:00+00:00")
    held = submit(air.city.correction_office, WHAT, by=Actor("w", PartyId("water")))
    air.to("2026-03-17T01:00:00+00:00")
    office, ecology = air.city.correction_office, Actor("e", PartyId("ecology"))
    assert tick(office).moved == 1
    after = accept(office, held.id, "11", by=ecology, seen=held.version)
    assert (after.state, after.version) == (DoubtState.CORRECTING, 3)
    with pytest.raises(RefusedError) as refusal:
        keep(office, held.id, by=ecology, text="No", seen=2)
    assert refusal.value.code == "share.changed_meanwhile"


@pytest.mark.parametrize("length", [195, 5_000])
def test_a_request_that_is_called_too_much_is_refused_and_not_taken_for_another(
    still: Any, length: int
) -> None:
    still.to("2026-03-02T01:00:00+00:00")
    office, water = still.city.correction_office, Actor("w", PartyId("water"))
    for end in "ab":
        with pytest.raises(RefusedError) as refusal:
            submit(office, WHAT, by=water, origin="x" * length + end)
        assert refusal.value.code == "share.bad_text"


def test_a_clock_into_an_unknown_year_waits_for_its_calendar(still: Any, tmp_path: Path) -> None:
    still.to("2026-12-28T01:00:00+00:00")
    city = still.city
    held = submit(city.correction_office, WHAT, by=Actor("w", PartyId("water")))
    (run,) = held.runs
    assert (run.due_at, run.is_live) == (None, True)
    told = DoubtAnswer.told(held)
    assert (told.due_at, told.why_undated) == (None, "kernel.calendar_ends")
    file, dues = tmp_path / "notice.yaml", []
    for more in ("", ", 2027-01-05"):
        days = f"[2027-01-01, 2027-05-01, 2027-10-01{more}]"
        written = f"year: 2027\nlegal_reference: a test{more}\nholidays: {days}"
        file.write_text(f"{written}\nworking_weekends: []\n", encoding="utf-8")
        still.to(f"2026-12-29T0{len(dues) + 1}:00:00+00:00")
        city.take_notice(file)
        assert [city.date().sharing for _ in range(2)] == [1, 0]
        dues.append(doubt_file(city.correction_office, held.id).doubt.runs[0].due_at)
    assert dues[0] < dues[1]
    step = doubt_file(city.correction_office, held.id).steps[-1]
    assert (step.verb, step.facts["instead_of"]) == (Verb.DATE_CLOCK, dues[0].isoformat())
    assert step.facts["source"] == "a test, 2027-01-05"
    found = doubt_file(city.correction_office, held.id).doubt
    assert replayed(city.correction_office, held.id) == found


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dataset": "nothing"}, "gather.no_contract"),
        ({"column": "dust"}, "share.doubt_bad"),
        ({"key": KEY[:1]}, "share.doubt_bad"),
        ({"key": (*KEY, ("pm10", "1"))}, "share.doubt_bad"),
        ({"right": "much"}, "share.value_unfit"),
        ({"evidence": "x" * 5000}, "share.bad_text"),
        ({"dataset": "\ud800"}, "share.bad_text"),
        ({"seen": "\ud800"}, "share.bad_text"),
        ({"right": "\ud800"}, "share.bad_text"),
        ({"key": (("station", "\ud800"), KEY[1])}, "share.bad_text"),
        ({"documents": ("\ud800",)}, "share.bad_text"),
    ],
)
def test_what_cannot_be_doubted_is_refused(still: Any, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        submit(
            still.city.correction_office, replace(WHAT, **changes),
            by=Actor("w", PartyId("water")),
        )  # fmt: skip
    assert refusal.value.code == code


def test_a_doubt_about_a_row_that_is_not_there_tells_nothing(still: Any) -> None:
    still.to("2026-03-02T01:00:00+00:00")
    office = still.city.correction_office
    there = submit(office, WHAT, by=Actor("w", PartyId("water")), origin="form:1")
    missing = replace(WHAT, key=(("station", "s9"), KEY[1]))
    other = submit(office, missing, by=Actor("w", PartyId("water")), origin="form:2")
    assert replace(other, id=there.id, what=there.what, submitted_at=there.submitted_at,
                   changed_at=there.changed_at, runs=there.runs) == there  # fmt: skip
    again = submit(office, WHAT, by=Actor("w", PartyId("water")), origin="form:1")
    assert again == there


@given(values=st.lists(st.sampled_from([10, 11, 12]), min_size=1, max_size=6))
@settings(max_examples=10, deadline=None)
def test_the_versions_that_held_the_wrong_value_are_found(values: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(Path(folder))
        for turn, value in enumerate(values):
            # Another row changes each time, so that each load is a version.
            rows = pa.table({"k": ["a", "b"], "v": [value, turn]})
            lake.upsert("t", rows, key=["k"])
        found = find_used(lake, "t", (("k", "a"),), "v", str(values[-1]))
    assert found is not None
    spans = [(value, [i for i, _ in group]) for value, group in _runs_of(values)]
    assert found.new_version == spans[-1][1][0]
    before = spans[-2:-1] or [(None, [None])]
    ((old, versions),) = before
    expected = (None if old is None else str(old), versions[0], versions[-1])
    assert (found.old, found.first_version, found.last_version) == expected


@pytest.mark.parametrize(
    ("values", "doubted", "expected"),
    [
        # Blanked, or mended to another wrong value, before the right one came in.
        ([10, None, 12], 0, ("10", 0, 1)),
        ([7, 10, 10, 11, 12], 2, ("10", 1, 3)),
        # Right for a moment, and wrong again.
        ([10, 12, 11, 12], 0, ("10", 0, 2)),
        # It was right when it was doubted: what was seen stood there before.
        ([10, 12], 1, ("10", 0, 0)),
        ([9, 10, 12, 12, 11, 12], 3, ("11", 4, 4)),
        # Who doubted before that was noted finds the last wrong value alone.
        ([10, 11, 12], None, ("11", 1, 1)),
    ],
)
def test_all_that_stood_there_since_the_doubt_is_called_back(
    tmp_path: Path,
    values: list[int | None],
    doubted: int | None,
    expected: tuple[str | None, int, int],
) -> None:
    lake = open_lake(tmp_path)
    for turn, value in enumerate(values):
        rows = {"k": ["a", "b"], "v": pa.array([value, turn], pa.int64())}
        lake.upsert("t", pa.table(rows), key=["k"])
    found = find_used(lake, "t", (("k", "a"),), "v", "12", doubted=doubted)
    assert found is not None
    assert (found.old, found.first_version, found.last_version) == expected


def _runs_of(values: list[int]) -> Iterable[tuple[int, Iterable[tuple[int, int]]]]:
    return groupby(enumerate(values), key=lambda pair: pair[1])


def test_what_was_before_the_log_begins_nobody_can_tell(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, settings=LakeSettings(checkpoint_every_commits=3, log_kept_days=0))
    for value in (7, 8, 9, 9, 1):
        lake.overwrite("t", pa.table({"k": ["a"], "v": [value]}))
    assert lake.history("t")[-1].version > 0
    found = find_used(lake, "t", (("k", "a"),), "v", "1")
    assert found is not None
    assert (found.first_version, found.is_whole) == (lake.history("t")[-1].version, False)
