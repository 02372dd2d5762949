"""The verbs of an appeal: a party raises it, another decides, each step an entry of the audit log.

What was published is never changed: an upheld appeal makes another version beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection

from shuzhi.act.evaluation import store
from shuzhi.act.evaluation.appeals import (
    Appeal,
    AppealId,
    Correction,
    Decision,
    Person,
    apply,
    require_decider,
    require_named,
    require_own,
    require_reason,
)
from shuzhi.act.evaluation.arithmetic import scores
from shuzhi.act.evaluation.errors import EvaluationError
from shuzhi.act.evaluation.evaluating import Evaluating
from shuzhi.act.evaluation.facts import Fact
from shuzhi.act.evaluation.reading import Held, appeal_named, corrections_until, held
from shuzhi.act.evaluation.scheme import Measure
from shuzhi.act.evaluation.terms import deadline, standing_since
from shuzhi.act.evaluation.versions import appeal_entry, published_entry, scoring_row
from shuzhi.audit import queue
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant


def appeal(
    evaluating: Evaluating,
    scheme_id: str,
    period: str,
    measure_id: str,
    *,
    by: Person,
    facts: Sequence[str],
    reason: str,
) -> Appeal:
    """Appeal a number of the score of the actor's own party, naming the facts that are wrong.

    Where the calendar does not reach a term, nobody is refused by it; the appeal has no deadline
    until `date_appeals`, which also marks it if it turns out to have been raised too late.

    Raises:
        EvaluationError: `act.no_such_score`, `act.not_published`, `act.no_such_measure`,
            `act.not_scored`, `act.not_your_fact`, `act.appeal_reason_missing`;
            `act.appeal_too_late`; `act.appeal_decided` when one was raised on the same facts.
        RefusedError: `kernel.law_unknown`, `kernel.law_not_in_force`.
    """
    said, now = require_reason(reason), evaluating.clock()
    with evaluating.control.transaction() as connection:
        found = held(connection, scheme_id, period)
        measure = found.scheme.measure(measure_id)
        since = _published_since(connection, found, by.party, measure)
        until, _ = deadline(evaluating, found.scheme.raise_within, since, now)
        _refuse_late(scheme_id, period, now, until)
        ours = store.read_facts(connection, found.basis["id"], kind=measure.of)
        require_own(found.scheme, measure, by.party, facts, ours, found.bodies)
        _refuse_again(connection, found, by.party, measure, facts)
        due_at, term = deadline(evaluating, found.scheme.decide_within, now, now)
        raised = Appeal(
            id=AppealId(0),
            scheme=scheme_id,
            period=period,
            version=found.newest["version"],
            measure=measure.id,
            facts=tuple(facts),
            reason=said,
            raised_by=by,
            raised_at=now,
            due_at=due_at,
            legal_basis=term.legal_basis,
            is_verified=term.is_verified,
            raise_until=until,
        )
        made = appeal_named(connection, store.add_appeal(connection, found.basis["id"], raised))
        queue(connection, appeal_entry("appealed", made, now, by.name, **_said(by, said)))
        return made


def decide_appeal(
    evaluating: Evaluating,
    appeal_id: AppealId,
    *,
    by: Person,
    is_upheld: bool,
    reason: str,
    corrections: Sequence[Correction] = (),
) -> Appeal:
    """Decide an appeal; one that is upheld makes and publishes a new version of the score.

    Raises:
        EvaluationError: `act.no_such_appeal`, `act.appeal_decided`, `act.appeal_reason_missing`,
            `act.decider_is_appellant`, `act.bad_correction`.
    """
    said, now = require_reason(reason), evaluating.clock()
    with evaluating.control.transaction() as connection:
        raised = appeal_named(connection, appeal_id)
        if raised.decision is not None:
            raise _decided(appeal_id)
        require_named(raised, corrections, is_upheld=is_upheld)
        found = held(connection, raised.scheme, raised.period)
        facts = tuple(store.read_facts(connection, found.basis["id"]))
        named = [fact for fact in facts if fact.id in raised.facts]
        require_decider(found.scheme, raised, by, named, found.bodies)
        version = None
        if is_upheld:
            version = _rescored(connection, found, facts, corrections, now, by)
        decision = Decision(now, by, is_upheld, said, tuple(corrections), version)
        store.close_appeal(connection, appeal_id, decision)
        verb = "appeal_upheld" if is_upheld else "appeal_rejected"
        queue(connection, appeal_entry(verb, raised, now, by.name, **_said(by, said)))
        return appeal_named(connection, appeal_id)


def _rescored(
    connection: Connection,
    found: Held,
    facts: Sequence[Fact],
    corrections: Sequence[Correction],
    now: Instant,
    by: Person,
) -> int:
    basis_id, version = found.basis["id"], int(found.newest["version"]) + 1
    all_of = (*corrections_until(connection, basis_id, version), *corrections)
    made = scores(found.scheme, found.window, apply(facts, all_of), found.bodies)
    row = scoring_row(basis_id, version, now, by.name, made)
    row |= {"published_at": now, "published_by": by.name}
    store.add_scoring(connection, row, made)
    queue(connection, published_entry(found.basis, row, now, by.name))
    return version


def _published_since(
    connection: Connection, found: Held, party: PartyId, measure: Measure
) -> Instant:
    """Return since when the party's number has stood as it does, or refuse to appeal it."""
    if found.newest["published_at"] is None:
        raise EvaluationError(
            "act.not_published",
            f"The score of {found.scheme.id} {found.basis['period']} is a draft.",
            next_step="Appeal when it is published.",
        )
    version = len(found.scorings)
    since = standing_since(connection, found, version, party, measure.id)
    if since is None:
        raise EvaluationError(
            "act.not_scored",
            f"{party} has no score in {found.scheme.id} {found.basis['period']}.",
            next_step="Appeal for a party that the league lists.",
        )
    return since


def _refuse_late(scheme_id: str, period: str, now: Instant, until: Instant | None) -> None:
    if until is not None and now >= until:
        raise EvaluationError(
            "act.appeal_too_late",
            f"The term to appeal this number of {scheme_id} {period} ended at {until.isoformat()}.",
            next_step="Ask the authority to look at it in the next period.",
        )


def _refuse_again(
    connection: Connection, found: Held, party: PartyId, measure: Measure, facts: Sequence[str]
) -> None:
    for earlier in store.read_appeals(connection, basis_id=found.basis["id"]):
        is_same = earlier.raised_by.party == party and earlier.measure == measure.id
        if is_same and set(earlier.facts) & set(facts):
            raise _decided(earlier.id) if earlier.decision else _pending(earlier.id)


def _decided(appeal_id: AppealId) -> EvaluationError:
    return EvaluationError(
        "act.appeal_decided",
        f"Appeal {appeal_id} has been decided.",
        next_step="Read the decision; the same facts are not appealed twice.",
    )


def _pending(appeal_id: AppealId) -> EvaluationError:
    return EvaluationError(
        "act.appeal_decided",
        f"Appeal {appeal_id} on the same facts waits for its decision.",
        next_step="Wait for it.",
    )


def _said(by: Person, said: str) -> dict[str, str]:
    """Return what an entry tells of a person's step: no text of people, but its hash."""
    return {"party": by.party, "reason_sha256": hashlib.sha256(said.encode()).hexdigest()}
