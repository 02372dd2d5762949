"""Cases: durable transitions a second on SQLite, one by one, from threads, and in bulk.

Every transition writes state, history and audit entry with a synced WAL. The disk's own rate of
synced commits is measured beside it, and SpiffWorkflow as a peer in an environment of its own.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from shuzhi.act.cases import (
    Act,
    Actor,
    ActQueue,
    Case,
    CaseId,
    CaseRole,
    EvidenceFile,
    Office,
    Order,
    Report,
    Verb,
    act,
    act_all,
    open_all,
    parse_case_kind,
    tick,
)
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.parties.store import write_parties

RESULTS = Path(__file__).parent / "results"
PEER = Path(__file__).parent / "peers" / "with_spiffworkflow.py"
BENCH = Path(__file__).resolve().parents[1] / ".bench" / "spiffworkflow"
TARGET = 1_000
ROUNDS = 5
BULK = 2_000
SINGLES = 200
NOW = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC))
KIND = b"""
id: repair
title: {zh: X, en: X}
severities: [ordinary]
steps:
  verify: {from: NEW, by: desk}
  file: {from: VERIFIED, by: desk}
  dispatch: {from: FILED, by: dispatcher}
  take: {from: DISPATCHED, by: handler}
  feed_back: {from: IN_HAND, by: handler}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
  rate: {from: CLOSED, by: rater}
clocks:
  - {id: answer, title: {zh: X, en: X}, over: [NEW, VERIFIED], answers: desk, limit: 30 minutes}
  - id: handle
    title: {zh: X, en: X}
    over: [DISPATCHED, IN_HAND]
    answers: handler
    limit: 5 working days
    escalate_every: 1 working day
closing: {evidence: {photo: 1}}
"""
ALL = frozenset(CaseRole)
DESK, TOWN = Actor("d", PartyId("city"), ALL), Actor("h", PartyId("town_0"), ALL)
PHOTO = EvidenceFile("0" * 64, "a.png", "image/png", "photo", 1)
LIFE: tuple[Callable[[CaseId], Act], ...] = (
    lambda i: Act(i, Verb.VERIFY, DESK),
    lambda i: Act(i, Verb.FILE, DESK),
    lambda i: Act(i, Verb.DISPATCH, DESK, orders=(Order(PartyId("town_0"), is_lead=True),)),
    lambda i: Act(i, Verb.TAKE, TOWN),
    lambda i: Act(i, Verb.FEED_BACK, TOWN, evidence=(PHOTO,)),
    lambda i: Act(i, Verb.CHECK, DESK),
    lambda i: Act(i, Verb.CLOSE, DESK),
    lambda i: Act(i, Verb.RATE, DESK, stars=5),
)


def main() -> None:
    """Measure in rounds, print, and write `results/cases.json` and `.md`."""
    rounds = [one_round() for _ in range(ROUNDS)]
    report({name: [rates[name] for rates in rounds] for name in rounds[0]})


def one_round() -> dict[str, float]:
    """Return the rates a second of one round, each on a store of its own, the peer's last."""
    with TemporaryDirectory() as folder:
        commits = bare_commits(Path(folder))
        office = made_office(Path(folder))
        queue = ActQueue(office)
        timed = {
            "open, in bulk": opened(office),
            "a whole life, in bulk (`act_all`, 500 a transaction)": in_bulk(office),
            "a whole life, one thread, one by one": from_threads(office, 1, None),
            "8 threads, one by one": from_threads(office, 8, None),
            "8 threads through `ActQueue`": from_threads(office, 8, queue),
            "32 threads through `ActQueue`": from_threads(office, 32, queue),
            "clocks that break in one tick": ticked(office),
        }
    rates = {name: count / seconds for name, (count, seconds) in timed.items()}
    return {"the disk alone, synced commits of one row": commits, **rates, **peer()}


def bare_commits(folder: Path) -> float:
    """Return how many synced commits of one row the disk takes in a second."""
    store = sqlite3.connect(folder / "bare.db", isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT)")
    started = perf_counter()
    for _ in range(SINGLES):
        store.execute("INSERT INTO row (text) VALUES (?)", ("x" * 500,))
    return SINGLES / (perf_counter() - started)


