"""Verification: the whole server with 10 M made-up subjects beside a bare FastAPI endpoint.

Both are one process of uvicorn, and get the same requests from the same client over loopback, in
turns. What is asked about is simulated: nobody in it lives.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa

from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Form, User
from shuzhi.share.accounts import NewAccount, NewKey, Right, Role, add_account, grant, make_key
from shuzhi.share.agreements import Actor, Asked, agree, submit
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.verification import AnsweredBlock, Asking, answer_sheet, read_sheet
from shuzhi.share.verification.parts import key_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
PEERS = Path(__file__).parent / "peers"
SUBJECTS = 10_000_000
CHANGES = 10_000
BATCH = 200_000
ROUNDS = 3
ROUND_S = 6.0
CONNECTIONS = (16, 64)
# So many a second are asked on schedule, whether answers come or not.
PACE = 500.0
RATIO, P99_MS = 0.60, 20.0
SEED = 20260302
NAMES = ("张三丰", "李思远", "王小明", "赵丽颖", "阿卜杜拉·买买提", "欧阳修文", "陈静", "刘洋")
_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: registry, title: {zh: 登记处, en: Registry}, level: city, superior: city}
  - {id: housing, title: {zh: 住房局, en: Housing}, level: city, superior: city}
""",
    "contracts/residents.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:residents
name: residents
version: 1.0.0
status: active
description: {purpose: Simulated residents.}
customProperties:
  - {property: titleZh, value: 居民登记}
  - {property: provider, value: registry}
  - {property: sharingType, value: conditional}
  - {property: sharingCondition, value: 限履职使用}
  - {property: sharingMethod, value: service}
  - {property: openType, value: closed}
  - {property: updateCycle, value: day}
  - {property: grade, value: general}
schema:
  - name: residents
    properties:
      - {name: id, logicalType: string, primaryKey: true, required: true}
      - {name: name, logicalType: string}
      - {name: born, logicalType: date}
      - {name: phone, logicalType: string}
      - {name: district, logicalType: string}
""",
    "masks.yaml": """
id: benchmark
title: {zh: 基准, en: benchmark}
source: made for a benchmark
verified: false
rules:
  - {grades: any, kinds: any, roles: any, purposes: any, mask: keep}
""",
    "verification.yaml": """
datasets:
  residents:
    subject: id
    columns: {name: [exact, name], born: [exact, date], phone: [exact, last], district: [exact]}
limits:
  agreement: {per_second: 100000, at_once: 100000}
  asker: {per_second: 100000, at_once: 100000}
  enumeration: null
  most_a_day: 1000000000
""",
}


@dataclass(frozen=True)
class Round:
    """One round of one server: requests a second, milliseconds at the median and at p99.

    `cpu_us` is the processor time of the server for each answer, in all its threads.
    """

    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    answers: int
    cpu_us: float = 0.0


@dataclass(frozen=True)
class Peer:
    """A server that runs: its port, and its process."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Return the processor time that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def people(first: int, count: int, changed: int = 0) -> pa.Table:
    """Make rows of nobody; `changed` makes their phones others."""
    names = pa.array(NAMES)
    made = duckdb.sql(
        "SELECT 'P' || lpad((i * 7919 % 99999989)::VARCHAR, 17, '0') AS id, i "
        "FROM range($first, $last) r(i)",
        params={"first": first, "last": first + count},
    ).to_arrow_table()
    i = made.column("i").to_numpy()
    return pa.table(
        {
            "id": made.column("id"),
            "name": names.take(pa.array(i % len(NAMES))),
            "born": pa.array((np.datetime64("1940-01-01") + (i * 31 % 29_000)).astype("M8[D]")),
            "phone": pa.array(np.char.add("13", (i * 104_729 % 10**9 + changed).astype(str))),
            "district": pa.array(np.char.add("d", (i % 9).astype(str))),
        }
    )


