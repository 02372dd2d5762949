"""Rules that fail: each is switched off with a word to its owner, and stops no other."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event as Signal
from threading import Thread
from time import monotonic
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.decide.rules import (
    State,
    Taken,
    WarningRaised,
    evaluate,
    keep_replayed,
    replay,
    switch_off,
    switch_on,
    tell,
    warnings,
)
from shuzhi.kernel.errors import BrokenError, RefusedError
from shuzhi.kernel.events import Event
from shuzhi.kernel.instant import Instant

EXISTS = "SELECT station, value FROM new WHERE EXISTS (SELECT 1 FROM {})"


@pytest.fixture
def ready(bench: Any) -> Any:
    """A bench with a rule that is well, `high_value`, and one row for it to find."""
    bench.add(("z", -9, 1))
    return bench


def judged_beside(bench: Any, bad: Any, *rows: Any) -> dict[str, str]:
    """Judge a batch by a rule and by one that is well; return what is said of the first."""
    well = bench.rule("high_value")
    bench.register(bad, well)
    bench.add(("a", 0, 500), *rows)
    states = {r.rule_id: r.state for r in bench.judge(bad, well).rules}
    assert states == {bad.id: State.SWITCHED_OFF, "high_value": State.JUDGED}
    assert [w.rule_id for w in warnings(bench.watch)] == ["high_value"]
    assert bench.told_off() == [(bad.id, "environment_office")]
    return bench.off()


def test_a_rule_whose_sql_fails_is_off_and_the_others_run(ready: Any) -> None:
    bad = ready.rule(
        "high_value", id="bad", sql="SELECT CAST(station AS DOUBLE) AS station FROM new"
    )
    said = judged_beside(ready, bad)["bad"]
    assert said.startswith("failed: Conversion Error: Could not convert string 'a' to DOUBLE")


def test_a_rule_that_runs_too_long_is_stopped(ready: Any) -> None:
    ready.lake.append("numbers", pa.table({"n": range(60_000)}))
    sql = EXISTS.format("numbers AS a, numbers AS b, numbers AS c WHERE (a.n + b.n * c.n) % 7 = 8")
    endless = ready.rule(
        "high_value", id="endless", sql=sql, reads="[numbers]", limits="{max_seconds: 0.5}"
    )
    began = monotonic()
    assert judged_beside(ready, endless) == {"endless": "slow: it ran longer than 0.5 s"}
    assert monotonic() - began < 10


def test_a_rule_that_wants_more_memory_than_there_is_is_off(ready: Any) -> None:
    ready.lake.append("numbers", pa.table({"n": range(1_500)}))
    ready.memory_limit = "16MB"
    sql = EXISTS.format(
        "numbers AS a, numbers AS b HAVING COUNT(DISTINCT CONCAT(a.n, '-', b.n)) > 1"
    )
    greedy = ready.rule(
        "high_value", id="greedy", sql=sql, reads="[numbers]", limits="{max_seconds: 60}"
    )
    said = judged_beside(ready, greedy)["greedy"]
    assert said.startswith("failed: Out of Memory Error")


def test_a_rule_that_warns_of_everything_is_off_and_warns_of_nothing(ready: Any) -> None:
    flood = ready.rule("high_value", id="flood", values="{most: 0}", limits="{max_warnings: 3}")
    said = judged_beside(ready, flood, *((f"s{i}", 0, 1) for i in range(3)))
    assert said == {"flood": "too_many: it raised more than 3 warnings at once"}


def test_an_unknown_severity_switches_off(ready: Any) -> None:
    sql = "SELECT station, 'pink' AS colour FROM new"
    pink = ready.rule("high_value", id="pink", sql=sql, severity="{column: colour}")
    assert judged_beside(ready, pink) == {"pink": "failed: 'pink' in colour is no severity"}


def test_reference_data_that_are_still_to_come_are_waited_for(ready: Any) -> None:
    waits = ready.rule("high_value", sql=EXISTS.format("stations"), reads="[stations]")
    ready.register(waits)
    ready.add(("a", 0, 500))
    (said,) = ready.judge(waits).rules
    assert (said.state, said.reason) == (State.WAITING, "there is no data set stations yet")
    assert ready.off() == {}
    ready.stations("a")
    assert ready.judge(waits).raised == 1


def test_reference_data_that_vanish_switch_off(ready: Any) -> None:
    ready.stations("a")
    needs = ready.rule("high_value", id="needs", sql=EXISTS.format("stations"), reads="[stations]")
    ready.register(needs)
    ready.add(("a", -5, 500))
    ready.judge(needs)
    _remove(ready, "stations")
    ready.add(("a", 0, 500))
    (said,) = ready.judge(needs).rules
    assert said.state is State.SWITCHED_OFF
    assert ready.off() == {"needs": "failed: the data set stations, which it reads, is gone"}
    assert ready.told_off() == [("needs", "environment_office")]


def test_a_data_set_that_vanishes_switches_off_and_one_made_anew_is_passed_over(
    ready: Any,
) -> None:
    high, low = ready.rule("high_value"), ready.rule("high_value", id="low", values="{most: 1}")
    ready.add(("a", -1, 1))
    ready.register(high, low)
    _remove(ready, "readings")
    ready.judge(high)
    assert ready.off() == {"high_value": "failed: the data set readings is gone"}
    ready.add(("a", 0, 500))
    (said,) = ready.judge(low).rules
    assert (said.state, said.reason) == (
        State.PASSED_OVER,
        "the data set readings was made anew",
    )
    ready.add(("a", 1, 500))
    assert ready.judge(low).raised == 1


def test_a_column_that_went_away_switches_off(ready: Any) -> None:
    ready.stations("a")
    by_district = ready.rule(
        "high_value",
        id="by_district",
        sql="SELECT new.station, s.district FROM new JOIN stations AS s ON s.station = new.station",
        reads="[stations]",
    )
    ready.register(by_district)
    _remove(ready, "stations")
    ready.lake.append("stations", pa.table({"station": ["a"]}))
    well = ready.rule("high_value")
    ready.register(well)
    ready.add(("a", 0, 500))
    ready.judge(by_district, well)
    assert 'does not have a column named "district"' in ready.off()["by_district"]
    assert len(warnings(ready.watch)) == 1


def test_a_rule_that_cannot_run_is_refused_and_tried_again(ready: Any) -> None:
    limit = ready.rule("over_limit")
    colour = ready.rule("high_value", id="colour", sql="SELECT station, colour FROM new")
    no_time = ready.rule("high_value", id="no_time", event_time="station")
    done = ready.register(limit, colour, no_time)
    assert [(r.taken, r.version) for r in done] == [(Taken.REFUSED, 1)] * 3
    assert [r.problem.partition(". ")[0] for r in done] == [
        "No loaded law file has a parameter 'air_limit'",
        "Line 1, column 17: there is no column 'colour' here",
        "'station' of readings cannot be the time of a row: it is a string",
    ]
    assert [rule for rule, _ in ready.told_off()] == ["over_limit", "colour", "no_time"]
    assert [r.taken for r in ready.register(limit)] == [Taken.REFUSED]
    assert len(ready.told_off()) == 3
    mended = ready.rule("high_value", id="colour")
    assert [(r.taken, r.version) for r in ready.register(mended)] == [(Taken.CHANGED, 2)]


def test_rows_that_cannot_be_read_are_judged_when_they_can(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    before = set(ready.lake.files("readings"))
    ready.add(("a", 0, 500))
    (file,) = set(ready.lake.files("readings")) - before
    Path(file).rename(file + ".away")
    with pytest.raises(BrokenError) as broken:
        ready.judge(high)
    assert broken.value.code == "decide.lake_unreadable"
    assert ready.off() == {}
    Path(file + ".away").rename(file)
    assert ready.judge(high).raised == 1


def test_rows_that_the_lake_can_no_longer_tell_are_passed_over_and_replayed(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    again = ready.readings(("z", -9, 2), ("a", 0, 500))
    ready.lake.upsert("readings", again, key=["station", "observed_at"])
    ready.lake.vacuum("readings", keep_hours=0)
    (said,) = ready.judge(high).rules
    assert said.state is State.PASSED_OVER
    since, until = (Instant(ready.noon + timedelta(hours=h)) for h in (-1, 1))
    assert keep_replayed(ready.watch, replay(ready.watch, [high], since, until)) == 1
    ready.add(("a", 1, 500))
    assert ready.judge(high).rules[0].grown == 1
    assert ready.spans() == [("a", 0.0, 1.0, 2)]


def test_a_reaction_that_fails_holds_up_no_other_warning(ready: Any) -> None:
    heard: list[Event] = []

    def hear(event: Event) -> None:
        if isinstance(event, WarningRaised) and event.facts["station"] == "b":
            raise RefusedError("test.no", "Not this one.")
        heard.append(event)

    ready.publish = hear
    high = ready.rule("high_value")
    ready.register(high)
    ready.add(("a", 0, 500), ("b", 0, 500), ("c", 0, 500))
    with pytest.raises(RefusedError, match="Not this one"):
        ready.judge(high)
    ready.heard, heard = heard, []
    assert ready.told() == [1, 3]
    ready.publish, ready.heard = None, []
    assert tell(ready.watch) == 1
    assert ready.told() == [2]


def test_a_rule_is_switched_off_and_on_by_hand(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    switch_off(ready.watch, high.id, reason="the sensor is being moved", by="d.chen")
    assert ready.off() == {"high_value": "by_hand: the sensor is being moved"}
    ready.add(("a", 0, 500))
    assert ready.judge(high).rules == ()
    ready.register(high)
    assert list(ready.off()) == ["high_value"]
    switch_on(ready.watch, high, by="d.chen")
    assert ready.judge(high).rules == ()
    ready.add(("b", 1, 500))
    assert ready.judge(high).raised == 1
    assert ready.spans() == [("b", 1.0, 1.0, 1)]


def test_a_changed_rule_goes_on_where_the_one_before_stood(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    ready.add(("a", 0, 60))
    lower = ready.rule("high_value", values="{most: 50}")
    assert [(r.taken, r.version) for r in ready.register(lower)] == [(Taken.CHANGED, 2)]
    assert evaluate(ready.watch, [high], "readings").rules == ()
    assert ready.judge(lower).raised == 1
    assert [w.rule_version for w in warnings(ready.watch)] == [2]


def test_a_silence_over_a_data_set_that_never_came_is_a_silence(bench: Any) -> None:
    bench.stations("a", "b")
    dead = bench.rule("dead_station")
    bench.register(dead)
    bench.look(1, dead)
    assert bench.spans() == [("a", 1.0, 1.0, 1), ("b", 1.0, 1.0, 1)]


def test_what_another_process_judged_meanwhile_counts_once(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    ready.add(("a", 0, 500))
    watch = ready.watch
    inner: list[Any] = []

    def clock() -> Instant:
        # The clock is asked after judging and before keeping: just when another may be quicker.
        if not inner:
            inner.append(None)
            inner.append(ready.judge(high))
        return Instant(ready.noon + timedelta(hours=1))

    slower = type(watch)(watch.control, watch.lake, watch.law, watch.zone, clock, watch.publish)
    (said,) = evaluate(slower, [high], "readings").rules
    assert (inner[1].raised, said.state) == (1, State.ELSEWHERE)
    assert ready.spans() == [("a", 0.0, 0.0, 1)]


def test_rows_that_a_quicker_process_had_not_seen_are_judged_all_the_same(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)
    ready.add(("a", 0, 500))
    has_judged, may_keep = Signal(), Signal()

    def before_keeping() -> Instant:
        has_judged.set()
        may_keep.wait(20)
        return Instant(ready.noon)

    def after_the_other() -> Instant:
        may_keep.set()
        other.join(20)
        return Instant(ready.noon)

    watch = ready.watch
    first = replace(watch, clock=before_keeping)
    other = Thread(target=evaluate, args=(first, [high], "readings"))
    other.start()
    assert has_judged.wait(20)
    ready.add(("b", 0, 600))
    evaluate(replace(watch, clock=after_the_other), [high], "readings")
    assert ready.spans() == [("a", 0.0, 0.0, 1), ("b", 0.0, 0.0, 1)]


def test_a_rule_that_is_off_again_while_its_owner_is_told_is_told_again(ready: Any) -> None:
    high = ready.rule("high_value")
    ready.register(high)

    def deaf(event: Event) -> None:
        raise RefusedError("test.deaf", f"Nobody hears {event}.")

    def off_again(event: Event) -> None:
        ready.heard.append(event)
        ready.publish = None
        elsewhere = replace(ready.watch, publish=deaf)
        switch_on(elsewhere, high, by="d.chen")
        with pytest.raises(RefusedError, match="Nobody hears"):
            switch_off(elsewhere, high.id, reason="again", by="d.chen")

    ready.publish = off_again
    switch_off(ready.watch, high.id, reason="first", by="d.chen")
    tell(ready.watch)
    assert [event.reason for event in ready.heard] == ["first", "again"]


def _remove(bench: Any, dataset: str) -> None:
    folder = Path(bench.lake.files(dataset)[0]).parent
    while not (folder / "_delta_log").is_dir():
        folder = folder.parent
    shutil.rmtree(folder)
