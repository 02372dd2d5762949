"""How scores, numbers and appeals stand in rows, and come back out of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from shuzhi.act.evaluation.appeals import Appeal, AppealId, Correction, Decision, Person
from shuzhi.act.evaluation.arithmetic import Lack, Number, Score
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.party import Level


def score_row(score: Score) -> dict[str, Any]:
    """Return the row of `evaluation_score`, but for its key."""
    total = None if score.total is None else str(score.total)
    return {
        "level": int(score.level),
        "total": total,
        "weight": str(score.weight),
        "rank": score.rank,
        "lack": score.lack.value,
    }


def number_row(number: Number) -> dict[str, Any]:
    """Return the row of `evaluation_number`, but for its key and place."""
    return {
        "measure": number.measure,
        "numerator": str(number.numerator),
        "denominator": str(number.denominator),
        "value": None if number.value is None else str(number.value),
        "points": None if number.points is None else str(number.points),
        "lack": number.lack.value,
    }


def score_of(row: RowMapping, numbers: Sequence[Number]) -> Score:
    """Return the score of its rows."""
    return Score(
        PartyId(row["party"]),
        Level(row["level"]),
        _decimal(row["total"]),
        Decimal(row["weight"]),
        row["rank"],
        tuple(numbers),
        Lack(row["lack"]),
    )


def number_of(row: RowMapping) -> Number:
    """Return the number of its row."""
    return Number(
        row["measure"],
        Decimal(row["numerator"]),
        Decimal(row["denominator"]),
        _decimal(row["value"]),
        _decimal(row["points"]),
        Lack(row["lack"]),
    )


def appeal_of(row: RowMapping) -> Appeal:
    """Return the appeal of its row, joined with its basis."""
    return Appeal(
        AppealId(row["id"]),
        row["scheme"],
        row["period"],
        row["version"],
        row["measure"],
        tuple(row["facts"]),
        row["reason"],
        Person(row["raised_by"], PartyId(row["party"])),
        row["raised_at"],
        row["due_at"],
        row["legal_basis"],
        row["is_verified"],
        _decision(row),
        row["raise_until"],
    )


def _decision(row: RowMapping) -> Decision | None:
    if row["decided_at"] is None:
        return None
    return Decision(
        row["decided_at"],
        Person(row["decided_by"], PartyId(row["decided_party"])),
        row["is_upheld"],
        row["decision"],
        tuple(Correction(fact, values) for fact, values in row["corrections"]),
        row["version_after"],
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
