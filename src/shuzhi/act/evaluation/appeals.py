"""Appeals: a party says that a number of its score is wrong, and another party decides.

Pure: who may appeal and decide, what an upheld appeal makes of the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NewType

from shuzhi.act.evaluation.arithmetic import Bodies, answering
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.facts import Fact, corrected
from shuzhi.act.evaluation.scheme import Measure, Scheme
from shuzhi.kernel.deadlines import Undatable
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

AppealId = NewType("AppealId", int)
_MOST_REASON = 4_000


@dataclass(frozen=True)
class Person:
    """Who acts, and for which party."""

    name: str
    party: PartyId


@dataclass(frozen=True)
class Correction:
    """What an upheld appeal does to a fact: other `values`, or none at all to leave it out."""

    fact: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """How an appeal ended; `version_after` is the scoring that an upheld one made."""

    at: Instant
    by: Person
    is_upheld: bool
    reason: str
    corrections: tuple[Correction, ...] = ()
    version_after: int | None = None


@dataclass(frozen=True)
class Appeal(Undatable):
    """One appeal against a number of `version`; to be decided before `due_at`.

    `due_at` is None while the calendar does not reach it; such an appeal is not overdue. Its term
    to be raised ended at `raise_until`, None while nobody knew; no later notice moves that.
    `legal_basis` says where that deadline stands, `is_verified` whether anybody has checked it.
    """

    id: AppealId
    scheme: str
    period: str
    version: int
    measure: str
    facts: tuple[str, ...]
    reason: str
    raised_by: Person
    raised_at: Instant
    due_at: Instant | None
    legal_basis: str
    is_verified: bool
    decision: Decision | None = None
    raise_until: Instant | None = None

    @property
    def is_raised_late(self) -> bool:
        """Whether it came to be known, once it had been taken, that it was raised too late.

        Who decides it weighs that: it was taken in good faith, while nobody could count its term.
        """
        return self.raise_until is not None and self.raised_at >= self.raise_until

    def is_overdue(self, now: Instant) -> bool:
        """Tell whether the appeal waits for a decision that is due by `now`."""
        return self.decision is None and self.due_at is not None and now >= self.due_at


def require_reason(text: str) -> str:
    """Return the reason that was given, or refuse (`act.appeal_reason_missing`)."""
    reason = text.strip()
    if 0 < len(reason) <= _MOST_REASON:
        return reason
    raise EvaluationError(
        "act.appeal_reason_missing",
        f"A reason of 1 to {_MOST_REASON} characters is needed; this one has {len(reason)}.",
        next_step="Say why.",
    )


def require_own(
    scheme: Scheme,
    measure: Measure,
    party: PartyId,
    named: Sequence[str],
    facts: Iterable[Fact],
    bodies: Bodies,
) -> None:
    """Refuse (`act.not_your_fact`) facts that are none behind this number of this party."""
    ours = {
        fact.id
        for fact in facts
        if fact.kind is measure.of and party in answering(scheme, fact, bodies)
    }
    strange = [fact_id for fact_id in named if fact_id not in ours]
    if strange or not named:
        raise EvaluationError(
            "act.not_your_fact",
            f"{', '.join(strange[:5]) or 'No fact'} stands behind {measure.id} of {party}.",
            next_step="Name facts that `shuzhi evaluation show` lists behind the number.",
        )


def require_decider(
    scheme: Scheme, appeal: Appeal, by: Person, facts: Iterable[Fact], bodies: Bodies
) -> None:
    """Refuse (`act.decider_is_appellant`) a decider whose own score the facts would move."""
    touched = {p for fact in facts for p in answering(scheme, fact, bodies)}
    own = {p for p in touched if (body := bodies.get(p)) and body.level in scheme.levels}
    if by.party == appeal.raised_by.party or by.party in own:
        raise EvaluationError(
            "act.decider_is_appellant",
            f"{by.party} cannot decide appeal {appeal.id}: it moves its own score.",
            next_step="Let a party decide whose score does not depend on it.",
        )


def require_named(appeal: Appeal, corrections: Sequence[Correction], *, is_upheld: bool) -> None:
    """Refuse (`act.bad_correction`) corrections of other facts, or an upheld appeal without any."""
    strange = sorted({c.fact for c in corrections} - set(appeal.facts))
    if is_upheld and corrections and not strange:
        return
    if not is_upheld and not corrections:
        return
    problem = f"{', '.join(strange)} was not appealed" if strange else "it says nothing to correct"
    if not is_upheld:
        problem = "an appeal that is rejected corrects nothing"
    raise EvaluationError(
        "act.bad_correction",
        f"Appeal {appeal.id} cannot be decided so: {problem}.",
        next_step=f"Correct or leave out some of: {', '.join(appeal.facts[:10])}.",
    )


def apply(facts: Iterable[Fact], corrections: Iterable[Correction]) -> Iterator[Fact]:
    """Yield the facts as corrected, without those left out; a later correction adds to a former.

    Raises:
        EvaluationError: `act.bad_correction`.
    """
    by_fact: dict[str, list[Correction]] = {}
    for correction in corrections:
        by_fact.setdefault(correction.fact, []).append(correction)
    for fact in facts:
        kept: Fact | None = fact
        for correction in by_fact.get(fact.id, ()):
            kept = corrected(kept, correction.values) if kept and correction.values else None
        if kept is not None:
            yield kept
