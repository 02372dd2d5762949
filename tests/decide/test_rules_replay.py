"""Replay and rehearsal: history judged again says what live judging said; what if beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.decide.rules import Change, keep_replayed, rehearse, replay, warnings
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law

ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 40).map(lambda quarter: quarter / 4),
        st.sampled_from([10.0, 90.0, 125.0, 155.0, 400.0, None]),
    ),
    min_size=1,
    max_size=30,
)
CUTS = st.lists(st.integers(0, 30), max_size=6)
_many = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def between(bench: Any, first: float, last: float) -> tuple[Instant, Instant]:
    return (
        Instant(bench.noon + timedelta(hours=first)),
        Instant(bench.noon + timedelta(hours=last)),
    )


def replayed(bench: Any, *rules: Any, first: float = -1, last: float = 24) -> list[Any]:
    done = replay(bench.watch, rules, *between(bench, first, last))
    assert [one.failure for one in done] == [""] * len(rules)
    return bench.seen(warning for one in done for warning in one.warnings)


def batches(rows: Sequence[Any], cuts: Sequence[int]) -> list[Any]:
    ends = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    return [rows[a:b] for a, b in pairwise(ends)]


@_many
@given(ROWS, CUTS)
def test_history_says_what_live_judging_said_whatever_the_cut(
    new_bench: Callable[..., Any],
    air_limit: Callable[..., Law],
    rows: list[tuple[str, float, float | None]],
    cuts: list[int],
) -> None:
    rows.sort(key=lambda row: row[1])
    with new_bench() as bench:
        bench.law = air_limit((date(2026, 3, 1), 150), (date(2026, 3, 3), 120))
        bench.stations("a", "b", "d")
        bench.add(("a", -2, 50), ("c", -1.5, 60))
        bench.now = Instant(bench.noon - timedelta(minutes=30))
        dead = bench.rule("dead_station")
        rules = [bench.rule(name) for name in ("high_value", "jump", "over_limit")]
        bench.register(*rules, dead)
        parts = batches(rows, cuts)
        for part, after in zip(parts, [*parts[1:], [("", 24.0, None)]], strict=True):
            bench.add(*part)
            bench.judge(*rules)
            # No later than the next rows: what has not come by then is missing for good.
            bench.look(after[0][1] - 0.001, dead)
        assert bench.warned() == replayed(bench, *rules, dead, first=-0.5)


@_many
@given(ROWS, CUTS, st.randoms(use_true_random=False))
def test_a_rule_without_a_past_finds_the_same_in_whatever_order_rows_come(
    new_bench: Callable[..., Any], rows: list[Any], cuts: list[int], random: Any
) -> None:
    random.shuffle(rows)
    with new_bench() as bench:
        bench.add(("z", -1, 1))
        high = bench.rule("high_value", merge_within="75 minutes")
        bench.register(high)
        for part in batches(rows, cuts):
            bench.add(*part)
            bench.judge(high)
        assert bench.warned() == replayed(bench, high)


def test_a_replay_stores_nothing_unless_asked_and_then_nothing_twice(bench: Any) -> None:
    bench.add(("a", 0, 200), ("b", 5, 200))
    high = bench.rule("high_value")
    bench.register(high)
    bench.add(("a", 1, 200))
    bench.judge(high)
    done = replay(bench.watch, [high], *between(bench, -1, 9))
    assert [w.count for w in done[0].warnings] == [2, 1]
    assert (len(warnings(bench.watch)), len(bench.told())) == (1, 1)
    assert keep_replayed(bench.watch, done) == 1
    assert keep_replayed(bench.watch, done) == 0
    assert bench.spans() == [("a", 1.0, 1.0, 1), ("b", 5.0, 5.0, 1)]
    assert len(bench.told()) == 2


def test_a_replay_begins_and_ends_where_it_is_told(bench: Any) -> None:
    bench.add(*(("a", hour, 200) for hour in range(0, 30, 3)))
    high = bench.rule("high_value")
    assert [w[2] for w in replayed(bench, high, first=3, last=12)] == [3.0, 6.0, 9.0]


def test_a_rule_that_cannot_be_replayed_holds_up_no_other(bench: Any) -> None:
    bench.add(("a", 0, 200))
    high = bench.rule("high_value")
    bad = bench.rule("high_value", id="bad", sql="SELECT station FROM new WHERE colour = 'red'")
    bad_again = bench.rule("high_value", id="elsewhere", dataset="nowhere", values="{most: 1}")
    done = replay(bench.watch, [bad, bad_again, high], *between(bench, -1, 9))
    assert [len(one.warnings) for one in done] == [0, 0, 1]
    assert "colour" in done[0].failure
    assert done[1].failure == "there is no data set nowhere"


def test_a_rehearsal_compares_both_ways(bench: Any) -> None:
    bench.add(("a", 0, 110), ("b", 0, 210), ("a", 5, 130), ("c", 20, 90))
    high = bench.rule("high_value")
    change = Change(values={"high_value": {"most": "120", "severity": "red"}})
    done = rehearse(bench.watch, [high], *between(bench, -1, 24), change)
    (one,) = done.rules
    assert (len(one.present), len(one.other)) == (3, 2)
    assert [w.facts["value"] for w in one.only_present] == ["110.0"]
    assert one.only_other == ()
    # Two of three begin on the day of 12:00 in Shanghai, and so would both of the other.
    assert [(str(d.day), d.severity, d.present, d.other) for d in done.days] == [
        ("2026-03-02", "orange", 3, 0),
        ("2026-03-02", "red", 0, 2),
    ]
    lower = Change(values={"high_value": {"most": "80"}})
    (one,) = rehearse(bench.watch, [high], *between(bench, -1, 24), lower).rules
    assert [w.facts["station"] for w in one.only_other] == ["c"]
    assert one.only_present == ()
    assert warnings(bench.watch) == ()


def test_a_rehearsal_supposes_another_law(bench: Any, air_limit: Callable[..., Law]) -> None:
    bench.law = air_limit((date(2026, 3, 1), 150))
    bench.add(("a", 0, 110), ("b", 0, 160))
    rules = [bench.rule("over_limit"), bench.rule("high_value")]
    done = rehearse(bench.watch, rules, *between(bench, -1, 9), Change(limits={"air_limit": "100"}))
    (one,) = done.rules
    assert (one.rule_id, len(one.present), len(one.other)) == ("over_limit", 1, 2)
    assert [(w.facts["station"], w.facts["most"]) for w in one.only_other] == [("a", 100)]


def test_a_rehearsal_gives_silence_another_span(bench: Any) -> None:
    bench.stations("a")
    bench.add(("a", 0, 1), ("a", 5, 1), ("a", 7, 1))
    dead = bench.rule("dead_station")
    change = Change(values={"dead_station": {"after": "6h"}})
    (one,) = rehearse(bench.watch, [dead], *between(bench, 1, 9), change).rules
    assert bench.seen(one.present)[0][2:5] == (3.0, 4.0, 2)
    assert one.other == ()


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (Change(), "decide.nothing_to_rehearse", "The change touches no rule."),
        (
            Change(values={"nothing": {"most": "1"}}),
            "decide.nothing_to_rehearse",
            "There is no rule 'nothing' to rehearse.",
        ),
        (
            Change(values={"high_value": {"least": "1"}}),
            "decide.no_such_value",
            "The rule high_value has no value 'least'.",
        ),
        (
            Change(values={"high_value": {"most": "much"}}),
            "decide.bad_value",
            "'much' cannot be most.",
        ),
        (
            Change(limits={"no_limit": "1"}),
            "kernel.law_unknown",
            "No loaded law file has a parameter 'no_limit'.",
        ),
    ],
)
def test_a_change_that_means_nothing_is_refused(
    bench: Any, change: Change, code: str, message: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        rehearse(bench.watch, [bench.rule("high_value")], *between(bench, 0, 9), change)
    assert (refusal.value.code, refusal.value.message) == (code, message)
