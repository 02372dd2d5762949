"""Rules: a batch of new rows against 50 rules, from the rows' arrival to the warnings told.

The batch is one row of each of 10,000 streams, on top of a day of their rows. The least is the same
50 questions asked of DuckDB alone, over tables in memory, with nothing read, stored or told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import duckdb
import numpy as np
import pyarrow as pa

from shuzhi.decide.rules import (
    RowRule,
    Rule,
    Watch,
    evaluate,
    look,
    parse_rule,
    register_rules,
    replay,
    warnings,
)
from shuzhi.decide.rules.judging import limits_of
from shuzhi.decide.rules.row_sql import TIME, bound
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Description, Law, LawParameter, LawValue, LegalBasis

RESULTS = Path(__file__).parent / "results"
STREAMS = 10_000
HISTORY = 24
BATCHES = 9
RULES = 50
TARGET_S = 1.0
ZONE = "Asia/Shanghai"
START = Instant(datetime(2026, 3, 2, 0, tzinfo=UTC))
HOUR = timedelta(hours=1)
COMMON = """id: {id}
title: {{zh: 规则, en: A rule}}
dataset: readings
event_time: observed_at
severity: yellow
merge_by: [stream]
merge_within: 2 hours
owner: city
"""
# Five kinds of rules; each is there ten times, with another number.
KINDS = (
    "values: {{most: {high}}}\nsql: SELECT stream, value FROM new WHERE value > :most\n",
    "legal_basis: air_limit\nvalues: {{above: 0.{n}}}\n"
    "sql: SELECT stream, value, :limit AS most FROM new WHERE value > :limit + :above\n",
    "reads: [streams]\nvalues: {{most: {high}}}\n"
    "sql: >\n  SELECT new.stream AS stream, s.district AS district, new.value AS value FROM new\n"
    "  JOIN streams AS s ON s.stream = new.stream WHERE new.value > :most\n",
    "look_back: 3 hours\nvalues: {{times: {times}}}\n"
    "sql: >\n  SELECT stream, value FROM new WHERE value > :times *\n"
    "  (SELECT MAX(past.value) FROM past WHERE past.stream = new.stream)\n",
    "look_back: 5 hours\nvalues: {{n: {n}}}\n"
    "sql: >\n  SELECT stream, value FROM new WHERE value > 1000 + :n AND\n"
    "  (SELECT COUNT(*) FROM past\n"
    "  WHERE past.stream = new.stream AND past.value = new.value) >= 4\n",
)
SILENCE = """reads: [streams]
silence: {per: [stream], expected: SELECT stream FROM streams, after: 3 hours, every: 1 hour}
"""


@dataclass(frozen=True)
class Line:
    """A row of the table: every round in seconds of the clock and of all cores."""

    what: str
    rounds: tuple[tuple[float, float], ...]
    target: str = ""

    @property
    def clock(self) -> list[float]:
        return [clock for clock, _ in self.rounds]

    @property
    def cores(self) -> list[float]:
        return [cores for _, cores in self.rounds]


class Stopwatch:
    """Tells the seconds of the clock and of all cores since it was made."""

    def __init__(self) -> None:
        self._clock, self._cores = perf_counter(), process_time()

    def read(self) -> tuple[float, float]:
        return perf_counter() - self._clock, process_time() - self._cores


def main() -> None:
    """Measure, print, and write `results/rules.json` and `.md`."""
    with TemporaryDirectory() as folder:
        lines = list(_measured(Path(folder)))
    _report(lines)


def _rules() -> list[Rule]:
    made = []
    for number in range(RULES):
        kind, n = KINDS[number % len(KINDS)], number // len(KINDS)
        text = COMMON.format(id=f"rule_{number}")
        text += kind.format(high=996 + n // 4, n=n, times=4 + n)
        made.append(parse_rule(text.encode(), file=f"rule_{number}.yaml"))
    return made


def _law() -> Law:
    values = ((date(2020, 1, 1), 995), (date(2026, 1, 1), 996))
    parameter = LawParameter(
        id="air_limit",
        legal_basis=LegalBasis(law="made up for this benchmark", article="1"),
        description=Description(zh="限值", en="a limit"),
        unit="ug/m3",
        values=tuple(
            LawValue.model_validate({"from": since, "value": Decimal(value), "verified": True})
            for since, value in values
        ),
    )
    return Law({parameter.id: parameter})


def _rows(hour: int) -> pa.Table:
    random = np.random.default_rng(hour)
    return pa.table(
        {
            "stream": pa.array([f"s{i:05}" for i in range(STREAMS)]),
            "observed_at": pa.array([START + hour * HOUR] * STREAMS, pa.timestamp("us", tz="UTC")),
            "value": random.integers(0, 1_000, STREAMS).astype(np.float64),
        }
    )


def _watch(folder: Path) -> tuple[Watch, list[object]]:
    lake = open_lake(folder / "lake")
    names = [f"s{i:05}" for i in range(STREAMS + 10)]
    districts = [f"d{i % 20}" for i in range(STREAMS + 10)]
    lake.append("streams", pa.table({"stream": names, "district": districts}))
    for hour in range(HISTORY):
        lake.append("readings", _rows(hour))
    control = open_control(f"sqlite:///{folder}/control.db")
    metadata.create_all(control.engine)
    heard: list[object] = []
    now = Instant(START + (HISTORY - 1) * HOUR)
    return Watch(control, lake, _law(), ZONE, lambda: now, heard.append), heard


def _measured(folder: Path) -> Iterator[Line]:
    watch, heard = _watch(folder)
    rules = _rules()
    register_rules(watch, rules, by="benchmark")
    arrival, judging = [], []
    for hour in range(HISTORY, HISTORY + BATCHES):
        rows = _rows(hour)
        before = len(heard)
        since_arrival = Stopwatch()
        watch.lake.append("readings", rows)
        since_stored = Stopwatch()
        done = evaluate(watch, rules, "readings")
        judging.append(since_stored.read())
        arrival.append(since_arrival.read())
        assert len(done.rules) == RULES
        assert len(heard) - before == done.raised > 0
    found = len(warnings(watch, limit=None)) / BATCHES
    yield Line(f"judge, store and tell {found:,.0f} warnings a batch", tuple(judging), "1 s")
    yield Line("rows handed to the lake … warnings told", tuple(arrival), "1 s")
    yield Line("the same questions to DuckDB alone", tuple(_least(watch.lake, rules)))
    yield from _silence(watch)
    yield from _history(watch, rules)


def _least(lake: Lake, rules: list[Rule]) -> Iterator[tuple[float, float]]:
    law = _law()
    questions = [bound(r, limits_of(r, law, ZONE)) for r in rules if isinstance(r, RowRule)]
    last = HISTORY + BATCHES - 1
    with lake.duck() as source:
        past, streams = (source.sql(q).to_arrow_table() for q in ("FROM readings", "FROM streams"))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in (("past_rows", past), ("streams_rows", streams), ("rows", _rows(last))):
            connection.register(name, table)
        since = (START + (last - 5) * HOUR).isoformat()
        connection.execute(f"CREATE TABLE new AS SELECT *, observed_at AS {TIME} FROM rows")
        connection.execute(
            f"CREATE TABLE past AS SELECT *, observed_at AS {TIME} FROM past_rows "
            f"WHERE observed_at >= '{since}'"
        )
        connection.execute("CREATE TABLE streams AS FROM streams_rows")
        for _ in range(BATCHES):
            stopwatch = Stopwatch()
            for question in questions:
                connection.sql(question).to_arrow_table()
            yield stopwatch.read()


def _silence(watch: Watch) -> Iterator[Line]:
    dead = parse_rule((COMMON.format(id="dead") + SILENCE).encode(), file="dead.yaml")
    times = []
    now = watch.clock()
    hours = [Instant(now + n * HOUR) for n in range(BATCHES + 1)]
    for at in hours:
        then = Watch(watch.control, watch.lake, watch.law, ZONE, lambda at=at: at, watch.publish)  # type: ignore[misc]
        if at == hours[0]:
            register_rules(then, [dead], by="benchmark")
            continue
        stopwatch = Stopwatch()
        assert len(look(then, [dead]).rules) == 1
        times.append(stopwatch.read())
    yield Line(f"look for silence of {STREAMS + 10:,} streams, 1 rule", tuple(times), "1 s")


def _history(watch: Watch, rules: list[Rule]) -> Iterator[Line]:
    until = Instant(START + (HISTORY + BATCHES) * HOUR)
    times = []
    for _ in range(3):
        stopwatch = Stopwatch()
        done = replay(watch, rules, START, until)
        times.append(stopwatch.read())
        assert not any(one.failure for one in done)
    rows = STREAMS * (HISTORY + BATCHES)
    yield Line(f"replay {rows:,} rows by {RULES} rules", tuple(times))


def _report(lines: list[Line]) -> None:
    RESULTS.mkdir(exist_ok=True)
    saved = {"cores": os.cpu_count(), "lines": [asdict(line) for line in lines]}
    (RESULTS / "rules.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    table = [
        f"| {x.what} | {median(x.clock):.3f} s | {min(x.clock):.3f} to {max(x.clock):.3f} s "
        f"| {median(x.cores):.3f} s | {x.target} |"
        for x in lines
    ]
    text = "\n".join(
        [
            f"# Rules: {STREAMS:,} new rows against {RULES} rules, {os.cpu_count()} cores",
            "",
            f"Written by `python -m benchmarks rules`. One row of each of {STREAMS:,} streams; "
            f"{HISTORY} batches lie before it. {BATCHES} rounds (3 of the replay), all of them "
            f"shown; the machine was shared, load {os.getloadavg()[0]:.0f} at the end.",
            "",
            "| what | median | least to most | of the cores, median | target |",
            "|---|---|---|---|---|",
            *table,
            "",
            "Ten rules each of five kinds: over a number, over the law's limit of the day, joined "
            "with reference data, against the highest of three hours, the same as four times in "
            "five hours. Warnings and audit entries are written with a synced WAL (SQLite, "
            "synchronous=FULL).",
            "",
        ]
    )
    (RESULTS / "rules.md").write_text(text, encoding="utf-8")
    print(text)
