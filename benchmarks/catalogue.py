"""Catalogue: searches with facets over 100,000 simulated data sets, beside two plainer ways.

The entries are made up from word lists and say so. Each way answers the same mixed questions from
the same data: a page of 20, the total, and the counts of all seven facets.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level, Party
from shuzhi.share.catalogue import FACETS, Cycle, Entry, Grade, Searcher, Sharing, Text, publish_all
from shuzhi.share.catalogue.model import Format, Item, ItemType, Openness, Provider
from shuzhi.share.parties import register_party

RESULTS = Path(__file__).parent / "results"
DATA_SETS = 100_000
ROUNDS = 5
SEED = 20260301
NOW = Instant(datetime(2026, 3, 1, tzinfo=UTC))
TARGET_MS = 50.0

SUBJECTS = (
    ("空气质量", "air quality"), ("地表水", "surface water"), ("交通流量", "traffic flow"),
    ("公交线路", "bus routes"), ("医疗机构", "medical institutions"), ("社会保险", "insurance"),
    ("企业登记", "company register"), ("不动产", "real estate"), ("气象观测", "weather"),
    ("消防设施", "fire equipment"), ("学校", "schools"), ("停车场", "parking"),
    ("垃圾处理", "waste treatment"), ("能源消耗", "energy consumption"), ("人口", "population"),
    ("就业", "employment"), ("行政许可", "permits"), ("行政处罚", "penalties"),
    ("食品安全", "food safety"), ("药品监管", "drug supervision"), ("公共图书馆", "libraries"),
    ("河道水位", "river levels"), ("噪声", "noise"), ("出租车", "taxis"), ("供热", "heating"),
)  # fmt: skip
KINDS = (
    ("监测数据", "monitoring data"), ("基本信息", "basic records"), ("统计信息", "statistics"),
    ("明细表", "details"), ("名录", "register"), ("年度报告", "annual report"),
    ("实时数据", "real-time data"), ("评价结果", "assessment results"), ("点位", "sites"),
)  # fmt: skip
PLACES = tuple(a + b + "区" for a in "东西南北中江山河湖新" for b in "安平宁康乐")
THEMES = ("ecology", "transport", "health", "employment", "education", "energy", "safety",
          "credit", "housing", "culture", "weather", "economy")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Question:
    """One search: its kind, the words, and chosen facet values."""

    kind: str
    text: str
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


QUESTIONS = (
    *(Question("rare words", f"{zh}{n}号") for n, (zh, _) in enumerate(SUBJECTS[:12], 40)),
    *(Question("two characters", w) for w in ("水位", "噪声", "就业", "空气", "药品", "处罚")),
    *(Question("Chinese phrase", w) for w in ("空气质量监测数据", "公共图书馆名录", "食品安全")),
    *(Question("English words", w) for w in ("air quality", "river levels", "food safety")),
    *(Question("beginning of a word", w) for w in ("popul", "medic", "superv", "monit")),
    *(Question("one character", w) for w in ("水", "数")),
    *(Question("common words", w) for w in ("数据", "部门提供", "simulated", "信息 数据")),
    Question("nothing found", "量子计算机"),
    Question("nothing found", "zebra crossing 9999999"),
    Question("browse all", ""),
    Question("with facets", "", {"theme": ("transport",), "sharing": ("conditional",)}),
    Question("with facets", "数据", {"grade": ("general",), "cycle": ("daily", "weekly")}),
    Question("with facets", "空气质量", {"provider": ("office_7", "office_8")}),
    Question("with facets", "quality", {"theme": ("ecology", "health"), "format": ("database",)}),
    Question("with facets", "部门", {"origin": ("elsewhere",), "sharing": ("unconditional",)}),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Times in ms of one way to search; ratios are to ours."""

    way: str
    p50: float
    p95: float
    most: float
    p50_ratio: float
    p95_ratio: float


