"""What warnings turned out to be: noted once by whoever knows, and audited."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from shuzhi.audit import Entry, queue
from shuzhi.decide.rules import Outcome, RuleId, WarningId, Watch
from shuzhi.decide.rules.store import outcome_of, outcomes, save_outcome
from shuzhi.decide.warnings.errors import WarningError, unknown_warning
from shuzhi.decide.warnings.scoring import Retirement, Score, Told, scores
from shuzhi.decide.warnings.settling import Settled
from shuzhi.kernel.control import Control
from shuzhi.kernel.instant import Instant

SYSTEM = "system"


def note_outcome(
    control: Control,
    warning_id: WarningId,
    outcome: Outcome,
    *,
    by: str,
    at: Instant,
    happened_at: Instant | None = None,
) -> bool:
    """Note what a warning turned out to be, and since when what it warned of was so.

    Noted again the same, it does nothing and returns False. Noted otherwise, the new outcome holds
    and both are in the audit log. A warning that became part of another stands for that one.

    Raises:
        WarningError: `decide.warning_unknown`.
    """
    with control.transaction() as connection:
        return note(connection, Settled(warning_id, outcome, happened_at), by=by, at=at)


def outcome_named(text: str) -> Outcome:
    """Return the outcome that a word names. Raises `decide.outcome_unknown`."""
    try:
        return Outcome(text.strip().lower())
    except ValueError:
        raise WarningError(
            "decide.outcome_unknown",
            f"{text[:40]!r} is no outcome of a warning.",
            next_step=f"Write one of: {', '.join(Outcome)}.",
        ) from None


def warning_scores(watch: Watch, rules: Iterable[str], retirement: Retirement) -> tuple[Score, ...]:
    """Return how the warnings of `rules`, and of all others that ever warned, turned out."""
    with watch.control.transaction() as connection:
        told = [
            Told(rule_id, raised_at, outcome, happened_at)
            for rule_id, _, raised_at, outcome, happened_at in outcomes(connection)
        ]
    known = [RuleId(rule_id) for rule_id in rules]
    return scores(told, known, now=watch.clock(), retirement=retirement)


def note(connection: Connection, settled: Settled, *, by: str, at: Instant) -> bool:
    """Do the same in the caller's transaction. What people said, `SYSTEM` does not change."""
    before = outcome_of(connection, settled.warning_id)
    if before is None:
        raise unknown_warning(settled.warning_id)
    is_said_by_people = before.outcome is not None and before.by != SYSTEM
    happened_at = settled.happened_at or before.happened_at
    is_same = (before.outcome, before.happened_at) == (settled.outcome, happened_at)
    if is_same or (by == SYSTEM and is_said_by_people):
        return False
    said = {"outcome": settled.outcome.value, "outcome_by": by, "outcome_at": at}
    values = {**said, "happened_at": happened_at, "changed_at": at}
    save_outcome(connection, before.warning_id, values)
    facts = {
        "rule": before.rule_id,
        "outcome": settled.outcome.value,
        "before": before.outcome and before.outcome.value,
        "happened_at": happened_at and happened_at.isoformat(),
    }
    queue(connection, Entry("warning.outcome", at, by, str(before.warning_id), facts))
    return True
