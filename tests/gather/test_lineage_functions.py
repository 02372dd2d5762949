"""Each function that a pack may call means the same on DuckDB and on Spark (Sail).

The second engine runs where `pysail` and `pyspark-client` are installed: `make test-spark`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from shuzhi.gather.lineage import check_functions, parse_query
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.gather.lineage.functions import FUNCTIONS


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


ROWS = pa.table(
    {
        "i": pa.array([1, 2, 3, 4, 5, 6], pa.int64()),
        "n": pa.array([3, -7, None, 0, 3, -2], pa.int64()),
        "x": pa.array([1.5, -2.5, None, 0.5, 2.5, -0.4]),
        "m": pa.array(
            [Decimal("1.25"), Decimal("-1.25"), None, Decimal("0.05"), Decimal("2.5"), Decimal(0)],
            pa.decimal128(6, 2),
        ),
        "s": ["Äb", " 汉字 ", None, "", "aB", "abc"],
        "g": ["a", "a", "b", None, "b", "a"],
        "b": [True, False, None, True, False, True],
        "d": [
            date(2024, 2, 29),
            date(2023, 12, 31),
            None,
            date(1969, 7, 20),
            date(2024, 1, 1),
            date(2024, 3, 31),
        ],
        "t": pa.array(
            [
                at(2024, 2, 29, 23, 59, 59, 999999),
                at(2023, 12, 31),
                None,
                at(1969, 7, 20, 20, 17, 40),
                at(2024, 1, 1, 0, 30, 1, 500000),
                at(2024, 3, 31, 1, 30),
            ],
            pa.timestamp("us", tz="UTC"),
        ),
    }
)
GROUPED = """
COUNT(*); COUNT(n); COUNT(DISTINCT n); SUM(n); SUM(x); SUM(m); AVG(n); AVG(x); MIN(s); MAX(s)
MIN(t); MAX(d); MIN(x); MAX(b); COUNT_IF(n > 0); COUNT_IF(b); STDDEV(x); STDDEV(n)
SUM(DISTINCT n); SUM(n) FILTER (WHERE b); COUNT(*) FILTER (WHERE n > 0)
SUM(CASE WHEN n > 0 THEN 1 ELSE 0 END)
"""
BY_ROW = """
ABS(n); ABS(x); ABS(m); ROUND(x); ROUND(x, 1); ROUND(m, 1); ROUND(n); FLOOR(x); FLOOR(m)
CEIL(x); CEIL(n); GREATEST(n, 1); LEAST(n, 1); GREATEST(x, 0.0); LEAST(s, 'b'); SQRT(ABS(x))
SIGN(n); SIGN(x); SIGN(m); LOWER(s); UPPER(s); TRIM(s); TRIM(s, 'a'); LENGTH(s); SUBSTRING(s, 2)
SUBSTRING(s, 1, 2); SUBSTRING(s, -2); CONCAT(s, '-', g); s || g; STARTS_WITH(s, 'a')
s LIKE 'a%'; s < 'b'; COALESCE(n, 9); NULLIF(n, 3)
CASE WHEN n > 0 THEN 'p' WHEN n = 0 THEN 'z' END; IF(b, 1, 2); CAST(FLOOR(x) AS INTEGER)
CAST(CEIL(x) AS BIGINT); CAST(ROUND(m) AS INTEGER); CAST(n AS VARCHAR); CAST(n AS DOUBLE)
CAST(x AS VARCHAR); CAST(m AS VARCHAR); CAST(b AS VARCHAR); CAST(d AS VARCHAR); CAST(t AS DATE)
CAST(x AS DECIMAL(6, 1)); CAST('2024-01-05' AS DATE); TRY_CAST(s AS DOUBLE)
TRY_CAST('2024-02-30' AS DATE); CAST('2024-01-05 06:07:08+00' AS TIMESTAMPTZ)
TRY_CAST(' 7.5 ' AS DOUBLE); n > 0 AND b; n > 0 OR b; NOT b; n IN (3, 0); n IS DISTINCT FROM 3
CAST(i AS DOUBLE); n / 2; n / 2.0; n % 2; n // 2; n * 2; x + 1; -n; m * m
x / NULLIF(n, 0); n IS NULL; DATE_TRUNC('second', t); DATE_TRUNC('minute', t)
DATE_TRUNC('hour', t); DATE_TRUNC('day', t); DATE_TRUNC('week', t); DATE_TRUNC('month', t)
DATE_TRUNC('quarter', t); DATE_TRUNC('year', t); DATE_TRUNC('month', d); DATE_TRUNC('day', d)
EXTRACT(year FROM t); EXTRACT(quarter FROM t); EXTRACT(month FROM t); EXTRACT(day FROM t)
EXTRACT(hour FROM t); EXTRACT(minute FROM t); EXTRACT(year FROM d); YEAR(t); MONTH(d); DAY(t)
t - INTERVAL 1 DAY; t > TIMESTAMPTZ '2024-01-01'; ROW_NUMBER() OVER (PARTITION BY g ORDER BY i)
RANK() OVER (ORDER BY n); RANK() OVER (ORDER BY n DESC); DENSE_RANK() OVER (ORDER BY n)
LAG(n) OVER (ORDER BY i); LAG(n, 2) OVER (PARTITION BY g ORDER BY i); LEAD(n) OVER (ORDER BY i)
FIRST_VALUE(n) OVER (PARTITION BY g ORDER BY i); COUNT(*) OVER (PARTITION BY g)
SUM(n) OVER (PARTITION BY g ORDER BY i)
AVG(x) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
"""
PARTS = "Take one of: day, hour, minute, month, quarter, year; or date_trunc."
WHOLE = "Say which: CAST(FLOOR(x) AS INTEGER), or ROUND or CEIL."
# Known to differ, and not to be told from the text: it depends on the types of columns.
APART = """
AVG(m * m); m / 3; CAST(t AS VARCHAR)
"""


def split(block: str) -> list[str]:
    return [probe.strip() for probe in block.replace("\n", ";").split(";") if probe.strip()]


def query(probe: str) -> str:
    if probe.startswith("SELECT"):
        return probe
    if probe in split(GROUPED) or probe.startswith("AVG(m"):
        return f"SELECT g, {probe} AS v FROM probes GROUP BY g ORDER BY g NULLS LAST"
    return f"SELECT i, {probe} AS v FROM probes ORDER BY i"


EXISTS = (
    "SELECT i, n AS v FROM probes AS p WHERE "
    "EXISTS (SELECT q.i FROM probes AS q WHERE q.n = p.i) ORDER BY i"
)
PROBES = [*split(GROUPED), *split(BY_ROW), EXISTS]


def plain(value: Any) -> Any:
    """Numbers by value to twelve digits, instants in UTC: types may differ, values may not."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        # Adding nothing makes zero of minus zero.
        return "NaN" if math.isnan(value) else f"{float(value) + 0.0:.12g}"
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return value