def main() -> None:
    """Measure, print, and write `results/catalogue.json` and `.md`."""
    entries = make_entries(DATA_SETS)
    with tempfile.TemporaryDirectory() as folder:
        control, built_seconds = build(Path(folder) / "control.db", entries)
        cold = timed(lambda: ours(Searcher(control))(QUESTIONS[0]))
        ways = {
            "Shuzhi": ours(Searcher(control)),
            "SQL LIKE and GROUP BY": like(flat(Path(folder) / "like.db", entries)),
            "FTS5 trigram and GROUP BY": trigram(flat(Path(folder) / "trigram.db", entries)),
        }
        totals = {name: [way(q) for q in QUESTIONS] for name, way in ways.items()}
        times = measure(ways)
    report(times, totals, cold=cold, built_seconds=built_seconds)


def make_entries(count: int) -> list[Entry]:
    """Make `count` entries out of word lists, the same ones each time."""
    random = Random(SEED)  # noqa: S311
    return [make_entry(n, random) for n in range(count)]


def make_entry(n: int, random: Random) -> Entry:
    """Make one entry that says of itself that it is simulated."""
    (zh, en), (kind_zh, kind_en) = random.choice(SUBJECTS), random.choice(KINDS)
    place, office = random.choice(PLACES), min(int(random.expovariate(0.02)), 299)
    other_zh, other_en = random.choice(SUBJECTS)
    is_local = random.random() < 0.8
    return Entry(
        id=f"simulated_{n}" if is_local else f"elsewhere:simulated-{n}",
        identifier=None if is_local else f"simulated-{n}",
        origin="local" if is_local else "elsewhere",
        title=Text(f"{place}{zh}{kind_zh}{n % 4999}号", f"{en} {kind_en} of district {n % 4999}"),
        abstract=Text(
            f"模拟数据。由{place}有关部门提供,含{zh}、{other_zh}两类,按规定更新并共享。",
            f"Simulated. {en.capitalize()} and {other_en} of one district, by its office.",
        ),
        provider=Provider(PartyId(f"office_{office}"), Text(f"第{office}局", f"Office {office}")),
        items=tuple(Item(f"{en.split()[0]}_{i}", ItemType.INTEGER) for i in range(4)),
        format=random.choice((Format.DATABASE, Format.DATABASE, Format.SPREADSHEET)),
        sharing=random.choice((Sharing.UNCONDITIONAL, Sharing.CONDITIONAL)),
        sharing_condition=Text("经同意", "After consent"),
        openness=random.choice((Openness.UNCONDITIONAL, Openness.CLOSED)),
        cycle=random.choice(tuple(Cycle)),
        grade=random.choice((Grade.GENERAL, Grade.GENERAL, Grade.IMPORTANT)),
        themes=tuple(random.sample(THEMES, random.randint(1, 3))),
        published_on=date(2024, 1, 1) + timedelta(days=random.randint(0, 700)),
    )


def build(file: Path, entries: Sequence[Entry]) -> tuple[Control, float]:
    """Publish all entries into a new control store; return it and the seconds it took."""
    control = open_control(f"sqlite:///{file}")
    metadata.create_all(control.engine)
    for n in range(300):
        register_party(
            control, Party(PartyId(f"office_{n}"), f"第{n}局", f"Office {n}", Level.CITY)
        )
    started = perf_counter()
    done = publish_all(control, entries, by="benchmark", now=NOW)
    assert all(d.outcome == "created" for d in done)
    return control, perf_counter() - started


Way = Callable[[Question], int]


def ours(searcher: Searcher) -> Way:
    """Return our search; each way gives the total it found."""
    return lambda q: searcher.search(q.text, facets=q.facets).total


