"""Tracings that begin by themselves: what a warning tells, as the question of a search.

Facts have fixed names, so that the rules of any pack can serve: a river's `factor`, `reach_id`,
`value`, `limit_value` (with `unit`, default mg/L, and `above_km`), the air's `station` and
`limit_value` (with `factor`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from shuzhi.decide.tracing.declared import Tracing
from shuzhi.decide.tracing.river import Exceedance
from shuzhi.decide.tracing.use_cases import Bad, Question
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.units import convert

NEEDED: Mapping[str, frozenset[str]] = {
    "river": frozenset({"factor", "reach_id", "value", "limit_value"}),
    "air": frozenset({"station", "limit_value"}),
}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Found:
    """What a warning told, and when it was so."""

    at: Instant
    facts: Mapping[str, Any]


def question_of(tracing: Tracing, found: Found) -> Question:
    """Return what to search for so that the thing is explained that a warning told of.

    Raises:
        RefusedError: `decide.tracing_lacks_fact`, `kernel.unit_unknown`, `kernel.unit_mismatch`.
    """
    return _exceedance(tracing, found) if tracing.kind == "river" else _bad(tracing, found)


def _exceedance(tracing: Tracing, found: Found) -> Exceedance:
    facts, unit = found.facts, found.facts.get("unit") or "mg/L"

    def mg_l(name: str) -> float:
        return float(convert(_number(tracing, facts, name), source=str(unit), target="mg/L"))

    return Exceedance(
        _text(tracing, facts, "factor"),
        _text(tracing, facts, "reach_id"),
        found.at,
        mg_l("value"),
        mg_l("limit_value"),
        float(facts.get("above_km") or 0),
    )


def _bad(tracing: Tracing, found: Found) -> Bad:
    factor = found.facts.get("factor")
    return Bad(
        _text(tracing, found.facts, "station"),
        Instant(found.at - tracing.look_back),
        Instant(found.at + _HOUR),
        float(_number(tracing, found.facts, "limit_value")),
        None if factor is None else str(factor),
    )


def _text(tracing: Tracing, facts: Mapping[str, Any], name: str) -> str:
    if facts.get(name) is None:
        raise _lacks(tracing, name)
    return str(facts[name])


def _number(tracing: Tracing, facts: Mapping[str, Any], name: str) -> Decimal:
    try:
        return Decimal(_text(tracing, facts, name))
    except InvalidOperation:
        raise _lacks(tracing, name) from None


def _lacks(tracing: Tracing, name: str) -> RefusedError:
    return RefusedError(
        "decide.tracing_lacks_fact",
        f"The warning tells no {name} from which the tracing {tracing.id} could begin.",
        next_step="Let the rule answer with that column, or search with `shuzhi cause`.",
    )