def values(table: pa.Table) -> list[Any]:
    return [plain(row["v"]) for row in table.to_pylist()]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("probes", ROWS)
        yield connection


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    sail = pytest.importorskip("pysail.spark", reason="make test-spark installs the second engine")
    sql = pytest.importorskip("pyspark.sql")
    server = sail.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    session = sql.SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    file: Path = tmp_path_factory.mktemp("spark") / "probes.parquet"
    pq.write_table(ROWS, file)
    session.read.parquet(str(file)).createOrReplaceTempView("probes")
    yield session
    session.stop()
    server.stop()


def on_spark(session: Any, probe: str) -> list[Any]:
    (text,) = sqlglot.transpile(query(probe), read="duckdb", write="spark")
    return values(session.sql(text).toArrow())


def test_every_function_on_the_list_is_probed() -> None:
    seen = {type(node) for probe in PROBES for node in parse_query(query(probe)).walk()}
    assert {kind.__name__ for kind in FUNCTIONS if kind not in seen} <= {"DateTrunc"}


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_is_what_a_pack_may_write(probe: str, duck: duckdb.DuckDBPyConnection) -> None:
    check_functions(parse_query(query(probe)), query(probe))
    assert len(values(duck.sql(query(probe)).to_arrow_table())) > 0


def apart(duck: duckdb.DuckDBPyConnection, session: Any, probes: list[str]) -> list[str]:
    """The probes that do not give the same on both engines, and what they give."""
    both = {p: (values(duck.sql(query(p)).to_arrow_table()), on_spark(session, p)) for p in probes}
    return [f"{probe}: {a} and {b}" for probe, (a, b) in both.items() if a != b]


def test_both_engines_give_the_same(duck: duckdb.DuckDBPyConnection, spark: Any) -> None:
    assert apart(duck, spark, PROBES) == []


def test_what_is_said_to_differ_still_does(duck: duckdb.DuckDBPyConnection, spark: Any) -> None:
    assert len(apart(duck, spark, split(APART))) == len(split(APART))


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("CAST(x AS INTEGER)", WHOLE),
        ("TRY_CAST(s AS BIGINT)", WHOLE),
        ("CAST(ROUND(x, 1) AS INTEGER)", WHOLE),
        (
            "EXTRACT(second FROM t)",
            "Take one of: day, hour, minute, month, quarter, year; or date_trunc.",
        ),
        (
            "EXTRACT(dow FROM t)",
            "Take one of: day, hour, minute, month, quarter, year; or date_trunc.",
        ),
        ("SUBSTRING(s, 0, 2)", "Write 1."),
    ],
)
def test_where_engines_part_the_function_is_refused(probe: str, said: str) -> None:
    with pytest.raises(SqlError) as refusal:
        check_functions(parse_query(query(probe)), query(probe))
    assert (refusal.value.code, refusal.value.next_step) == ("gather.sql_function", said)
