"""Load: a CSV file into a checked, durable table, against DuckDB's plain `COPY … TO parquet`.

Every round runs each in a process of its own on the same file, one after the other. The file is
generated: ratings of city services that nobody gave.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks._apart import Run, run, table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
ROWS = 5_000_000
ROUNDS = 3
EVERY = 1000


@dataclass(frozen=True)
class Line:
    """What the table says of one way; `speed` is COPY's seconds over its own in the same round."""

    way: str
    seconds: float
    speed: float
    peak_mb: int


@dataclass(frozen=True)
class Memory:
    """The peak of a load's process, for a file and one ten times as large."""

    limit: str
    rows: int
    peak_mb: int
    tenfold_peak_mb: int
    ratio: float


def main(rows: int = ROWS, rounds: int = ROUNDS) -> None:
    """Measure, print, and write `results/load.json` and `.md`."""
    folder = ROOT / ".bench" / "load"
    good, bad, crlf, gbk = (folder / f"{n}_{rows}.csv" for n in ("good", "bad", "crlf", "gb18030"))
    run("make_ratings", good, rows, 0)
    run("make_ratings", bad, rows, EVERY)
    _rewritten(good, crlf, "utf-8", "\r\n")
    _rewritten(good, gbk, "gb18030", "\n")
    ways: dict[str, tuple[object, ...]] = {
        "DuckDB `COPY` to Parquet, no check, no sync": ("copy_csv", good),
        "Shuzhi, no key (append)": ("shuzhi_load", good),
        "Shuzhi, primary key (upsert)": ("shuzhi_load", good, "--key"),
        f"Shuzhi, primary key, 1 row in {EVERY:,} bad": ("shuzhi_load", bad, "--key"),
        "Shuzhi, primary key, lines end in CR LF": ("shuzhi_load", crlf, "--key"),
        "Shuzhi, primary key, GB18030": ("shuzhi_load", gbk, "--key", "--encoding", "gb18030"),
    }
    runs: dict[str, list[Run]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, (script, *arguments) in ways.items():
            runs[way].append(run(str(script), *arguments))
            print(
                f"round {number + 1}: {runs[way][-1].answer['seconds']:6.2f} s  {way}", flush=True
            )
    assert {r.answer["read"] for each in runs.values() for r in each} == {rows}
    assert runs[list(ways)[3]][0].answer["kept_out"] == len(range(7, rows, EVERY))
    _report(_lines(runs), [_memory(folder, rows // 5, m) for m in ("1GB", "512MB")], rows, rounds)


def _rewritten(source: Path, target: Path, encoding: str, line_end: str) -> None:
    if target.exists():
        return
    with source.open(encoding="utf-8") as old:
        draft = target.with_suffix(".draft")
        with draft.open("w", encoding=encoding, newline=line_end) as new:
            new.writelines(old)
    draft.rename(target)


def _lines(runs: dict[str, list[Run]]) -> list[Line]:
    base = next(iter(runs.values()))
    return [
        Line(
            way,
            round(median(r.answer["seconds"] for r in each), 2),
            round(
                median(
                    b.answer["seconds"] / r.answer["seconds"]
                    for b, r in zip(base, each, strict=True)
                ),
                2,
            ),
            round(median(r.peak_mb for r in each)),
        )
        for way, each in runs.items()
    ]


def _memory(folder: Path, rows: int, limit: str) -> Memory:
    peaks = []
    for size in (rows, 10 * rows):
        file = folder / f"good_{size}.csv"
        run("make_ratings", file, size, 0)
        peaks.append(run("shuzhi_load", file, "--key", "--memory", limit).peak_mb)
    return Memory(limit, rows, round(peaks[0]), round(peaks[1]), round(peaks[1] / peaks[0], 2))


def _report(lines: list[Line], memory: list[Memory], rows: int, rounds: int) -> None:
    title = f"Load of {rows:,} rows x 12 columns of CSV, 2 cores"
    speeds = table(
        ("way", "seconds", "speed against COPY", "peak MB"),
        [(x.way, x.seconds, x.speed, x.peak_mb) for x in lines],
    )
    peaks = table(
        ("memory limit of DuckDB", "rows", "peak MB", "peak MB, tenfold rows", "ratio"),
        [(m.limit, f"{m.rows:,}", m.peak_mb, m.tenfold_peak_mb, m.ratio) for m in memory],
    )
    print(f"{speeds}\n\n{peaks}")
    if rows != ROWS:
        return
    content = {"title": title, "rounds": rounds, "lines": [asdict(x) for x in lines]}
    content["memory"] = [asdict(m) for m in memory]
    (RESULTS / "load.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    (RESULTS / "load.md").write_text(
        f"# {title}\n\n`python -m benchmarks load`; the file is generated.\n\n{speeds}\n\n"
        f"Medians of {rounds} interleaved rounds, each way in a process of its own; *speed* is the "
        "median of COPY's seconds over the way's own in the same round (1 = as fast; the target is "
        "0.5). COPY guesses types, checks nothing and syncs nothing. Our load takes the file's "
        "fingerprint, finds out its encoding, reads each cell by its contract's type, checks each "
        "rule, keeps bad rows apart with a reason for each cell, syncs, commits, and records run "
        "and lineage; with a key it also finds rows that stand twice.\n\n"
        f"{peaks}\n\nThe whole process with Python, Arrow and Ibis (some 250 MB before the first "
        "row); the limit is DuckDB's own, whose file buffers come on top.\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, 1)
