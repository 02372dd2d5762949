"""Score a period, and publish the score: from then on it does not change, but may be appealed.

Publishing writes its audit entry in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.arithmetic import Bodies, Score, scores
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.facts import Fact
from shuzhi.act.evaluation.fingerprints import facts_sha256
from shuzhi.act.evaluation.reading import held
from shuzhi.act.evaluation.versions import published_entry, scoring_row
from shuzhi.audit import queue


@dataclass(frozen=True)
class Scored:
    """A scoring that was made: its version, its scores, and facts of nobody who is registered."""

    scheme: str
    period: str
    version: int
    scores: tuple[Score, ...]
    strangers: tuple[str, ...] = ()


def score(
    evaluating: Evaluating,
    scheme_id: str,
    period: str,
    facts: Iterable[Fact],
    bodies: Bodies,
    *,
    by: str,
) -> Scored:
    """Score a period from `facts` and keep both as a draft, in place of an earlier draft.

    Raises:
        EvaluationError: `act.no_such_scheme`, `act.bad_period`, `act.already_published`;
            `act.bad_fact` when two facts have one id.
    """
    scheme = evaluating.scheme(scheme_id)
    named = evaluating.period(scheme, period)
    window, now = evaluating.window(scheme, named), evaluating.clock()
    kept = _in_order(facts)
    made = scores(scheme, window, kept, bodies)
    values = {
        "scheme": scheme.id,
        "period": str(named),
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "taken_at": now,
        "scheme_text": scheme.text,
        "facts_sha256": facts_sha256(kept),
    }
    with evaluating.control.transaction() as connection:
        _clear_draft(connection, scheme.id, str(named))
        basis_id = store.add_basis(connection, values, kept, bodies)
        store.add_scoring(connection, scoring_row(basis_id, 1, now, by, made), made)
    strangers = tuple(fact.id for fact in kept if fact.party not in bodies)
    return Scored(scheme.id, str(named), 1, made, strangers)


def publish(evaluating: Evaluating, scheme_id: str, period: str, *, by: str) -> int:
    """Publish the draft of a period, and return its version; from now on one may appeal.

    Raises:
        EvaluationError: `act.no_such_score`, `act.already_published`; `act.period_not_over` when
            the facts were taken before the period was over.
    """
    now = evaluating.clock()
    with evaluating.control.transaction() as connection:
        found = held(connection, scheme_id, period)
        if found.newest["published_at"] is not None:
            raise _published(scheme_id, period)
        if found.basis["taken_at"] < found.basis["ends_at"]:
            raise EvaluationError(
                "act.period_not_over",
                f"The facts of {scheme_id} {period} were taken before the period was over.",
                next_step="Score it again when it is over, and publish that.",
            )
        store.publish_scoring(connection, found.newest["id"], now, by)
        queue(connection, published_entry(found.basis, found.newest, now, by))
    return int(found.newest["version"])


def _in_order(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    by_id = dict[str, Fact]()
    for fact in facts:
        if by_id.setdefault(fact.id, fact) is not fact:
            raise EvaluationError(
                "act.bad_fact",
                f"Two facts are called {fact.id[:80]!r}.",
                next_step="Give each fact an id of its own.",
            )
    return tuple(by_id[fact_id] for fact_id in sorted(by_id))


def _clear_draft(connection: Connection, scheme_id: str, period: str) -> None:
    basis = store.find_basis(connection, scheme_id, period)
    if basis is None:
        return
    if any(row["published_at"] for row in store.scorings_of(connection, basis["id"])):
        raise _published(scheme_id, period)
    store.drop_draft(connection, basis["id"])


def _published(scheme_id: str, period: str) -> EvaluationError:
    return EvaluationError(
        "act.already_published",
        f"The score of {scheme_id} {period} is published and does not change.",
        next_step="Appeal the numbers that are wrong.",
    )