def body_of(number: int, agreement: int) -> bytes:
    """Return a question about the subject of a number, in which all holds."""
    born = np.datetime64("1940-01-01") + number * 31 % 29_000
    return json.dumps(
        {
            "agreement": agreement,
            "purpose": "rent_aid",
            "role": "data_user",
            "subject": f"P{number * 7919 % 99_999_989:017}",
            "claims": {"name": {"name": NAMES[number % len(NAMES)]}, "born": str(born)},
        },
        ensure_ascii=False,
    ).encode()


def make_city(folder: Path, subjects: int) -> tuple[City, str]:
    """Make a city with so many residents, an agreement on them, and a key; return both."""
    create_city(folder)
    for name, text in _FILES.items():
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    city = open_city(folder)
    city.register()
    block = 2_000_000
    for first in range(0, subjects, block):
        city.lake.append("residents", people(first, min(block, subjects - first)))
    today = city.clock().date()
    asked = Asked(
        "residents", "", "住房保障条例", "Rent aid", ("rent_aid",), ("data_user",),
        ("id", "name", "born", "phone", "district"), (), SharingMethod.SERVICE, today,
        today + timedelta(days=300), "h.qian", Form.YES_NO, None, "id", 1_000_000_000,
    )  # fmt: skip
    held = submit(city.sharing_office, asked, by=Actor("h.li", PartyId("housing")))
    agree(city.sharing_office, held.application.id, by=Actor("r.zhou", PartyId("registry")))
    accounts = city.accounts_office
    add_account(accounts, NewAccount("h.li", PartyId("housing"), "Li"), by="setup")
    grant(accounts, "h.li", PartyId("housing"), Role.DATA_USER, by="setup")
    new = NewKey("h.li", PartyId("housing"), "bench", frozenset({Right.VERIFY}), timedelta(days=1))
    return city, make_key(accounts, new, by="setup")[1].value


