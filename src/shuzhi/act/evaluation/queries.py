"""Questions about scores: league tables, what stands behind a number, appeals, and proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.appeals import Appeal, Correction, apply
from shuzhi.act.evaluation.arithmetic import Number, Score, answering, counted, scores
from shuzhi.act.evaluation.counts import COUNTS
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.facts import Fact
from shuzhi.act.evaluation.fingerprints import facts_sha256, scores_sha256
from shuzhi.act.evaluation.periods import parse_period
from shuzhi.act.evaluation.reading import Held, corrections_until, found_or_none, held
from shuzhi.act.evaluation.scheme import Measure, Scheme
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.party import Level


@dataclass(frozen=True)
class Row:
    """A party's line in a league: its score, and what changed since the period before.

    `change` is the difference of the totals and `rose` the places gained (negative: lost); both
    None where one of the two periods has no total. `appeals` wait for a decision.
    """

    score: Score
    change: Decimal | None
    rose: int | None
    appeals: int


@dataclass(frozen=True)
class League:
    """The parties of one level, by rank, with the scheme whose formulas made it.

    Of the `versions` of the score this is `version`; `published_at` is None for a draft.
    """

    scheme: Scheme
    period: str
    level: Level
    version: int
    versions: int
    published_at: Instant | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Counted:
    """A fact behind a number, with what it gave to numerator and denominator."""

    fact: Fact
    numerator: Decimal
    denominator: Decimal


@dataclass(frozen=True)
class Behind:
    """Everything behind a number: each fact, what appeals did to facts, and the counter-numbers.

    `corrections` are those of this party's facts that stand in this version.
    """

    measure: Measure
    party: PartyId
    version: int
    number: Number
    facts: tuple[Counted, ...]
    corrections: tuple[Correction, ...]
    beside: Mapping[str, Number]


@dataclass(frozen=True)
class ScoredPeriod:
    """A period of a scheme that was scored; `published_at` is None for a draft."""

    scheme: str
    period: str
    versions: int
    published_at: Instant | None


def scored_periods(evaluating: Evaluating) -> tuple[ScoredPeriod, ...]:
    """Return what was scored, the newest period of each scheme first."""
    with evaluating.control.transaction() as connection:
        rows = store.scored_periods(connection)
    return tuple(ScoredPeriod(**row) for row in rows)


def league(
    evaluating: Evaluating,
    scheme_id: str,
    period: str,
    *,
    level: Level,
    version: int | None = None,
) -> League:
    """Return the league of a level; the newest version unless one is named.

    Raises:
        EvaluationError: `act.no_such_score`, `act.bad_period`.
    """
    with evaluating.control.transaction() as connection:
        found = held(connection, scheme_id, period)
        scoring = found.version(version)
        now = store.read_scores(connection, scoring["id"], level=level)
        before = _before(connection, scheme_id, period, level)
        waiting = store.read_appeals(connection, basis_id=found.basis["id"])
    appealing = [a.raised_by.party for a in waiting if a.decision is None]
    rows = tuple(_row(s, before.get(s.party), appealing.count(s.party)) for s in now)
    versions, published_at = len(found.scorings), scoring["published_at"]
    return League(found.scheme, period, level, scoring["version"], versions, published_at, rows)


def behind(
    evaluating: Evaluating,
    scheme_id: str,
    period: str,
    *,
    party: PartyId,
    measure_id: str,
    version: int | None = None,
) -> Behind:
    """Return every fact behind a number of a party.

    Raises:
        EvaluationError: `act.no_such_score`, `act.no_such_measure`, `act.not_scored`.
    """
    with evaluating.control.transaction() as connection:
        found = held(connection, scheme_id, period)
        scoring, measure = found.version(version), found.scheme.measure(measure_id)
        mine = store.read_scores(connection, scoring["id"], party=party)
        below = [p for p, body in found.bodies.items() if party in (p, *body.superiors)]
        kept = store.read_facts(
            connection, found.basis["id"], kind=measure.of, parties=below or [party]
        )
        ours = [f for f in kept if party in answering(found.scheme, f, found.bodies)]
        done = corrections_until(connection, found.basis["id"], scoring["version"])
    if not mine:
        raise EvaluationError(
            "act.not_scored",
            f"{party} has no score in {scheme_id} {period}.",
            next_step="Name a party that the league lists.",
        )
    ids = {fact.id for fact in ours}
    corrections = tuple(c for c in done if c.fact in ids)
    facts = tuple(
        Counted(fact, *_given(measure, fact, found))
        for fact in counted(measure, apply(ours, corrections), found.window)
    )
    numbers = {number.measure: number for number in mine[0].numbers}
    beside = {name: numbers[name] for name in measure.beside}
    return Behind(
        measure, party, scoring["version"], numbers[measure_id], facts, corrections, beside
    )


def appeals(
    evaluating: Evaluating, scheme_id: str | None = None, period: str | None = None
) -> tuple[Appeal, ...]:
    """Return the appeals of a scored period, or all, oldest first.

    Raises:
        EvaluationError: `act.no_such_score`.
    """
    with evaluating.control.transaction() as connection:
        if scheme_id is None or period is None:
            return store.read_appeals(connection)
        basis = held(connection, scheme_id, period).basis
        return store.read_appeals(connection, basis_id=basis["id"])


def recompute(
    evaluating: Evaluating, scheme_id: str, period: str, version: int | None = None
) -> tuple[Score, ...]:
    """Compute a version anew from the stored facts, and return its scores.

    Raises:
        EvaluationError: `act.no_such_score`.
        BrokenError: `act.score_altered` when facts or scores are no longer those of the scoring.
    """
    with evaluating.control.transaction() as connection:
        found = held(connection, scheme_id, period)
        scoring, basis = found.version(version), found.basis
        facts = tuple(store.read_facts(connection, basis["id"]))
        done = corrections_until(connection, basis["id"], scoring["version"])
        stored = store.read_scores(connection, scoring["id"])
    made = scores(found.scheme, found.window, apply(facts, done), found.bodies)
    same = set(made) == set(stored) and scores_sha256(made) == scoring["scores_sha256"]
    if facts_sha256(facts) != basis["facts_sha256"] or not same:
        raise BrokenError(
            "act.score_altered",
            f"The stored facts of {scheme_id} {period} do not give the scores of version "
            f"{scoring['version']}.",
            next_step="Compare the store with the audit log, and bring it back from a backup.",
        )
    return made


def _before(
    connection: Connection, scheme_id: str, period: str, level: Level
) -> dict[PartyId, Score]:
    earlier = found_or_none(connection, scheme_id, str(parse_period(period).before))
    if earlier is None or earlier.newest["published_at"] is None:
        return {}
    then = store.read_scores(connection, earlier.newest["id"], level=level)
    return {score.party: score for score in then}


def _row(score: Score, before: Score | None, appeals_waiting: int) -> Row:
    change: Decimal | None = None
    rose: int | None = None
    if before and before.total is not None and score.total is not None:
        change = score.total - before.total
        rose = (before.rank or 0) - (score.rank or 0)
    return Row(score, change, rose, appeals_waiting)


def _given(measure: Measure, fact: Fact, found: Held) -> tuple[Decimal, Decimal]:
    of = COUNTS[measure.of]
    names = (measure.numerator, measure.denominator)
    top, bottom = (Decimal(of[name](fact, found.window)) for name in names)
    return top, bottom
