"""Rules: what each kind finds, how findings merge, and that a batch is judged once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from shuzhi.decide.rules import State, WarningRaised, WarningWorsened
from shuzhi.kernel.law import Law


def test_a_rule_judges_what_is_new_and_each_row_once(bench: Any) -> None:
    bench.add(("a", -1, 900))
    high = bench.rule("high_value")
    bench.register(high)
    assert bench.judge(high).rules == ()
    bench.add(("a", 0, 101), ("b", 0, 99))
    assert [(r.state, r.findings, r.raised) for r in bench.judge(high).rules] == [
        (State.JUDGED, 1, 1)
    ]
    assert bench.judge(high).rules == ()
    assert bench.spans() == [("a", 0.0, 0.0, 1)]


def test_repeats_within_the_span_are_one_warning(bench: Any) -> None:
    bench.add(("z", -9, 1))
    high = bench.rule("high_value")
    bench.register(high)
    for hour in (0, 1, 3, 6, 8):
        bench.add(("a", hour, 200))
        bench.judge(high)
    assert bench.spans() == [("a", 0.0, 3.0, 3), ("a", 6.0, 8.0, 2)]
    assert len(bench.told()) == 2


def test_a_late_row_that_closes_the_gap_makes_one_warning_of_two(bench: Any) -> None:
    bench.add(("z", -9, 1))
    high = bench.rule("high_value")
    bench.register(high)
    for hour in (0, 4, 2):
        bench.add(("a", hour, 200 + hour))
        bench.judge(high)
    assert bench.spans() == [("a", 0.0, 4.0, 3)]
    assert bench.told() == [1, 2]


def test_the_past_is_what_lies_before_each_row_as_far_back_as_stated(bench: Any) -> None:
    bench.add(("a", -5, 1))
    jump = bench.rule("jump")
    bench.register(jump)
    bench.add(("a", 0, 10), ("b", 0, 10), ("a", 1, 21), ("b", 1, 20), ("a", 5, 90))
    bench.judge(jump)
    assert bench.spans() == [("a", 1.0, 1.0, 1)]


def test_the_limit_is_the_law_of_the_day_of_the_row(
    bench: Any, air_limit: Callable[..., Law]
) -> None:
    bench.law = air_limit((date(2026, 3, 1), 150), (date(2026, 3, 3), 120))
    bench.add(("z", -99, 1))
    limit = bench.rule("over_limit")
    bench.register(limit)
    # The day turns at 16:00 UTC in Shanghai: 12 hours after noon.
    bench.add(("a", -60, 900), ("b", 11, 130), ("c", 12, 130), ("d", 11, 151))
    bench.judge(limit)
    assert bench.spans() == [("c", 12.0, 12.0, 1), ("d", 11.0, 11.0, 1)]
    raised = [e for e in bench.heard if isinstance(e, WarningRaised)]
    assert [(e.case_kind, e.party, e.facts["most"]) for e in raised] == [
        ("pollution", None, 150),
        ("pollution", None, 120),
    ]


def test_a_stream_is_silent_when_no_value_came_for_so_long(bench: Any) -> None:
    bench.stations("a", "b", "c")
    bench.add(("a", 0, 1), ("b", 0, 1), ("c", 0, 1))
    dead = bench.rule("dead_station")
    bench.register(dead)
    bench.add(("a", 2, 1), ("b", 2, None))
    bench.look(2.5, dead)
    assert bench.warned() == []
    bench.look(3.5, dead)
    bench.look(4.5, dead)
    assert bench.spans() == [("c", 3.0, 4.0, 2), ("b", 3.0, 4.0, 2)]
    bench.add(("b", 4.9, 1), ("c", 4.9, 1))
    bench.look(7.5, dead)
    bench.look(9.5, dead)
    assert bench.spans() == [
        ("a", 5.0, 9.0, 5),
        ("c", 3.0, 4.0, 2),
        ("c", 8.0, 9.0, 2),
        ("b", 3.0, 4.0, 2),
        ("b", 8.0, 9.0, 2),
    ]


def test_a_warning_that_grows_graver_is_told_again(bench: Any) -> None:
    bench.add(("z", -9, 1))
    sql = "SELECT station, CASE WHEN value > 200 THEN 'Extreme' ELSE 'blue' END AS colour FROM new"
    by_row = bench.rule("high_value", sql=sql, severity="{column: colour}")
    bench.register(by_row)
    for hour, value in enumerate((100, 100, 300, 100)):
        bench.add(("a", hour, value))
        bench.judge(by_row)
    told = [(type(e), e.severity.value) for e in bench.heard]
    assert told == [(WarningRaised, "blue"), (WarningWorsened, "red")]