def flat(file: Path, entries: Sequence[Entry]) -> sqlite3.Connection:
    """Put the same data into one plain table with an index per facet, and one of themes."""
    db = sqlite3.connect(file)
    columns = ", ".join(f"{name} TEXT" for name in FACETS[1:])
    db.execute(f"CREATE TABLE entry (no INTEGER PRIMARY KEY, title TEXT, words TEXT, {columns})")
    db.execute("CREATE TABLE theme (no INTEGER, theme TEXT)")
    db.executemany(
        f"INSERT INTO entry VALUES ({','.join('?' * 9)})",
        (flat_row(no, entry) for no, entry in enumerate(entries)),
    )
    db.executemany(
        "INSERT INTO theme VALUES (?, ?)", ((n, t) for n, e in enumerate(entries) for t in e.themes)
    )
    for name in FACETS[1:]:
        db.execute(f"CREATE INDEX entry_{name} ON entry ({name})")
    db.execute("CREATE INDEX theme_no ON theme (no, theme)")
    db.execute("CREATE INDEX theme_theme ON theme (theme, no)")
    db.execute(
        "CREATE VIRTUAL TABLE trigrams "
        "USING fts5(words, content='entry', content_rowid='no', tokenize='trigram')"
    )
    db.execute("INSERT INTO trigrams(trigrams) VALUES ('rebuild')")
    db.execute("ANALYZE")
    return db


def flat_row(no: int, entry: Entry) -> tuple[object, ...]:
    """Return an entry as a row of the plain table."""
    texts = (entry.title, entry.abstract, entry.provider.title, *(i.title for i in entry.items))
    words = " ".join(part for t in texts for part in (t.zh, t.en))
    words += " ".join(i.name for i in entry.items)
    facets = (
        entry.provider.id,
        entry.sharing,
        entry.grade,
        entry.cycle,
        entry.format,
        entry.origin,
    )
    return (no, f"{entry.title.zh} {entry.title.en}", words, *facets)


def like(db: sqlite3.Connection) -> Way:
    """Return the search that needs nothing: LIKE over the words."""

    def conditions(words: Sequence[str]) -> list[tuple[str, list[str]]]:
        return [("words LIKE ?", [f"%{w}%"]) for w in words]

    return lambda q: grouped(db, q, conditions(q.text.split()))


def trigram(db: sqlite3.Connection) -> Way:
    """Return the search by FTS5's trigram index, which can only scan for one or two characters."""

    def conditions(words: Sequence[str]) -> list[tuple[str, list[str]]]:
        long = [f'"{w}"' for w in words if len(w) >= 3]
        found = [("words LIKE ?", [f"%{w}%"]) for w in words if len(w) < 3]
        matching = "no IN (SELECT rowid FROM trigrams WHERE trigrams MATCH ?)"
        return [*found, *([(matching, [" AND ".join(long)])] if long else [])]

    return lambda q: grouped(db, q, conditions(q.text.split()))


def grouped(db: sqlite3.Connection, question: Question, words: list[tuple[str, list[str]]]) -> int:
    """Answer with SQL alone: a page, the total, and a GROUP BY per facet."""
    chosen = {f: choice(f, values) for f, values in question.facets.items()}
    where, bound = joined([*words, *chosen.values()])
    db.execute(f"SELECT * FROM entry WHERE {where} ORDER BY no LIMIT 20", bound).fetchall()
    total = db.execute(f"SELECT count(*) FROM entry WHERE {where}", bound).fetchone()[0]
    for facet in FACETS:
        where, bound = joined([*words, *(c for f, c in chosen.items() if f != facet)])
        source = "entry JOIN theme USING (no)" if facet == "theme" else "entry"
        db.execute(
            f"SELECT {facet}, count(*) FROM {source} WHERE {where} GROUP BY 1", bound
        ).fetchall()
    return int(total)


def choice(facet: str, values: Sequence[str]) -> tuple[str, list[str]]:
    """Return the condition that a facet has any of `values`."""
    places = ", ".join("?" * len(values))
    if facet == "theme":
        return f"no IN (SELECT no FROM theme WHERE theme IN ({places}))", list(values)
    return f"{facet} IN ({places})", list(values)


def joined(conditions: Sequence[tuple[str, list[str]]]) -> tuple[str, list[str]]:
    """Join conditions and their bound values."""
    return " AND ".join(["1", *(c for c, _ in conditions)]), [v for _, vs in conditions for v in vs]


