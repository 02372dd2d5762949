"""Audit: durable appends, the whole log verified, proofs; against the least that must be done.

The least for appends is the same bytes in one plain file, synced once a batch; the least for
verifying is the hashes alone, on bytes that are in memory already.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Thread
from time import perf_counter

from shuzhi.audit import (
    Entry,
    Log,
    Signer,
    check_proof,
    flush,
    found_log,
    prove,
    queue,
    verify_folder,
)
from shuzhi.audit.merkle import consistency_path
from shuzhi.audit.model import numbered
from shuzhi.audit.tiles import TileReader
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.instant import Instant

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench" / "audit"
RESULTS = Path(__file__).parent / "results"
ENTRIES = 1_000_000
BATCH = 5_000
CALLERS = 256
SECONDS = 5.0
QUEUED = 20_000
PROOFS = 300
SIGNER = Signer("audit.bench.example", bytes(range(32)))
AT = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))


@dataclass(frozen=True)
class Line:
    """A row of the table; the ratio is to the target, or to the least where that is said."""

    what: str
    figure: str
    target: str = ""
    ratio: str = ""


def main(entries: int = ENTRIES) -> None:
    """Measure, print, and write `results/audit.json` and `.md`."""
    shutil.rmtree(BENCH, ignore_errors=True)
    BENCH.mkdir(parents=True)
    lines = [*_batches(entries), *_callers(), *_outbox(), *_verifying(entries), *_proofs(entries)]
    shutil.rmtree(BENCH)
    _report(lines, entries)


def _content(number: int) -> bytes:
    facts = {"kind": "river_pollution", "step": 3, "stage": "DISPATCHED", "party": "city"}
    facts["step_sha256"] = sha256(b"%d" % number).hexdigest()
    entry = Entry("case.dispatched", AT, "d.chen", f"case:{number}", facts)
    return numbered(entry.canonical(), number)


def _batches(entries: int) -> Iterator[Line]:
    contents = [_content(n) for n in range(entries)]
    batches = [contents[n : n + BATCH] for n in range(0, entries, BATCH)]
    plain, _ = _timed(batches, _plain_file(BENCH / "plain"))
    with found_log(BENCH / "log", SIGNER) as log:
        seconds, each = _timed(batches, log.append)
    rate = entries / seconds
    yield Line(
        f"appends in batches of {BATCH:,}", f"{rate:,.0f}/s", "10,000/s", f"{rate / 10_000:.1f}"
    )
    yield Line(
        "… append to signed checkpoint, p99", f"{_p99(each):.3f} s", "1 s", f"{_p99(each):.2f}"
    )
    least = "the same bytes in a plain file, one sync a batch"
    yield Line("… time against the least", f"{seconds:.1f} s", least, f"{seconds / plain:.1f}")


def _plain_file(path: Path) -> Callable[[list[bytes]], None]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(batch: list[bytes]) -> None:
        os.write(descriptor, b"".join(batch))
        os.fsync(descriptor)

    return append


def _timed(
    batches: list[list[bytes]], append: Callable[[list[bytes]], object]
) -> tuple[float, list[float]]:
    each = []
    for batch in batches:
        started = perf_counter()
        append(batch)
        each.append(perf_counter() - started)
    return sum(each), each


def _callers() -> Iterator[Line]:
    """Each caller appends one entry, waits until it is durable and signed, and comes again."""
    for callers in (1, CALLERS):
        with found_log(BENCH / f"callers-{callers}", SIGNER) as log:
            each = _called(log, callers)
        rate = len(each) / SECONDS
        target, ratio = ("10,000/s", f"{rate / 10_000:.2f}") if callers > 1 else ("", "")
        name = f"appends of one entry by {callers} waiting caller{'s' * (callers > 1)}"
        yield Line(name, f"{rate:,.0f}/s", target, ratio)
        yield Line(
            "… append to signed checkpoint, p99", f"{_p99(each):.3f} s", "1 s", f"{_p99(each):.2f}"
        )


def _called(log: Log, callers: int) -> list[float]:
    each: list[float] = []
    content, end = _content(1), perf_counter() + SECONDS

    def work() -> None:
        while (started := perf_counter()) < end:
            log.append([content])
            each.append(perf_counter() - started)

    threads = [Thread(target=work) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each


def _outbox() -> Iterator[Line]:
    control = open_control(f"sqlite:///{BENCH / 'control.db'}")
    metadata.create_all(control.engine)
    for start in range(0, QUEUED, 100):
        with control.transaction() as connection:
            numbers = range(start, start + 100)
            queue(connection, *[Entry("a.b", AT, "system", f"case:{n}") for n in numbers])
    with found_log(BENCH / "outbox", SIGNER) as log:
        started = perf_counter()
        assert flush(control, log) == QUEUED
        rate = QUEUED / (perf_counter() - started)
    yield Line(
        "moved from the outbox to the log", f"{rate:,.0f}/s", "10,000/s", f"{rate / 1e4:.1f}"
    )


def _verifying(entries: int) -> Iterator[Line]:
    started = perf_counter()
    report = verify_folder(BENCH / "log", [SIGNER.key])
    seconds = perf_counter() - started
    assert report.is_whole
    assert report.entries == entries
    least = _hashes_alone(entries)
    yield Line(f"verify {entries:,} entries", f"{seconds:.1f} s", "20 s", f"{seconds / 20:.2f}")
    name = "… time against the least"
    yield Line(name, f"{seconds:.1f} s", "the hashes alone, in memory", f"{seconds / least:.1f}")
    peak_mb = _peak_mb_of_verifying()
    yield Line("… peak memory of a process that only verifies", f"{peak_mb:,.0f} MB")


def _hashes_alone(entries: int) -> float:
    leaf, node = b"\x00" + _content(1), b"\x01" + bytes(64)
    started = perf_counter()
    for _ in range(entries):
        sha256(leaf).digest()
    for _ in range(entries):
        sha256(node).digest()
    return perf_counter() - started


def _peak_mb_of_verifying() -> float:
    """Verify in a process of its own, which tells the peak that the kernel has noted for it."""
    script = (
        "import sys; from pathlib import Path\n"
        "from shuzhi.audit import parse_key, verify_folder\n"
        "assert verify_folder(Path(sys.argv[1]), [parse_key(sys.argv[2])]).is_whole\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(status.split('VmHWM:')[1].split()[0])\n"
    )
    command = [sys.executable, "-c", script, str(BENCH / "log"), str(SIGNER.key)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def _proofs(entries: int) -> Iterator[Line]:
    keys, chosen = [SIGNER.key], random.Random(7)  # noqa: S311
    indices = [chosen.randrange(entries) for _ in range(PROOFS)]
    included, checked = [], []
    for index in indices:
        started = perf_counter()
        entry, proof = prove(BENCH / "log", index, keys)
        included.append(perf_counter() - started)
        started = perf_counter()
        check_proof(proof, entry, keys)
        checked.append(perf_counter() - started)
    consistent = []
    for old in indices:
        started = perf_counter()
        consistency_path(old, entries, TileReader(BENCH / "log").subtree(entries))
        consistent.append(perf_counter() - started)
    names = {"inclusion proof": included, "consistency proof": consistent}
    for name, each in (*names.items(), ("check of an inclusion proof", checked)):
        p99_ms = _p99(each) * 1000
        yield Line(f"{name}, p99", f"{p99_ms:.2f} ms", "10 ms", f"{p99_ms / 10:.2f}")


def _p99(each: list[float]) -> float:
    return sorted(each)[len(each) * 99 // 100]


_HEAD = ("what", "measured", "target or least", "ratio")


def _report(lines: list[Line], entries: int) -> None:
    title = f"Audit log of {entries:,} entries of {len(_content(entries))} bytes, 2 cores"
    print(_table(lines))
    if entries != ENTRIES:
        return
    RESULTS.mkdir(exist_ok=True)
    content = {"title": title, "lines": [asdict(line) for line in lines]}
    (RESULTS / "audit.json").write_text(json.dumps(content, indent=2) + "\n")
    (RESULTS / "audit.md").write_text(
        f"# {title}\n\n{_table(lines)}\n\n"
        "An append returns when its entries are on the disk (fsync of every file and folder, ext4) "
        "under a checkpoint that is signed and published; there is no other moment at which it "
        f"could be lost. Figures of {CALLERS} callers are of {CALLERS} Python threads that each "
        f"wait for their one entry, over {SECONDS:.0f} s. One process, no workers.\n"
    )


def _table(lines: list[Line]) -> str:
    rows = [[str(value) for value in asdict(line).values()] for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in (_HEAD, ["---"] * len(_HEAD), *rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES)
