"""Tracing upstream and downstream, and events handed over and taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from shuzhi.gather.lineage import (
    ColumnRef,
    Input,
    Kind,
    Node,
    Output,
    Run,
    SchemaField,
    Subtype,
    Trace,
    export_events,
    import_events,
    lake_node,
    record_run,
    trace,
)
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
CSV = Node("file", "flights.csv")


def run(number: int, source: Node, target: Node, columns: dict[str, tuple[ColumnRef, ...]]) -> Run:
    at = Instant(NOON + timedelta(minutes=number))
    fields = tuple(SchemaField(c, "string") for c in columns or ("carrier", "delay"))
    return Run(
        RunId(UUID(int=number)),
        f"job:{target.name}",
        "model",
        (Input(source),),
        (Output(target, fields, columns),),
        at,
        at,
        is_complete=True,
    )


@pytest.fixture
def other_control(tmp_path: Path) -> Control:
    store = open_control(f"sqlite:///{tmp_path / 'other.db'}")
    metadata.create_all(store.engine)
    return store


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Control:
    store = open_control(f"sqlite:///{tmp_path_factory.mktemp('lineage') / 'control.db'}")
    metadata.create_all(store.engine)
    return store


@pytest.fixture
def chain(control: Control) -> Control:
    """File → flights (no columns told) → delays → league, each of the one before."""
    flights, delays, league = (lake_node(n) for n in ("flights", "delays", "league"))
    record_run(control, run(1, CSV, flights, {}))
    by_carrier = ColumnRef(flights, "carrier", Kind.INDIRECT, Subtype.GROUP_BY)
    mean = ColumnRef(flights, "delay", Kind.DIRECT, Subtype.AGGREGATION)
    told = {"carrier": (ColumnRef(flights, "carrier"), by_carrier), "mean": (mean, by_carrier)}
    record_run(control, run(2, flights, delays, told))
    record_run(control, run(3, delays, league, {"rank": (ColumnRef(delays, "mean"),)}))
    return control


def said(found: Trace) -> tuple[list[str], list[str]]:
    return (
        [f"{s.distance} {s.source} -> {s.target}" for s in found.upstream],
        [f"{s.distance} {s.source} -> {s.target}" for s in found.downstream],
    )


def test_a_data_set_is_traced_both_ways(chain: Control) -> None:
    assert said(trace(chain, "delays")) == (
        ["1 flights -> delays", "2 file:flights.csv -> flights"],
        ["1 delays -> league"],
    )


def test_a_column_is_traced_to_columns_and_where_none_are_told_to_the_data_set(
    chain: Control,
) -> None:
    found = trace(chain, "league.rank")
    assert said(found)[0] == [
        "1 delays.mean -> league.rank",
        "2 flights.carrier -> delays.mean",
        "2 flights.delay -> delays.mean",
        "3 file:flights.csv -> flights",
    ]
    assert [s.how for s in found.upstream[:3]] == [
        (Subtype.IDENTITY,),
        (Subtype.GROUP_BY,),
        (Subtype.AGGREGATION,),
    ]


def test_what_depends_on_a_column_is_found(chain: Control) -> None:
    assert said(trace(chain, "flights.delay"))[1] == [
        "1 flights.delay -> delays.mean",
        "2 delays.mean -> league.rank",
    ]


def test_a_trace_stops_at_its_depth_and_says_so(chain: Control) -> None:
    found = trace(chain, "league", depth=1)
    assert (len(found.upstream), found.is_cut) == (1, True)
    assert not trace(chain, "league", depth=3).is_cut


def test_a_circle_ends(control: Control) -> None:
    a, b = lake_node("a"), lake_node("b")
    record_run(control, run(1, a, b, {}))
    record_run(control, run(2, b, a, {}))
    assert said(trace(control, "a")) == (["1 b -> a", "2 a -> b"], ["1 a -> b", "2 b -> a"])


def test_only_the_newest_complete_run_of_a_job_counts(chain: Control) -> None:
    record_run(chain, run(9, Node("file", "other.csv"), lake_node("flights"), {}))
    assert said(trace(chain, "flights"))[0] == ["1 file:other.csv -> flights"]


@pytest.mark.parametrize(
    ("what", "message", "next_step"),
    [
        ("flight", "No run has told of the data set 'flight'.", "Did you mean flights"),
        ("flights.dlay", "the column 'dlay' of 'flights'", "Did you mean delay?"),
    ],
)
def test_what_nobody_told_of_is_refused(
    what: str, message: str, next_step: str, chain: Control
) -> None:
    with pytest.raises(RefusedError) as refusal:
        trace(chain, what)
    assert refusal.value.code == "gather.nothing_to_trace"
    assert message in refusal.value.message
    assert refusal.value.next_step.startswith(next_step)


def test_a_step_costs_the_same_questions_however_wide_it_is(control: Control) -> None:
    wide = {f"c{i}": (ColumnRef(CSV, f"c{i}"),) for i in range(300)}
    record_run(control, run(1, CSV, lake_node("wide"), wide))
    record_run(control, run(2, lake_node("wide"), lake_node("sum"), {}))
    asked: list[str] = []
    event.listen(control.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    trace(control, "sum")
    assert len(asked) <= 12


def test_events_handed_over_are_taken_and_traced_elsewhere(
    chain: Control, other_control: Control
) -> None:
    lines = list(export_events(chain))
    first = import_events(other_control, lines)
    again = import_events(other_control, lines)
    assert (first.kept, first.refused) == (6, ())
    assert (again.kept, again.known) == (0, 6)
    assert said(trace(other_control, "league.rank")) == said(trace(chain, "league.rank"))
    assert list(export_events(other_control)) == lines


def test_a_line_that_is_no_event_is_told_and_holds_up_nothing(
    chain: Control, other_control: Control
) -> None:
    good = next(export_events(chain))
    lines = ["{", '{"eventType": "START"}', good, "[]"]
    report = import_events(other_control, lines)
    assert report.kept == 1
    assert [line.line for line in report.refused] == [1, 2, 4]
    assert "eventTime: Field required" in report.refused[1].reason


def test_the_standards_own_example_is_taken(shared: Path, control: Control) -> None:
    example = shared / "conformance" / "openlineage" / "tests" / "example_full_event.json"
    event_line = json.dumps(json.loads(example.read_text()))
    report = import_events(control, [event_line])
    assert (report.kept, report.refused) == (1, ())


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["run", "runId", "job", "facets", "inputs", "schema", "name"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_every_line_is_kept_or_refused(somewhere: Control, content: object) -> None:
    report = import_events(somewhere, [json.dumps(content)])
    assert [line.line for line in report.refused] == [1]
