"""What is written and told of a version of a score and of its appeals: rows, audit entries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

from shuzhi.act.evaluation.appeals import Appeal
from shuzhi.act.evaluation.arithmetic import Score
from shuzhi.act.evaluation.fingerprints import scores_sha256
from shuzhi.audit import Entry
from shuzhi.kernel.instant import Instant


def scoring_row(
    basis_id: int, version: int, at: Instant, by: str, made: Sequence[Score]
) -> dict[str, Any]:
    """Return the row of a version that nobody has published yet."""
    return {
        "basis_id": basis_id,
        "version": version,
        "made_at": at,
        "made_by": by,
        "scores_sha256": scores_sha256(made),
    }


def published_entry(
    basis: RowMapping, scoring: RowMapping | Mapping[str, Any], at: Instant, by: str
) -> Entry:
    """Return the entry that binds a published version to its scheme, facts and scores."""
    facts = {
        "version": scoring["version"],
        "scheme_sha256": hashlib.sha256(basis["scheme_text"].encode()).hexdigest(),
        "facts_sha256": basis["facts_sha256"],
        "scores_sha256": scoring["scores_sha256"],
    }
    subject = f"score:{basis['scheme']}/{basis['period']}"
    return Entry("evaluation.published", at, by, subject, facts)


def appeal_entry(verb: str, appeal: Appeal, at: Instant, by: str, **more: Any) -> Entry:
    """Return the entry of a step of an appeal, with what `more` the step tells."""
    facts = {
        "appeal": appeal.id,
        "version": appeal.version,
        "measure": appeal.measure,
        "appellant": appeal.raised_by.party,
        "named": len(appeal.facts),
        "due_at": None if appeal.due_at is None else appeal.due_at.isoformat(),
    }
    subject = f"score:{appeal.scheme}/{appeal.period}"
    return Entry(f"evaluation.{verb}", at, by, subject, facts | more)
