"""Evaluation: a month of cases looked back on, scored, opened and rehearsed; seconds of each.

The cases went through their lives step by step, spread over 1,031 towns; a fifth was fed back late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks._apart import table
from benchmarks.cases import DESK, NOW, PHOTO, made_office
from shuzhi.act.cases import (
    Act,
    Actor,
    Asked,
    Case,
    CaseId,
    Office,
    Opened,
    Order,
    Report,
    Verb,
    act_all,
    open_all,
    parse_office_hours,
    rehearse_staffing,
)
from shuzhi.act.evaluation import (
    Body,
    Evaluating,
    FactKind,
    behind,
    league,
    parse_period,
    publish,
    read_scheme,
    recompute,
    score,
)
from shuzhi.app.act.score_facts import Witnesses
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.law import Law
from shuzhi.kernel.party import Level
from shuzhi.share.parties import tree

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
SCHEME = ROOT / "src/shuzhi_packs/city_evaluation/evaluation/case_handling.yaml"
CASES = 10_000
TOWNS = 1_031
ROUNDS = 3
MARCH = parse_period("2026-03")
HOURS = "09:00-17:00"


def main() -> None:
    """Measure in rounds, print, and write `results/evaluation.json` and `.md`."""
    with TemporaryDirectory() as folder:
        office = made_office(Path(folder))
        _live(office)
        rounds = [one_round(office) for _ in range(ROUNDS)]
    report({name: [seconds[name] for seconds in rounds] for name in rounds[0]})


def one_round(office: Office) -> dict[str, float]:
    """Return the seconds of each question; each round publishes under a scheme of its own name."""
    name = f"round_{perf_counter():.0f}"
    text = SCHEME.read_text(encoding="utf-8").replace("id: case_handling", f"id: {name}", 1)
    scheme = replace(read_scheme(SCHEME), id=name, text=text)
    zone, now = office.zone, MARCH.ends_at(office.zone)
    evaluating = Evaluating(
        office.control, {name: scheme}, Law({}), office.calendar, zone, lambda: now
    )
    window = evaluating.window(scheme, MARCH)
    bodies = _bodies(office)
    witnesses = Witnesses(office, {}, lambda _: None)
    held: list[Any] = []
    kinds = frozenset({FactKind.CASES})
    asked = (evaluating, name, "2026-03")
    timed = {
        "look back: facts of all cases": lambda: held.extend(witnesses.facts(window, kinds)),
        "score and store the facts": lambda: score(*asked, held, bodies, by="bench"),
        "publish": lambda: publish(*asked, by="bench"),
        "league of 1,031 towns": lambda: league(*asked, level=Level.TOWN),
        "behind a town's number": lambda: behind(
            *asked, party=PartyId("town_0"), measure_id="closing_rate"
        ),
        "compute it again and compare": lambda: recompute(*asked),
        "rehearse the month with 5 people in each town": lambda: rehearse_staffing(
            office, since=window.starts_at, until=now, asked=_five()
        ),
    }
    seconds = {what: _seconds(ask) for what, ask in timed.items()}
    assert len(held) == CASES
    return seconds


def _live(office: Office) -> None:
    """Let all cases live: opened on 2 March, fed back the next day, a fifth on the 20th."""
    reports = [Report("repair", "ordinary", DESK, _town(n)) for n in range(CASES)]
    ids = [_id(done) for done in open_all(office, reports)]
    steps: Sequence[Callable[[CaseId, int], Act]] = (
        lambda i, _: Act(i, Verb.VERIFY, DESK),
        lambda i, _: Act(i, Verb.FILE, DESK),
        lambda i, n: Act(i, Verb.DISPATCH, DESK, orders=(Order(_town(n), is_lead=True),)),
        lambda i, n: Act(i, Verb.TAKE, _handler(n)),
    )
    ends: Sequence[Callable[[CaseId, int], Act]] = (
        lambda i, n: Act(i, Verb.FEED_BACK, _handler(n), evidence=(PHOTO,)),
        lambda i, _: Act(i, Verb.CHECK, DESK),
        lambda i, _: Act(i, Verb.CLOSE, DESK),
        lambda i, n: Act(i, Verb.RATE, DESK, stars=1 + n % 5),
    )
    _do(office, steps, list(enumerate(ids)))
    for days, chosen in ((1, {1, 2, 3, 4}), (18, {0})):
        later = Instant(NOW + timedelta(days=days))
        some = [(n, i) for n, i in enumerate(ids) if n % 5 in chosen]
        _do(replace(office, clock=lambda at=later: at), ends, some)


def _do(
    office: Office,
    steps: Sequence[Callable[[CaseId, int], Act]],
    cases: Sequence[tuple[int, CaseId]],
) -> None:
    for step in steps:
        done = act_all(office, [step(i, n) for n, i in cases])
        assert all(isinstance(each, Case) for each in done)


def _five() -> Asked:
    hours = parse_office_hours(HOURS)
    assert hours
    return Asked({_town(n): 5 for n in range(TOWNS)}, (hours,))


def _bodies(office: Office) -> dict[PartyId, Body]:
    organisation = tree(office.control)
    return {
        party.id: Body(party.level, tuple(p.id for p in organisation.superiors(party.id)))
        for party in organisation
    }


def _town(n: int) -> PartyId:
    return PartyId(f"town_{n % TOWNS}")


def _handler(n: int) -> Actor:
    return Actor(f"h{n % 2}", _town(n), DESK.roles)


def _id(done: object) -> CaseId:
    assert isinstance(done, Opened)
    return done.case_id


def _seconds(ask: Callable[[], object]) -> float:
    started = perf_counter()
    ask()
    return perf_counter() - started


def report(seconds: Mapping[str, Sequence[float]]) -> None:
    """Print and write what was measured: of each the median, the least and the most."""
    rows: list[tuple[object, ...]] = [
        (what, f"{median(found):.3f}", f"{min(found):.3f} to {max(found):.3f}")
        for what, found in seconds.items()
    ]
    page = "\n".join([
        f"# Evaluation: a month of {CASES:,} cases, 1,071 parties, SQLite, 2 cores",
        "",
        f"Written by `python -m benchmarks evaluation`. {ROUNDS} rounds, all of them shown; the "
        "machine was shared with other work.",
        "",
        table(("what", "seconds, median", "least to most"), rows),
        "",
    ])  # fmt: skip
    (RESULTS / "evaluation.md").write_text(page, encoding="utf-8")
    content = json.dumps({"seconds": seconds}, indent=2) + "\n"
    (RESULTS / "evaluation.json").write_text(content, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