@contextmanager
def server(script: str, *arguments: str) -> Iterator[Peer]:
    """Run a peer on a free port until the end; yield it when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(PEERS / f"{script}.py"), str(port), *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ) as process:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield Peer(port, process.pid)
        finally:
            process.terminate()


_YES = re.compile(rb'\{"answer": ?"yes"')


class _Asker(asyncio.Protocol):
    """One connection: sends a request, waits for its answer, sends the next.

    With `every_s`, requests are due so often, and what is late counts from when it was due.
    """

    def __init__(
        self, requests: Sequence[bytes], start: int, took_ms: list[float], every_s: float
    ) -> None:
        self._requests = requests
        self._next = start
        self._took_ms = took_ms
        self._every_s = every_s
        self._due_at = 0.0
        self._held = b""
        self.is_over = False
        self.wrong = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        # Connections begin apart, so that requests on schedule do not come in bursts.
        first_s = self._every_s * (self._next % 97) / 97
        self._due_at = time.perf_counter() + first_s
        asyncio.get_running_loop().call_later(first_s, self._send)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, gap, body = self._held.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self._took_ms.append((now - self._due_at) * 1000)
        self.wrong += not (head.startswith(b"HTTP/1.1 200") and _YES.match(body))
        self._held = body[length:]
        self._due_at = self._due_at + self._every_s if self._every_s else now
        if self.is_over:
            self._transport.close()
        elif self._due_at > now:
            asyncio.get_running_loop().call_later(self._due_at - now, self._send)
        else:
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._next = (self._next + 1) % len(self._requests)
        self._transport.write(self._requests[self._next])


async def load(
    peer: Peer,
    requests: Sequence[bytes],
    connections: int,
    seconds: float,
    per_second: float | None = None,
) -> Round:
    """Ask over so many connections, each with one request at a time, for some seconds.

    With `per_second` they are asked on schedule, else each as soon as the last was answered.
    """
    loop, took_ms = asyncio.get_running_loop(), list[float]()
    every_s = 0.0 if per_second is None else connections / per_second
    start, cpu_s = time.perf_counter(), peer.cpu_s()
    askers = [
        (await loop.create_connection(
            lambda c=c: _Asker(requests, c * 997, took_ms, every_s), "127.0.0.1", peer.port))[1]
        for c in range(connections)
    ]  # fmt: skip
    await asyncio.sleep(seconds)
    for asker in askers:
        asker.is_over = True
    await asyncio.wait_for(asyncio.gather(*(a.done for a in askers)), 30)
    spent, cpu_s = time.perf_counter() - start, peer.cpu_s() - cpu_s
    wrong = sum(a.wrong for a in askers)
    assert not wrong, f"{wrong} of {len(took_ms)} answers were not yes"
    p50, p99 = np.percentile(took_ms, [50, 99])
    answers, cpu_us = len(took_ms), cpu_s / len(took_ms) * 1e6
    return Round(connections, answers / spent, float(p50), float(p99), answers, cpu_us)


def requests_of(key: str, agreement: int, subjects: int, count: int = 20_000) -> list[bytes]:
    """Return requests about random subjects, in full."""
    numbers = np.random.default_rng(SEED).integers(0, subjects, count)
    made = []
    for number in numbers.tolist():
        body = body_of(number, agreement)
        head = (
            f"POST /api/v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}"
            f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


@dataclass(frozen=True)
class Kept:
    """What keeping the index took."""

    build_s: float
    rows: int
    size_mb: float
    open_ms: float
    refresh_s: float
    refreshed: int
    batch_s: float
    batch_rows: int
    batch_peak_mb: float


def kept(city: City, subjects: int) -> Kept:
    """Build the index, open it, bring changes into it, and answer a list from it."""
    start = time.perf_counter()
    built = city.refresh_verification("residents", rebuild=True)
    build_s = time.perf_counter() - start
    size_mb = sum(part.size_bytes for part in built.generation.files) / 1e6
    office = open_city(city.settings.folder).verification_desk.office
    start = time.perf_counter()
    index = office.indexes.index("residents")
    assert index is not None
    assert index.find("P00000000000000000").rows
    open_ms = (time.perf_counter() - start) * 1000
    changed = people(0, CHANGES, changed=city.lake.version("residents"))
    city.lake.upsert("residents", changed, key=["id"])
    start = time.perf_counter()
    refreshed = city.refresh_verification("residents")
    refresh_s = time.perf_counter() - start
    assert (refreshed.done.value, refreshed.changed) == ("changes", CHANGES)
    batch_s, peak_mb = _batch(city, min(BATCH, subjects))
    return Kept(
        build_s, built.generation.base.rows, size_mb, open_ms, refresh_s, refreshed.changed,
        batch_s, min(BATCH, subjects), peak_mb,
    )  # fmt: skip


def _batch(city: City, rows: int) -> tuple[float, float]:
    """Answer a list of so many subjects; return its seconds and the process's peak memory."""
    folder = city.settings.folder
    given = people(0, rows)
    asked = pa.table(
        {
            "subject": given.column("id"),
            "name:name": given.column("name"),
            "born": given.column("born").cast(pa.string()),
        }
    )
    path = folder / "list.arrow"
    with pa.ipc.new_file(path, asked.schema) as writer:
        writer.write_table(asked, max_chunksize=50_000)
    user = User("h.li", PartyId("housing"), frozenset({"data_user"}))
    asking = Asking(user, 1, "data_user", "rent_aid")
    start, told = time.perf_counter(), 0
    for block in answer_sheet(city.verification_desk, asking, read_sheet(path)):
        assert isinstance(block, AnsweredBlock), block
        assert set(block.answers.column("answer").to_pylist()) == {"yes"}
        told += block.answers.num_rows
    assert told == rows
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.perf_counter() - start, peak_mb