def made_office(folder: Path) -> Office:
    """Make a city of 1,071 parties with one kind of case."""
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    metadata.create_all(control.engine)
    _write_parties(control)
    kind = parse_case_kind(KIND, file="repair.yaml")
    calendar, zone = china_working_days(), "Asia/Shanghai"
    return Office(
        control, {kind.id: kind}, calendar, zone, PartyId("city"), folder, lambda: NOW
    )  # fmt: skip


def _write_parties(control: Control) -> None:
    city = Party(PartyId("city"), "市", "City", Level.CITY)
    districts = [_party(f"district_{n}", Level.DISTRICT, "city") for n in range(39)]
    towns = [_party(f"town_{n}", Level.TOWN, f"district_{n % 39}") for n in range(1_031)]
    with control.transaction() as connection:
        write_parties(connection, [city, *districts, *towns])


def _party(name: str, level: Level, above: str) -> Party:
    return Party(PartyId(name), name, name, level, None, PartyId(above))


def reports(count: int) -> list[Report]:
    """Return reports of different matters."""
    return [Report("repair", "ordinary", DESK, PartyId("town_0")) for _ in range(count)]


def opened(office: Office) -> tuple[int, float]:
    """Return how many cases were opened, and in how many seconds."""
    started = perf_counter()
    open_all(office, reports(BULK))
    return BULK, perf_counter() - started


def in_bulk(office: Office) -> tuple[int, float]:
    """Return the transitions and seconds of whole lives, step by step over all cases."""
    ids = [_id(done) for done in open_all(office, reports(BULK))]
    started = perf_counter()
    for step in LIFE:
        _all_done(act_all(office, [step(i) for i in ids]))
    return BULK * len(LIFE), perf_counter() - started


def from_threads(office: Office, threads: int, queue: ActQueue | None) -> tuple[int, float]:
    """Return the transitions and seconds of whole lives, each thread its own cases."""
    count = max(SINGLES // len(LIFE), threads) * (8 if queue else 2)
    ids = [_id(done) for done in open_all(office, reports(count))]
    do = queue.act if queue else lambda one: act(office, one)

    def live(case_id: CaseId) -> None:
        _all_done([do(step(case_id)) for step in LIFE])

    started = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(live, ids))
    return count * len(LIFE), perf_counter() - started


def ticked(office: Office) -> tuple[int, float]:
    """Return how many clocks broke in one tick long after, and its seconds."""
    later = replace(office, clock=lambda: Instant(NOW + timedelta(hours=1)))
    started = perf_counter()
    done = tick(later)
    return done.broken, perf_counter() - started


def peer() -> dict[str, float]:
    """Return what SpiffWorkflow measured in its own process; empty where it cannot be had."""
    python = BENCH / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(BENCH)], check=True)
            pip = [str(python), "-m", "pip", "install", "-q", "SpiffWorkflow==3.2.0"]
            subprocess.run(pip, check=True)
        done = subprocess.run([str(python), str(PEER)], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SpiffWorkflow was not measured: {error}")
        return {}
    found = json.loads(done.stdout)
    return {
        "SpiffWorkflow 3.2.0, steps": found["steps_per_second"],
        "SpiffWorkflow 3.2.0, cases looked at for due timers": found["ticks_per_second"],
    }


def _id(done: object) -> CaseId:
    return done.case_id  # type: ignore[attr-defined, no-any-return]


def _all_done(results: Sequence[object]) -> None:
    assert all(isinstance(result, Case) for result in results)


def report(rates: Mapping[str, Sequence[float]]) -> None:
    """Print and write what was measured: of each rate the median, the least and the most."""
    rows = [
        f"| {name} | {median(found):,.0f} | {min(found):,.0f} to {max(found):,.0f} |"
        for name, found in rates.items()
    ]
    page = "\n".join([
        "# Cases: durable transitions on SQLite (WAL, synchronous=FULL), 2 cores",
        "",
        "Written by `python -m benchmarks cases`. Each transition writes state, history and audit "
        f"entry; 1,071 parties; target {TARGET:,} a second. {ROUNDS} rounds, all of them shown; "
        "the machine was shared with other work.",
        "",
        "| what | a second, median | least to most |",
        "|---|---|---|",
        *rows,
        "",
        "SpiffWorkflow runs one by one and wrote no history, working-day clocks or audit entries.",
        "",
    ])  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cases.md").write_text(page, encoding="utf-8")
    content = json.dumps({"rates_per_second": rates}, indent=2) + "\n"
    (RESULTS / "cases.json").write_text(content, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
