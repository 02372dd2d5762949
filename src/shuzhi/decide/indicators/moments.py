"""The moments that an indicator's SQL may name: `:now`, `:today` and the like.

They are those of the computation, in the city's time zone, so that a value can be computed again
as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time

from sqlglot import exp

from shuzhi.decide.sql import parsed
from shuzhi.kernel.instant import Instant, named_zone, to_instant

MOMENTS = frozenset({"now", "today", "day_start", "month_start", "year_start"})


def moments(now: Instant, zone: str) -> Mapping[str, date]:
    """Return the moments at `now`: `today` is a date, the others are instants."""
    today = now.astimezone(named_zone(zone)).date()
    starts = {
        "day_start": today,
        "month_start": today.replace(day=1),
        "year_start": today.replace(month=1, day=1),
    }
    midnight = {n: to_instant(datetime.combine(d, time()), zone=zone) for n, d in starts.items()}
    return {"now": now, "today": today, **midnight}


def names_moment(sql: str) -> bool:
    """True when the answer to `sql` depends on when it is asked."""
    query = parsed(sql, names=MOMENTS)
    return query.find(exp.Placeholder, exp.Parameter) is not None


def at_moments(sql: str, values: Mapping[str, date]) -> str:
    """Return `sql` for DuckDB with the moments in their places."""

    def filled(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, (exp.Placeholder, exp.Parameter)):
            return node
        value = values[node.name]
        kind = "TIMESTAMPTZ" if isinstance(value, datetime) else "DATE"
        return exp.cast(exp.Literal.string(value.isoformat()), kind)

    return parsed(sql, names=MOMENTS).transform(filled).sql("duckdb")
