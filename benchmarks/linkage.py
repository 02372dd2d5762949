"""Linkage: F1 on sets with truth, beside Splink's own defaults and dedupe, in one table.

Ours uses no label at all and links from probability 0.5 on everywhere: one to one where both tables
are known to be clean, elsewhere with the guard against chains that is the default. Splink is shown
at the same threshold, and at the best of five, chosen by the truth in its favour. dedupe asks 100
questions, which the truth answers, and links at its own default. It has its own environment below
`.bench/`, an hour and 15 GB for each set. LINKAGE_SETS=abt_buy,cora measures those alone,
LINKAGE_TOOLS=ours,splink with these tools alone.

What was looked at with the truth while this was made, and is the same for all sets: that threshold,
the guard's default share (0.2), the levels of the presets. Which words count as rare was chosen for
Cora by how many pairs its blocks let through.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import duckdb

from benchmarks._apart import PEERS, table
from benchmarks._linkage_sets import SETS, Set, read
from shuzhi.share.linkage.clusters import Knowledge, grouped
from shuzhi.share.linkage.declared import parse_linkage
from shuzhi.share.linkage.engine import Bench

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
DATA = Path(os.environ.get("SHUZHI_REFERENCE_DATA", ROOT.parent / "shared")) / "data/07_entity"
DEDUPE = ROOT / ".bench" / "linkage_dedupe"
QUESTIONS, SEED, MOST_SECONDS = 100, 1, 3600
MOST_BYTES = 15_000_000_000
# BTrees 6 lacks what dedupe 3.0.3 calls (`byValue`).
_PACKAGES = ("dedupe==3.0.3", "BTrees<6", "pandas", "pyarrow")
GRID = (0.5, 0.8, 0.9, 0.95, 0.99)
Pairs = set[tuple[str, str]]


@dataclass(frozen=True)
class Score:
    """How one tool did on one set."""

    precision: float
    recall: float
    f1: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """All tools on one set; None where one was not measured or did not come to an end."""

    name: str
    title: str
    rows: int
    pairs: int
    threshold: float
    ours: Score
    splink: Score | None
    splink_best: Score | None
    dedupe: Score | None
    dedupe_said: str = "not measured"


def score(found: Pairs, truth: Pairs, seconds: float) -> Score:
    """Return precision, recall and F1 over pairs."""
    right = len(found & truth)
    precision, recall = right / max(len(found), 1), right / len(truth)
    return Score(precision, recall, 2 * right / (len(found) + len(truth)), seconds)


def ours(connection: duckdb.DuckDBPyConnection, each: Set) -> tuple[Pairs, float, float]:
    """Link with the platform's own engine and return the pairs of its groups."""
    started = perf_counter()
    linkage = parse_linkage(each.yaml().encode(), file=each.name)
    bench = Bench(connection, linkage)
    link = linkage.thresholds.link
    found = bench.predict(bench.train({}), link)
    clean = frozenset(m.dataset for m in linkage.members if m.is_clean)
    groups = grouped(found, Knowledge(clean=clean, support=linkage.support)).groups
    first = next(iter(each.tables))
    pairs = {
        (a.key, b.key) if a.dataset == first or not each.is_clean else (b.key, a.key)
        for group in groups
        for a, b in combinations(group, 2)
    }
    kept = pairs if each.is_clean else {(min(p), max(p)) for p in pairs}
    return kept, link, perf_counter() - started


def clustered(pairs: list[tuple[str, str, float]], least: float) -> Pairs:
    """Return the pairs of the connected components, as Splink clusters at a threshold."""
    linked = {(a, b) for a, b, s in pairs if s >= least}
    parent: dict[str, str] = {}

    def root(x: str) -> str:
        while parent.setdefault(x, x) != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in linked:
        parent[root(a)] = root(b)
    groups: dict[str, list[str]] = {}
    for x in parent:
        groups.setdefault(root(x), []).append(x)
    return {p for group in groups.values() for p in combinations(sorted(group), 2)}


def peer(python: Path, script: str, folder: Path, each: Set, *more: object) -> float | str:
    """Run a peer on the tables in `folder`: how many seconds it took, or why there is no answer."""
    columns = json.dumps(dict(each.columns))
    command = [str(python), str(PEERS / f"{script}.py"), str(folder), ",".join(each.tables),
               columns, *map(str, more)]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES)),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end within {MOST_SECONDS} s"
    answers = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not answers:
        print(done.stderr[-1500:])
        is_full = "MemoryError" in done.stderr or "allocate" in done.stderr
        return "more than 15 GB" if is_full else "failed"
    return float(json.loads(answers[-1].removeprefix("RESULT "))["seconds"])


