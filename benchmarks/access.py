"""Access: the time of a decision, and questions inside of a grant beside the same asked by hand.

By hand means: the same text over the same lake, by somebody who may see all, with the grant's row
filter and nothing else written into it. Both ways open a connection and fetch all of the answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter_ns

import numpy as np
import pyarrow as pa

from shuzhi.gather.contracts import LogicalType
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    ColumnFacts,
    DatasetFacts,
    DateTo,
    Form,
    Grant,
    Hashed,
    Keep,
    Limits,
    MaskRule,
    MaskTable,
    NumberTo,
    Operator,
    Partial,
    Request,
    Term,
    User,
    ask,
    decide,
)

RESULTS = Path(__file__).parent / "results"
ROWS = 2_000_000
ROUNDS = 11
DECISIONS = 20_000
SEED = 20260302
NOW = Instant(datetime(2026, 3, 2, tzinfo=UTC))
YEAR = timedelta(days=365)
LIMITS = Limits(max_seconds=300, memory="2GB")
KEY = b"a key for this benchmark only"
SEEN = "district IN ('d1', 'd2', 'd3', 'd4', 'd5', 'd6')"
COLUMNS = {
    "id": (LogicalType.STRING, "personal", "id"),
    "name": (LogicalType.STRING, "personal", "name"),
    "born": (LogicalType.DATE, "personal", "birth"),
    "amount": (LogicalType.NUMBER, "general", None),
    "kids": (LogicalType.INTEGER, "general", None),
    "district": (LogicalType.STRING, "general", None),
    **{f"more_{i}": (LogicalType.INTEGER, "general", None) for i in range(14)},
}
# What it is, the question, and whether the grant is one of figures.
QUESTIONS = (
    ("count", "SELECT COUNT(*) AS n FROM people", False),
    ("filter and group", "SELECT district, COUNT(*) AS n, AVG(amount) AS a FROM people "
     "WHERE kids >= 2 GROUP BY district ORDER BY district", False),
    ("group by many", "SELECT kids, more_1, SUM(amount) AS a FROM people GROUP BY kids, more_1 "
     "ORDER BY a DESC LIMIT 20", False),
    ("pick few rows", "SELECT kids, amount, more_2 FROM people WHERE amount > 99990 "
     "ORDER BY amount LIMIT 100", False),
    ("window", "SELECT district, kids, amount FROM people QUALIFY "
     "ROW_NUMBER() OVER (PARTITION BY district ORDER BY amount DESC) <= 3", False),
    ("rows set apart: arithmetic", "SELECT district, SUM(amount * kids) AS a FROM people "
     "GROUP BY district ORDER BY district", False),
    ("masked: by year of birth", "SELECT born, COUNT(*) AS n FROM people GROUP BY born "
     "ORDER BY n DESC LIMIT 10", False),
    ("masked: pseudonyms counted", "SELECT COUNT(DISTINCT id) AS n FROM people", False),
    ("figures: by district", "SELECT district, COUNT(*) AS n, SUM(amount) AS a FROM people "
     "GROUP BY district ORDER BY district", True),
    ("figures: filtered", "SELECT kids, AVG(amount) AS a FROM people "
     "WHERE district = 'd1' AND more_1 IN (1, 2, 3) GROUP BY kids ORDER BY kids", True),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One question: milliseconds of every round, by hand and inside of the grant."""

    what: str
    by_hand: tuple[float, ...]
    governed: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of what each round took more."""
        return median(g / h for g, h in zip(self.governed, self.by_hand, strict=True))


def main() -> None:
    """Measure, print, and write `results/access.json` and `.md`."""
    decisions = _decisions()
    with TemporaryDirectory() as folder:
        lake = _lake(Path(folder))
        lines = [_line(lake, *question) for question in QUESTIONS]
    _report(decisions, lines)


def _masks() -> MaskTable:
    """A table of the usual length, in which what is asked for is found late."""
    others = tuple(
        MaskRule(Keep(), frozenset({"general"}), frozenset({f"role_{i}"}), None) for i in range(12)
    )
    personal = frozenset({"personal"})
    return MaskTable(
        "benchmark",
        (
            *others,
            MaskRule(Hashed(), personal, None, None, frozenset({"id"})),
            MaskRule(Partial(1, 0), personal, None, None, frozenset({"name"})),
            MaskRule(DateTo("year"), personal, None, None, frozenset({"birth"})),
            MaskRule(NumberTo(Decimal(1000)), personal, None, None, frozenset({"money"})),
            MaskRule(Keep(), frozenset({"general"}), None, None),
        ),
    )


def _facts() -> DatasetFacts:
    columns = {n: ColumnFacts(n, kind, grade, what) for n, (kind, grade, what) in COLUMNS.items()}
    return DatasetFacts(DatasetName("people"), "1.0.0", columns)


def _grant(form: Form) -> Grant:
    districts = tuple(f"d{i}" for i in range(1, 7))
    is_figures = form is Form.AGGREGATE
    return Grant(
        id="benchmark",
        assigner=PartyId("registry"),
        assignee=PartyId("housing"),
        dataset=DatasetName("people"),
        contract_version="1.0.0",
        columns=tuple(COLUMNS),
        purposes=frozenset({"rent_aid"}),
        roles=frozenset({"analyst"}),
        since=Instant(NOW - YEAR),
        until=Instant(NOW + YEAR),
        form=form,
        rows=Term("district", Operator.ONE_OF, districts),
        minimum_group=10 if is_figures else None,
        budget=1_000_000 if is_figures else None,
    )


def _request() -> Request:
    user = User("li", PartyId("housing"), frozenset({"analyst"}))
    return Request(user, "analyst", "rent_aid", DatasetName("people"), NOW)


def _decisions() -> list[float]:
    """Microseconds of each decision over a grant of twenty columns."""
    grant, request, facts, masks = _grant(Form.ROWS), _request(), _facts(), _masks()
    times = []
    for _ in range(DECISIONS):
        start = perf_counter_ns()
        decided = decide(grant, request, facts, masks)
        times.append((perf_counter_ns() - start) / 1000)
        assert isinstance(decided, Allowed)
        assert len(decided.columns) == len(COLUMNS)
    return times


def _lake(folder: Path) -> Lake:
    random = np.random.default_rng(SEED)
    start = np.datetime64("1940-01-01")
    rows = {
        "id": [f"p{i:08}" for i in range(ROWS)],
        "name": np.array(["张三", "李四光", "王五", "赵六"])[random.integers(0, 4, ROWS)],
        "born": start + random.integers(0, 29_000, ROWS).astype("timedelta64[D]"),
        "amount": random.integers(0, 100_000, ROWS).astype(np.float64),
        "kids": random.integers(0, 6, ROWS),
        "district": [f"d{i}" for i in random.integers(1, 9, ROWS)],
    }
    rows |= {f"more_{i}": random.integers(0, 50, ROWS) for i in range(14)}
    rows["secret"] = random.integers(0, 1_000_000, ROWS)
    lake = open_lake(folder / "lake")
    lake.append("people", pa.table(rows))
    return lake


def _line(lake: Lake, what: str, sql: str, is_figures: bool) -> Line:
    grant = _grant(Form.AGGREGATE if is_figures else Form.ROWS)
    allowed = decide(grant, _request(), _facts(), _masks())
    assert isinstance(allowed, Allowed)
    seen = sql.replace("FROM people", f"FROM (SELECT * FROM people WHERE {SEEN}) AS people")

    def by_hand() -> pa.Table:
        with lake.duck(only=("people",), memory_limit=LIMITS.memory) as connection:
            return connection.sql(seen).to_arrow_table()

    def governed() -> pa.Table:
        return ask(lake, [allowed], sql, city_key=KEY, limits=LIMITS)

    assert by_hand().num_rows >= governed().num_rows > 0
    times = [(_ms(by_hand), _ms(governed)) for _ in range(ROUNDS)]
    return Line(what, tuple(h for h, _ in times), tuple(g for _, g in times))


def _ms(ask_once: Callable[[], pa.Table]) -> float:
    start = perf_counter_ns()
    ask_once()
    return (perf_counter_ns() - start) / 1e6


def _report(decisions: list[float], lines: list[Line]) -> None:
    RESULTS.mkdir(exist_ok=True)
    late = quantiles(decisions, n=100)[98]
    saved = {
        "cores": os.cpu_count(),
        "decision_us": {"median": median(decisions), "p99": late},
        "lines": [asdict(line) for line in lines],
    }
    (RESULTS / "access.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    table = [
        f"| {x.what} | {median(x.by_hand):.1f} ms | {median(x.governed):.1f} ms | {x.ratio:.2f} |"
        for x in lines
    ]
    text = "\n".join(
        [
            f"# Access: {ROWS:,} rows of {len(COLUMNS) + 1} columns, {os.cpu_count()} cores",
            "",
            "Written by `python -m benchmarks access`. The machine was shared, load "
            f"{os.getloadavg()[0]:.0f} at the end; each round asks by hand and inside of the grant "
            f"right after each other, {ROUNDS} rounds. Three quarters of the rows are granted.",
            "",
            f"A decision over {len(COLUMNS)} columns and 17 masking rules takes "
            f"{median(decisions):.1f} µs (median of {DECISIONS:,}; p99 {late:.1f} µs); the target "
            "is 50 µs.",
            "",
            "| question | by hand | inside of the grant | ratio, median of rounds |",
            "|---|---|---|---|",
            *table,
            "",
            "The target is 1.2 for the same question on the same columns. Where masks compute "
            "something (a pseudonym is two SHA-256) or a grant of figures counts what the question "
            "by hand does not, the ratio is the price of that.",
            "",
        ]
    )
    (RESULTS / "access.md").write_text(text, encoding="utf-8")
    print(text)