def two_ways(city: City) -> dict[str, float]:
    """Microseconds of one look-up: in the mapped Arrow file, and in SQLite over the same rows."""
    index = city.verification_desk.office.indexes.index("residents")
    assert index is not None
    secret = city.verification_desk.office.indexes.secret
    subjects = people(0, 200_000).column("id").to_pylist()
    path = city.settings.folder / "same.sqlite"
    path.unlink(missing_ok=True)
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE s (key BLOB PRIMARY KEY, name, born, phone) WITHOUT ROWID")
    keys = [b"%016x%016x" % key_of(secret, subject) for subject in subjects]
    rows = sorted(zip(keys, subjects, subjects, subjects, strict=True))
    store.executemany("INSERT INTO s VALUES (?, ?, ?, ?)", rows)
    store.commit()
    store.execute(f"PRAGMA mmap_size = {1 << 30}")

    def arrow(subject: str) -> object:
        (row,) = index.find(subject).rows
        return row.held("name")

    def sqlite(subject: str) -> object:
        key = b"%016x%016x" % key_of(secret, subject)
        return store.execute("SELECT name FROM s WHERE key = ?", (key,)).fetchone()[0]

    return {"arrow": _us(arrow, subjects), "sqlite": _us(sqlite, subjects)}


def _us(look: Callable[[str], object], subjects: Sequence[str]) -> float:
    sample = np.random.default_rng(SEED).permutation(len(subjects))[:20_000].tolist()
    for number in sample:
        look(subjects[number])
    start = time.perf_counter()
    for number in sample:
        look(subjects[number])
    return (time.perf_counter() - start) / len(sample) * 1e6