def measure(ways: Mapping[str, Way]) -> dict[str, dict[Question, list[float]]]:
    """Time every question by every way, in turns; the plainer ways fewer times."""
    times: dict[str, dict[Question, list[float]]] = {
        name: {q: [] for q in QUESTIONS} for name in ways
    }
    for turn in range(ROUNDS):
        for name, way in ways.items():
            for question in QUESTIONS if name == "Shuzhi" or turn < 1 else ():
                times[name][question].append(timed(partial(way, question)))
    return times


def timed(call: Callable[[], object]) -> float:
    """Return how many ms a call takes."""
    started = perf_counter()
    call()
    return (perf_counter() - started) * 1000


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` of the values lie."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


def line(way: str, values: Sequence[float], own: Sequence[float]) -> Line:
    """Sum up the times of one way."""
    p50, p95 = quantile(values, 0.5), quantile(values, 0.95)
    ratios = round(p50 / quantile(own, 0.5), 1), round(p95 / quantile(own, 0.95), 1)
    return Line(way, round(p50, 1), round(p95, 1), round(max(values), 1), *ratios)


def report(
    times: Mapping[str, Mapping[Question, Sequence[float]]],
    totals: Mapping[str, Sequence[int]],
    *,
    cold: float,
    built_seconds: float,
) -> None:
    """Print and write what was measured."""
    together = {way: [t for ts in by.values() for t in ts] for way, by in times.items()}
    lines = [line(way, values, together["Shuzhi"]) for way, values in together.items()]
    kinds = [kind_of(kind, times, totals) for kind in dict.fromkeys(q.kind for q in QUESTIONS)]
    found = {
        "data_sets": DATA_SETS,
        "simulated": True,
        "target_p95_ms": TARGET_MS,
        "ways": [asdict(each) for each in lines],
        "kinds": kinds,
        "first_search_of_a_process_ms": round(cold, 1),
        "publish_per_second": round(DATA_SETS / built_seconds),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "catalogue.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    written = page(lines, kinds, cold=cold, built_seconds=built_seconds)
    (RESULTS / "catalogue.md").write_text(written, encoding="utf-8")
    print(written)


def kind_of(
    kind: str,
    times: Mapping[str, Mapping[Question, Sequence[float]]],
    totals: Mapping[str, Sequence[int]],
) -> dict[str, object]:
    """Return the medians of one kind of question, and how many data sets it finds."""
    asked = [n for n, q in enumerate(QUESTIONS) if q.kind == kind]
    medians = {
        way: round(median(t for n in asked for t in by[QUESTIONS[n]]), 1)
        for way, by in times.items()
    }
    largest = {way: max(counts[n] for n in asked) for way, counts in totals.items()}
    return {"kind": kind, "questions": len(asked), "median_ms": medians, "most_found": largest}


def page(
    lines: Sequence[Line],
    kinds: Sequence[Mapping[str, object]],
    *,
    cold: float,
    built_seconds: float,
) -> str:
    """Return the report as Markdown."""
    rows = [
        f"| {r.way} | {r.p50} | {r.p95} | {r.most} | {r.p50_ratio} x | {r.p95_ratio} x |"
        for r in lines
    ]
    ways = [r.way for r in lines]
    by_kind = [
        f"| {k['kind']} | {k['questions']} | "
        + " | ".join(f"{k['median_ms'][w]} ({k['most_found'][w]:,})" for w in ways)  # type: ignore[index]
        + " |"
        for k in kinds
    ]
    return "\n".join([
        f"# Catalogue: search with seven facets over {DATA_SETS:,} simulated data sets",
        "",
        f"Written by `python -m benchmarks catalogue`. {len(QUESTIONS)} mixed questions; "
        f"target p95 below {TARGET_MS:.0f} ms.",
        "",
        "| way | p50 ms | p95 ms | most ms | p50 to ours | p95 to ours |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "Median ms by kind of question, and the most data sets that one of them finds:",
        "",
        "| kind | questions | " + " | ".join(ways) + " |",
        "|---|---|" + "---|" * len(ways),
        *by_kind,
        "",
        f"The first search of a process, which loads the facets, takes {cold:.0f} ms. "
        f"Publishing {DATA_SETS:,} entries in one call: "
        f"{DATA_SETS / built_seconds:,.0f} per second.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
