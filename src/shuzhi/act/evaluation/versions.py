"""A version of a score as it is written and told: its row, and its entry in the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

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