def prepared(folder: Path, subjects: int) -> tuple[City, str]:
    """Return the city in a folder, and its key; made where it is not there whole."""
    kept_key = folder / "key"
    if kept_key.exists():
        return open_city(folder), kept_key.read_text(encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    city, key = make_city(folder, subjects)
    kept_key.write_text(key, encoding="utf-8")
    return city, key


@dataclass(frozen=True)
class Measured:
    """All that one run measured; `loads` are the machine's at the start and at the end."""

    subjects: int
    kept: Kept
    look_up_us: dict[str, float]
    pairs: dict[int, list[tuple[Round, Round]]]
    paced: list[tuple[Round, Round]]
    loads: tuple[float, float]


def main(subjects: int = SUBJECTS, rounds: int = ROUNDS) -> None:
    """Measure, print, and write `results/verification.json` and `.md`."""
    load_before = os.getloadavg()[0]
    folder = ROOT / ".bench" / f"verification_{subjects}"
    city, key = prepared(folder, subjects)
    city.refresh_verification("residents")
    pairs, paced = asked(folder, requests_of(key, 1, subjects), rounds)
    cost = kept(city, subjects)
    print(cost, flush=True)
    ways = two_ways(city)
    print(ways, flush=True)
    loads = (load_before, os.getloadavg()[0])
    _report(Measured(subjects, cost, ways, pairs, paced, loads))


def asked(
    folder: Path, requests: Sequence[bytes], rounds: int
) -> tuple[dict[int, list[tuple[Round, Round]]], list[tuple[Round, Round]]]:
    """Ask the bare endpoint and ours in turns: as fast as they answer, and on schedule."""
    pairs: dict[int, list[tuple[Round, Round]]] = {c: [] for c in CONNECTIONS}
    paced: list[tuple[Round, Round]] = []
    with server("bare_fastapi") as bare, server("verification_server", str(folder)) as ours:

        def both(connections: int, per_second: float | None) -> tuple[Round, Round]:
            one, other = (
                asyncio.run(load(peer, requests, connections, ROUND_S, per_second))
                for peer in (bare, ours)
            )
            print(one, other, sep="\n", flush=True)
            return one, other

        for peer in (bare, ours):
            asyncio.run(load(peer, requests, 8, 2.0))
        for _ in range(rounds):
            for connections, measured in pairs.items():
                measured.append(both(connections, None))
            paced.append(both(CONNECTIONS[0], PACE))
    return pairs, paced


_HEAD = """\
| connections | bare, per s | ours, per s | ratio | bare p99 | ours p50 | ours p99 | bare CPU | ours |
|---|---|---|---|---|---|---|---|---|"""  # noqa: E501  (one line of a table)


def _report(found: Measured) -> None:
    RESULTS.mkdir(exist_ok=True)
    saved = {"cores": os.cpu_count(), **asdict(found)}
    text = json.dumps(saved, indent=1) + "\n"
    (RESULTS / "verification.json").write_text(text, encoding="utf-8")
    lines = [_line(f"{connections}", pairs) for connections, pairs in found.pairs.items()]
    lines.append(_line(f"{CONNECTIONS[0]}, {PACE:,.0f} a second on schedule", found.paced))
    cost, ways = found.kept, found.look_up_us
    told = f"""# Verification: {found.subjects:,} simulated subjects, {os.cpu_count()} cores

Written by `python -m benchmarks verification`, {len(found.paced)} rounds of {ROUND_S:.0f} s of each
kind. The machine and its disk were shared: load {found.loads[0]:.1f} at the start and
{found.loads[1]:.1f} at the end, on {os.cpu_count()} cores. Each round asks the bare endpoint and
ours right after each other, so that the ratio is what counts. Ours is the whole application:
guards, accounts, access, index, watch, receipt and audit entry on the disk before each answer. Both
answer the same requests in one process of uvicorn; the client runs beside them. The bare endpoint's
requests are read by h11; ours reads short requests of its path itself, and leaves others to h11.

{_HEAD}
{chr(10).join(lines)}

Medians over the rounds; CPU is what the server took for each answer, in all its threads. The
targets are a ratio of {RATIO:.2f} and a p99 of {P99_MS:.0f} ms:
{_verdicts(found.pairs)}.

| what | measured |
|---|---|
| index built whole, {cost.size_mb:,.0f} MB | {cost.build_s:.1f} s |
| opened, and the first subject found | {cost.open_ms:.1f} ms |
| {cost.refreshed:,} changed subjects brought in | {cost.refresh_s:.1f} s |
| a list of {cost.batch_rows:,} subjects, two claims each | {cost.batch_s:.1f} s |
| peak memory of all this in one process | {cost.batch_peak_mb:,.0f} MB |
| a subject found in the mapped file of all, a name read | {ways["arrow"]:.1f} µs |
| the same in SQLite with 200,000 subjects, mapped | {ways["sqlite"]:.1f} µs |
"""
    (RESULTS / "verification.md").write_text(told, encoding="utf-8")
    print(told)


def _ratio(pairs: Sequence[tuple[Round, Round]]) -> float:
    return median(ours.per_second / bare.per_second for bare, ours in pairs)


def _verdicts(pairs: dict[int, list[tuple[Round, Round]]]) -> str:
    said = []
    for connections, measured in pairs.items():
        is_fast = _ratio(measured) >= RATIO
        is_soon = median(ours.p99_ms for _, ours in measured) < P99_MS
        words = {True: "met", False: "missed"}
        said.append(f"at {connections} connections {words[is_fast]} and {words[is_soon]}")
    return "; ".join(said)


def _line(connections: str, measured: Sequence[tuple[Round, Round]]) -> str:
    bare, ours = zip(*measured, strict=True)
    return (
        f"| {connections} | {median(b.per_second for b in bare):,.0f} "
        f"| {median(o.per_second for o in ours):,.0f} | {_ratio(measured):.2f} "
        f"| {median(b.p99_ms for b in bare):.0f} ms | {median(o.p50_ms for o in ours):.1f} ms "
        f"| {median(o.p99_ms for o in ours):.0f} ms | {median(b.cpu_us for b in bare):.0f} µs "
        f"| {median(o.cpu_us for o in ours):.0f} µs |"
    )
