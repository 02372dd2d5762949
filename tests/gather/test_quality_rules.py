"""Rules of a contract as checks: what each becomes, and what is said of those that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest

from shuzhi.gather.contracts import Dimension, Field, LogicalType, QualityRule, ServiceLevel, Table
from shuzhi.gather.quality.compile import compile_checks
from shuzhi.gather.quality.model import Kind, Measurement
from shuzhi.gather.quality.probe import Sight
from shuzhi.gather.quality.scan import run_probes
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
FIELDS = (
    Field("id", LogicalType.INTEGER, key_position=1, title_zh="编号"),
    Field("fare", LogicalType.NUMBER, unit="CNY"),
    Field("day", LogicalType.DATE),
)


@pytest.fixture
def backend() -> Iterator[ibis.BaseBackend]:
    opened = ibis.duckdb.connect()
    opened.con.register("rides", pa.table({"id": [1, 2, 3], "fare": [4.0, None, 9.5]}))
    opened.con.register("depots", pa.table({"id": [7]}))
    yield opened
    opened.disconnect()


def _only(backend: ibis.BaseBackend, rule: QualityRule) -> Measurement:
    table = Table(DatasetName("rides"), FIELDS, quality=(rule,))
    probes = [p for p in compile_checks(table) if p.check.source.startswith("ODCS 3.1 quality")]
    sight = Sight(backend.table("rides"), {"depots": backend.table("depots")})
    (found,) = run_probes(backend, probes, sight, now=NOW)[1]
    return found


def _rule(kind: str, column: str | None = None, **more: Any) -> QualityRule:
    return QualityRule("", kind, column, **more)


def _custom(column: str | None = None, **implementation: Any) -> QualityRule:
    arguments = {"engine": "shuzhi", "implementation": implementation}
    return _rule("custom", column, arguments=arguments)


ZERO = {"mustBe": 0}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (_rule("text"), "it is written for people; no machine can check it"),
        (
            _rule("library", metric="freshness", limits=ZERO),
            "'freshness' is no ODCS 3.1 metric; use one of nullValues, missingValues, "
            "invalidValues, duplicateValues, rowCount",
        ),
        (
            _rule("library", "fare", metric="nullValues"),
            "the rule states no limit; add one such as mustBe: 0",
        ),
        (
            _rule("library", "fare", metric="nullValues", limits={"mustBe": "none"}),
            "mustBe is no ODCS operator with a number (mustBeBetween: two)",
        ),
        (
            _rule("library", "fare", metric="nullValues", limits=ZERO, unit="days"),
            "the unit 'days' is neither rows nor percent",
        ),
        (
            _rule("library", metric="nullValues", limits=ZERO),
            "nullValues needs a column; move the rule under a property",
        ),
        (
            _rule("library", "fare", metric="missingValues", limits=ZERO),
            "missingValues needs a column and arguments.missingValues",
        ),
        (
            _rule("library", "fare", metric="invalidValues", limits=ZERO),
            "invalidValues needs a column and arguments.validValues or arguments.pattern",
        ),
        (
            _rule("library", metric="duplicateValues", limits=ZERO),
            "duplicateValues needs a column or arguments.properties",
        ),
        (
            _rule("library", "id", metric="rowCount", limits=ZERO),
            "rowCount counts rows of a table: no column, no per cent",
        ),
        (
            _rule("custom", arguments={"engine": "soda", "implementation": "x"}),
            "it is written for the engine 'soda', not for shuzhi",
        ),
        (
            _custom(check="magic"),
            "implementation.check must be one of regular_series, constant_run, in_order, depends",
        ),
        (
            _custom(check="regular_series", by="id", at="day", every="1 hour"),
            "implementation is not a regular_series: every: String should match pattern "
            "'^[1-9][0-9]{0,6}(s|m|h|d)$'",
        ),
        (
            _custom(check="constant_run", by="id", at="day", at_least="6h"),
            "constant_run needs a column; move the rule under a property",
        ),
        (
            _custom(check="depends", determinant="id", dependent="day"),
            "the data set has no column day",
        ),
        (
            _rule("sql", query="select count(*) from garages", limits=ZERO),
            "there is no data set garages in the lake yet",
        ),
        (
            _rule("sql", query="select max(fare) from rides where false", limits=ZERO),
            "there was no value to compare",
        ),
    ],
)
def test_a_promise_that_cannot_be_checked_says_why(
    backend: ibis.BaseBackend, rule: QualityRule, reason: str
) -> None:
    found = _only(backend, rule)
    assert (found.is_met, found.ratio, found.reason) == (None, None, reason)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select 1; select 2", "the query must be one SELECT"),
        ("delete from rides", "the query must be one SELECT"),
        ("copy rides to 'x.csv'", "the query must be one SELECT"),
        ("select 1 into other from rides", "the query must only read"),
        (
            "select count(*) from read_csv('/etc/hosts')",
            "the query may only read data sets of the lake, not READ_CSV('/etc/hosts')",
        ),
        (
            "select count(*) from '/etc/hosts'",
            'the query may only read data sets of the lake, not "/etc/hosts"',
        ),
        (
            "select count(*) from query_table('rides')",
            "the query may only read data sets of the lake, not QUERY_TABLE('rides')",
        ),
        (
            "select count(*) from information_schema.tables",
            "the query may only read data sets of the lake, not information_schema.tables",
        ),
        (
            "select count(*) from (with \"/etc/hosts\" as (select 1) select 1), 'rides'",
            "'/etc/hosts' cannot name a part of the query; use small letters, digits and _",
        ),
        (
            "select count(*), max(id) from rides",
            "the query must give one number: select one column",
        ),
    ],
)
def test_a_query_may_only_read_the_lake(backend: ibis.BaseBackend, query: str, reason: str) -> None:
    found = _only(backend, _rule("sql", query=query, limits=ZERO))
    assert (found.is_met, found.reason) == (None, reason)


@pytest.mark.parametrize(
    ("column", "query", "value"),
    [
        (None, "select count(*) from ${object} where fare > 5", 1.0),
        ("fare", "SELECT SUM(${property}) FROM {object}", 13.5),
        ("fare", "with high as (from rides select * where fare > 5) select max(id) from high", 3.0),
        (None, "select count(*) from rides where id not in (select id from depots)", 3.0),
        (None, "select count(*) from rides union all select 9 limit 1", 3.0),
    ],
)
def test_a_query_gives_one_number(
    backend: ibis.BaseBackend, column: str | None, query: str, value: float
) -> None:
    rule = _rule("sql", column, query=query, limits={"mustBeGreaterThan": 1})
    found = _only(backend, rule)
    assert (found.value, found.is_met, found.reason) == (value, value > 1, "")


def test_a_failing_query_is_told_and_hides_nothing_else(backend: ibis.BaseBackend) -> None:
    found = _only(backend, _rule("sql", query="select max(fares) from rides", limits=ZERO))
    assert found.is_met is None
    assert found.reason.startswith("the engine refused it: Binder Error: ")


def test_a_check_that_the_engine_refuses_does_not_stop_the_others(
    backend: ibis.BaseBackend,
) -> None:
    backend.con.execute("create view torn as select id, error('bad file') as fare from rides")
    fields = (FIELDS[0], Field("fare", LogicalType.STRING, is_unique=True))
    probes = compile_checks(Table(DatasetName("torn"), fields))
    rows, found = run_probes(backend, probes, Sight(backend.table("torn"), {}), now=NOW)
    verdicts = {m.check.id: (m.is_met, m.reason) for m in found}
    assert rows == 3
    assert verdicts["torn.primary_key"] == (True, "")
    assert verdicts["torn.fare.unique"][0] is None
    assert "bad file" in verdicts["torn.fare.unique"][1]


def test_ids_are_stable_and_differ() -> None:
    rules = (
        _rule("library", "fare", metric="nullValues", limits=ZERO),
        _rule("library", "fare", metric="nullValues", limits={"mustBe": 1}),
        _rule("text", description="fares are fair"),
    )
    table = Table(DatasetName("rides"), FIELDS, quality=rules)
    assert [p.check.id for p in compile_checks(table)] == [
        "rides.id.required",
        "rides.fare.type",
        "rides.id.type",
        "rides.day.type",
        "rides.readable",
        "rides.primary_key",
        "rides.fare.null_values",
        "rides.fare.null_values_2",
        "rides.text",
    ]


def test_a_rule_keeps_its_own_dimension_and_severity(backend: ibis.BaseBackend) -> None:
    rule = _rule(
        "library",
        "fare",
        metric="nullValues",
        limits={"mustBeLessOrEqualTo": 1},
        dimension=Dimension.ACCURACY,
        severity="warning",
    )
    found = _only(backend, rule)
    assert (found.check.dimension, found.check.severity) == (Dimension.ACCURACY, "warning")
    assert (found.check.kind, found.is_met) == (Kind.ROW, True)
    assert (found.check.title_en, found.check.title_zh) == ("fare is filled in", "fare 已填写")


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (ServiceLevel("retention", 3, "y", "rides.day"), "it cannot be proved from rows"),
        (
            ServiceLevel("latency", 3, "h", "rides.fare"),
            "its element must name a column with dates or timestamps",
        ),
        (
            ServiceLevel("latency", "soon", None, "rides.day"),
            "it needs a number, and a unit such as h or d",
        ),
    ],
)
def test_a_service_level_that_rows_cannot_prove_says_so(level: ServiceLevel, reason: str) -> None:
    table = Table(DatasetName("rides"), FIELDS, service_levels=(level,))
    assert compile_checks(table)[-1].problem == reason


def test_an_empty_data_set_is_late(backend: ibis.BaseBackend) -> None:
    backend.con.register("rides", pa.table({"day": pa.array([], pa.date32())}))
    level = ServiceLevel("latency", 1, "d", "rides.day")
    table = Table(DatasetName("rides"), FIELDS, service_levels=(level,))
    probe = compile_checks(table)[-1]
    (found,) = run_probes(backend, [probe], Sight(backend.table("rides"), {}), now=NOW)[1]
    assert (found.is_met, found.value) == (False, None)