def splink(folder: Path, each: Set, truth: Pairs, link: float) -> list[Score | None]:
    """Return Splink's score at our threshold, and the best of the grid."""
    seconds = peer(Path(sys.executable), "linkage_splink", folder, each)
    if isinstance(seconds, str):
        return [None, None]
    sql = f"SELECT l, r, score FROM '{folder / 'splink.parquet'}'"
    pairs = duckdb.sql(sql).fetchall()
    known = {b: i for i, name in enumerate(each.tables) for b in _ids(folder, name)}
    ordered = [(a, b, s) for a, b, s in pairs] if each.is_clean is False else [
        (a, b, s) if a in known else (b, a, s) for a, b, s in pairs
    ]  # fmt: skip

    def at(least: float) -> Score:
        if each.is_clean:
            return score({(a, b) for a, b, s in ordered if s >= least}, truth, seconds)
        return score(clustered(ordered, least), truth, seconds)

    return [at(link), max(map(at, GRID), key=lambda s: s.f1)]


def _ids(folder: Path, name: str) -> list[str]:
    return [r[0] for r in duckdb.sql(f"SELECT id FROM '{folder / f'{name}.parquet'}'").fetchall()]


def dedupe(folder: Path, each: Set, truth: Pairs) -> Score | str:
    """Return dedupe's score after the truth answered its questions, or why there is none."""
    python = DEDUPE / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(DEDUPE)], check=True)
        install = ["-m", "pip", "install", "-q", *_PACKAGES]
        subprocess.run([str(python), *install], check=True)
    seconds = peer(python, "linkage_dedupe", folder, each, QUESTIONS, SEED)
    if isinstance(seconds, str):
        return seconds
    found = duckdb.sql(f"SELECT l, r FROM '{folder / 'dedupe.parquet'}'").fetchall()
    pairs = {(a, b) if each.is_clean else (min(a, b), max(a, b)) for a, b in found}
    return score(pairs, truth, seconds)


def measure(each: Set, before: Row | None, tools: Sequence[str]) -> Row:
    """Measure these tools on one set; the others stay as they were measured before."""
    with TemporaryDirectory() as name, duckdb.connect() as connection:
        folder = Path(name)
        connection.execute("SET threads = 2")
        truth = read(connection, str(DATA), each)
        rows = 0
        for t in each.tables:
            connection.execute(f"COPY {t} TO '{folder / f'{t}.parquet'}'")
            rows += len(_ids(folder, t))
        connection.execute("CREATE TABLE truth (l VARCHAR, r VARCHAR)")
        connection.executemany("INSERT INTO truth VALUES (?, ?)", sorted(truth))
        connection.execute(f"COPY truth TO '{folder / 'truth.parquet'}'")
        row = before
        if row is None or "ours" in tools:
            found, link, seconds = ours(connection, each)
            mine = score(found, truth, seconds)
            row = Row(each.name, each.title, rows, len(truth), link, mine, None, None, None)
            kept = () if before is None else ("splink", "splink_best", "dedupe", "dedupe_said")
            row = replace(row, **{name: getattr(before, name) for name in kept})
        if "splink" in tools:
            fixed, best = splink(folder, each, truth, row.threshold)
            row = replace(row, splink=fixed, splink_best=best)
        if "dedupe" in tools:
            other = dedupe(folder, each, truth)
            said = isinstance(other, str)
            row = replace(row, dedupe=None if said else other, dedupe_said=other if said else "")
    return row


def shown(each: Score | None, said: str = "did not finish") -> str:
    """Return a score for the table: F1 (precision / recall)."""
    return said if each is None else f"{each.f1:.3f} ({each.precision:.2f} / {each.recall:.2f})"


def report(rows: list[Row]) -> str:
    """Return the results as Markdown."""
    head = ("set", "rows", "true pairs", "ours", "Splink, same threshold",
            "Splink, best of five by the truth", "dedupe, 100 questions")  # fmt: skip
    body = [
        (r.title, f"{r.rows:,}", f"{r.pairs:,}", shown(r.ours), shown(r.splink),
         shown(r.splink_best), shown(r.dedupe, r.dedupe_said))
        for r in rows
    ]  # fmt: skip
    return "\n".join(
        ["# Linkage", "", (__doc__ or "").strip(), "", "F1 (precision / recall) over pairs:", "",
         table(head, body), ""]
    )  # fmt: skip


def main() -> None:
    """Measure the sets that are named, or all, and write what was found beside what is kept."""
    sets = {each.name: each for each in SETS}
    tools = _named("LINKAGE_TOOLS") or ["ours", "splink", "dedupe"]
    file = RESULTS / "linkage.json"
    kept = {r["name"]: _row(r) for r in json.loads(file.read_text())} if file.exists() else {}
    for name in _named("LINKAGE_SETS") or sets:
        row = kept[name] = measure(sets[name], kept.get(name), tools)
        print(row.title, *map(shown, (row.ours, row.splink, row.splink_best, row.dedupe)),
              row.ours.seconds, flush=True)  # fmt: skip
        ordered = [kept[each] for each in sets if each in kept]
        file.write_text(json.dumps([asdict(each) for each in ordered], indent=1) + "\n")
        (RESULTS / "linkage.md").write_text(report(ordered))


def _named(variable: str) -> list[str]:
    return [n for n in os.environ.get(variable, "").split(",") if n]


def _row(held: dict[str, Any]) -> Row:
    tools = ("ours", "splink", "splink_best", "dedupe")
    return Row(**{k: Score(**v) if k in tools and v else v for k, v in held.items()})
