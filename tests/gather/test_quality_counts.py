"""The counts of the one scan: the same as plain Python counts on any table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.gather.contracts import (
    Bounds,
    Field,
    LogicalType,
    QualityRule,
    Reference,
    ServiceLevel,
    Table,
)
from shuzhi.gather.contracts.rows import arrow_schema
from shuzhi.gather.quality.compile import compile_checks
from shuzhi.gather.quality.examples import broken_by, worst
from shuzhi.gather.quality.model import Measurement
from shuzhi.gather.quality.probe import Sight
from shuzhi.gather.quality.scan import run_probes
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = Instant(START + timedelta(hours=60))
Row = dict[str, Any]


def _custom(column: str | None, **implementation: Any) -> QualityRule:
    arguments = {"engine": "shuzhi", "implementation": implementation}
    return QualityRule("", "custom", column, arguments=arguments)


def _library(column: str | None, metric: str, limits: Row, **more: Any) -> QualityRule:
    return QualityRule("", "library", column, metric=metric, limits=limits, **more)


TABLE = Table(
    DatasetName("readings"),
    (
        Field("station", LogicalType.STRING, is_required=True, bounds=Bounds(pattern="^[ab]$")),
        Field("at", LogicalType.TIMESTAMP),
        Field(
            "value",
            LogicalType.INTEGER,
            is_unique=True,
            bounds=Bounds(minimum=0, maximum=3),
            allowed_values=(0, 1, 3, 5),
        ),
        Field("kind", LogicalType.STRING),
    ),
    references=(
        Reference(("station",), DatasetName("stations"), ("code",)),
        Reference(("station", "kind"), DatasetName("pairs"), ("s", "k")),
    ),
    quality=(
        _library("value", "nullValues", {"mustBeLessThan": 25}, unit="percent"),
        _library(
            "kind", "missingValues", {"mustBe": 0}, arguments={"missingValues": [None, "n/a"]}
        ),
        _library("kind", "invalidValues", {"mustBe": 1}, arguments={"validValues": ["x", "y"]}),
        _library(
            None, "duplicateValues", {"mustBe": 0}, arguments={"properties": ["station", "at"]}
        ),
        _library(None, "rowCount", {"mustBeBetween": [3, 8]}),
        _custom(None, check="depends", determinant="station", dependent="kind"),
        _custom(None, check="regular_series", by="station", at="at", every="1h"),
        _custom("value", check="constant_run", by="station", at="at", at_least="2h", ignore=0),
        _custom(None, check="in_order", by="station", sequence="value", at="at"),
    ),
    service_levels=(ServiceLevel("latency", 2, "d", "readings.at"),),
)
STATIONS = {"a", "c"}
PAIRS = {("a", "x"), ("b", "y")}


@pytest.fixture(scope="module")
def backend() -> Iterator[ibis.BaseBackend]:
    opened = ibis.duckdb.connect()
    opened.con.execute("SET TimeZone = 'UTC'")
    yield opened
    opened.disconnect()


def _sight(backend: ibis.BaseBackend, rows: list[Row]) -> Sight:
    tables = {
        "readings": pa.Table.from_pylist(rows, schema=arrow_schema(TABLE)),
        "stations": pa.table({"code": [*sorted(STATIONS), None]}),
        "pairs": pa.table({"s": ["a", "b", None], "k": ["x", "y", "z"]}),
    }
    for name, table in tables.items():
        backend.con.register(name, table)
    views = {name: backend.table(name) for name in tables}
    return Sight(views["readings"], views)


def _measured(backend: ibis.BaseBackend, rows: list[Row]) -> dict[str, Measurement]:
    count, found = run_probes(backend, compile_checks(TABLE), _sight(backend, rows), now=NOW)
    assert count == len(rows)
    return {m.check.id.removeprefix("readings."): m for m in found}


def _counts(found: dict[str, Measurement]) -> dict[str, tuple[int, int]]:
    return {i: (m.ratio.checked, m.broken_count or 0) for i, m in found.items() if m.ratio}


def _filled(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    cells = [tuple(row[c] for c in columns) for row in rows]
    return [cell for cell in cells if None not in cell]


def _cells(rows: list[Row], column: str, is_good: Any) -> tuple[int, int]:
    values = [v for (v,) in _filled(rows, column)]
    return len(values), sum(not is_good(v) for v in values)


def _distinct(rows: list[Row], *columns: str) -> tuple[int, int]:
    keys = _filled(rows, *columns)
    return len(keys), len(keys) - len(set(keys))


def _dependent(rows: list[Row]) -> tuple[int, int]:
    pairs = Counter(_filled(rows, "station", "kind"))
    most = {s: max(n for (t, _), n in pairs.items() if t == s) for s, _ in pairs}
    tops = Counter(s for (s, _), n in pairs.items() if n == most[s])
    wrong = sum(n for (s, _), n in pairs.items() if n < most[s] or tops[s] > 1)
    return sum(pairs.values()), wrong


def _series(rows: list[Row]) -> tuple[int, int]:
    slots = {(s, (at - START) // timedelta(hours=1)) for s, at in _filled(rows, "station", "at")}
    steps = [step for _, step in slots]
    expected = len({s for s, _ in slots}) * (max(steps, default=-1) - min(steps, default=0) + 1)
    return expected, expected - len(slots)


def _naive(rows: list[Row]) -> dict[str, tuple[int, int]]:
    count = len(rows)
    newest = max((at for (at,) in _filled(rows, "at")), default=None)
    is_fresh = newest is not None and NOW - newest <= timedelta(hours=48)
    return {
        "station.required": (count, sum(r["station"] is None for r in rows)),
        "station.pattern": _cells(rows, "station", lambda v: v in ("a", "b")),
        "value.minimum": _cells(rows, "value", lambda v: v >= 0),
        "value.maximum": _cells(rows, "value", lambda v: v <= 3),
        "value.allowed_values": _cells(rows, "value", lambda v: v in (0, 1, 3, 5)),
        "at.type": _cells(rows, "at", lambda _: True),
        "value.type": _cells(rows, "value", lambda _: True),
        "readable": (count, 0),
        "value.unique": _distinct(rows, "value"),
        "station.reference": _cells(rows, "station", lambda v: v in STATIONS),
        "station_kind.reference": (
            len(_filled(rows, "station", "kind")),
            sum(pair not in PAIRS for pair in _filled(rows, "station", "kind")),
        ),
        "value.null_values": (count, sum(r["value"] is None for r in rows)),
        "kind.missing_values": (count, sum(r["kind"] in (None, "n/a") for r in rows)),
        "kind.invalid_values": _cells(rows, "kind", lambda v: v in ("x", "y")),
        "duplicate_values": _distinct(rows, "station", "at"),
        "row_count": (1, int(not 3 <= count <= 8)),
        "kind.depends": _dependent(rows),
        "regular_series": _series(rows),
        "at.latency": (1, int(not is_fresh)),
    }


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "station": st.sampled_from([None, "a", "b", "c"]),
            "at": st.none() | st.integers(0, 4000).map(lambda m: START + timedelta(minutes=m)),
            "value": st.none() | st.integers(-2, 6),
            "kind": st.sampled_from([None, "x", "y", "n/a"]),
        }
    ),
    max_size=24,
)


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_every_count_is_what_plain_python_counts(
    backend: ibis.BaseBackend, rows: list[Row]
) -> None:
    found = _counts(_measured(backend, rows))
    expected = _naive(rows)
    assert {i: found[i] for i in expected} == expected
    assert found.keys() - expected.keys() == {"value.constant_run", "in_order"}


@settings(max_examples=6, deadline=None)
@given(rows=ROWS)
def test_the_rows_that_are_shown_are_the_rows_that_were_counted(
    backend: ibis.BaseBackend, rows: list[Row]
) -> None:
    sight = _sight(backend, rows)
    counted = _counts(_measured(backend, rows))
    probes = {p.check.id.removeprefix("readings."): p for p in compile_checks(TABLE)}
    by_cell = ("value.maximum", "kind.depends", "station.reference", "station_kind.reference")
    names = (*by_cell, "regular_series", "value.unique")
    shown = {name: broken_by(backend, probes[name], sight, (), 100) for name in names}
    assert {i: len(shown[i]) for i in by_cell} == {i: counted[i][1] for i in by_cell}
    gaps = sum(row.findings[0].value for row in shown["regular_series"])
    assert gaps == counted["regular_series"][1]
    copies = Counter(_filled(rows, "value"))
    assert len(shown["value.unique"]) == sum(n for n in copies.values() if n > 1)


def test_limits_decide_and_the_numbers_stay(backend: ibis.BaseBackend) -> None:
    rows: list[Row] = [
        {"station": "a", "at": START, "value": v, "kind": k}
        for v, k in [(0, "x"), (1, "x"), (3, "n/a"), (None, "x"), (5, "x")]
    ]
    found = _measured(backend, rows)
    nulls, invalid = found["value.null_values"], found["kind.invalid_values"]
    assert (nulls.value, nulls.is_met, nulls.broken_count) == (20.0, True, 1)
    assert (invalid.value, invalid.is_met, invalid.broken_count) == (1.0, True, 1)
    assert found["kind.missing_values"].is_met is False
    assert (found["row_count"].value, found["row_count"].is_met) == (5.0, True)
    latency = found["at.latency"]
    assert (latency.value, latency.is_met) == (60.0, False)


def _hours(station: str, values: list[int | None]) -> list[Row]:
    return [
        {"station": station, "at": START + timedelta(hours=h), "value": v, "kind": "x"}
        for h, v in enumerate(values)
    ]


def test_a_value_that_stands_still_too_long_is_found_cell_by_cell(
    backend: ibis.BaseBackend,
) -> None:
    # 3 stands still for two hours; 5 only for one; 0 may stand still; the NULL parts nothing.
    rows = [*_hours("a", [3, 3, None, 3, 5, 5]), *_hours("b", [0, 0, 0, 0, 1])]
    found = _measured(backend, rows)["value.constant_run"]
    assert found.ratio is not None
    assert (found.ratio.checked, found.broken_count) == (10, 3)
    probe = next(p for p in compile_checks(TABLE) if p.check.code == "constant_run")
    shown = broken_by(backend, probe, _sight(backend, rows), ("station", "at"), 20)
    assert [row.key["at"].hour for row in shown] == [0, 1, 3]


def test_a_record_before_its_predecessor_is_late(backend: ibis.BaseBackend) -> None:
    rows = _hours("a", [1, 2, 4, 3]) + _hours("b", [1, None, 2])
    found = _measured(backend, rows)["in_order"]
    assert found.ratio is not None
    assert (found.ratio.checked, found.broken_count) == (6, 1)


def test_gaps_are_told_by_where_they_begin_and_how_long_they_are(
    backend: ibis.BaseBackend,
) -> None:
    rows = [r for r in _hours("a", [1] * 8) if r["at"].hour not in (3, 4, 6)]
    rows += _hours("b", [1] * 6)
    probe = next(p for p in compile_checks(TABLE) if p.check.code == "regular_series")
    shown = broken_by(backend, probe, _sight(backend, rows), (), 20)
    assert [(r.key["station"], r.key["at"].hour, r.findings[0].value) for r in shown] == [
        ("a", 3, 2),
        ("b", 6, 2),
        ("a", 6, 1),
    ]


def test_the_worst_rows_break_the_most_checks(backend: ibis.BaseBackend) -> None:
    good = {"station": "a", "at": START, "value": 0, "kind": "x"}
    bad = {"station": None, "at": START + timedelta(hours=1), "value": 9, "kind": "n/a"}
    middling = {"station": "a", "at": START + timedelta(hours=2), "value": 4, "kind": "x"}
    rows: list[Row] = [good, middling, bad]
    probes = compile_checks(TABLE)
    shown = worst(backend, probes, _sight(backend, rows), ("at",), 5)
    assert [(row.key["at"].hour, len(row.findings)) for row in shown] == [(1, 5), (2, 2)]
    cells = {(f.check_id, f.column, f.value) for f in shown[0].findings}
    assert ("readings.value.maximum", "value", 9) in cells
    assert ("readings.station.required", "station", None) in cells
    assert shown[0].findings[0].reason_en == "station is present"
