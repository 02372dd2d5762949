"""The SQL of a rule over silence: which streams are expected, and when each said nothing.

A stream is silent at a look when it has no row in the span `after` that ends there. All looks of a
stretch of time are answered by one query over the gaps between a stream's rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from shuzhi.decide.rules.model import SilenceRule
from shuzhi.decide.sql import parsed, require_reads
from shuzhi.gather.lake.schema import identifier
from shuzhi.gather.lineage.errors import sql_error
from shuzhi.kernel.instant import EPOCH, Instant

SEEN = "__seen"
_MICROSECOND = timedelta(microseconds=1)
_FEED = "SELECT 'all' AS feed"


@dataclass(frozen=True)
class Looks:
    """Looks at whole multiples of `every`: `count` of them from `first` on."""

    first: Instant
    every: timedelta
    count: int

    @property
    def last(self) -> Instant:
        """The last look."""
        return Instant(self.first + self.every * (self.count - 1))


def looks(after: Instant, until: Instant, every: timedelta) -> Looks:
    """Return the looks later than `after` and not later than `until`."""
    before, upto = _number(after, every), _number(until, every)
    first = after + (every * (before + 1) - _since_epoch(after))
    return Looks(Instant(first), every, max(0, upto - before))


def look_at_or_before(moment: Instant, every: timedelta) -> Instant:
    """Return the newest look that is not later than `moment`."""
    return Instant(moment + (every * _number(moment, every) - _since_epoch(moment)))


def check_expected(silence: SilenceRule, *, reads: Collection[str]) -> tuple[str, ...]:
    """Return the columns of a finding: those of `expected`, and `last_seen`.

    Raises:
        SqlError: `decide.sql_not_streams`; as `parsed` and `require_reads`.
    """
    if silence.expected is None:
        return ("feed", "last_seen")
    query = parsed(silence.expected)
    require_reads(silence.expected, reads)
    names = tuple(node.alias_or_name.lower() for node in query.selects)
    missing = [column for column in silence.per if column not in names]
    if missing or "" in names or "*" in names or len(set(names)) < len(names):
        raise sql_error(
            "decide.sql_not_streams",
            f"its columns are {', '.join(n or '?' for n in names)}; each needs a name of its own, "
            f"and {', '.join(silence.per) or 'one'} must be among them.",
            node=query,
            sql=silence.expected,
            next_step="Name the columns of `per` with AS.",
        )
    return (*names, "last_seen")


def silence_query(silence: SilenceRule, at: Looks, *, is_there: bool) -> str:
    """Return DuckDB SQL for who was silent when, over the table `SEEN` (`per`, `moment`).

    Each row of its answer is an expected stream with `__first`, `__last` (numbers of looks, from
    0) of one unbroken silence, and `last_seen`. `is_there` is false while there is no data set.
    """
    per = [identifier(column) for column in silence.per]
    keys = "".join(f"{column}, " for column in per)
    horizon_us = (at.first - silence.after - at.every - EPOCH) // _MICROSECOND
    seen = f"UNION ALL SELECT {keys}epoch_us(moment), moment FROM {SEEN}" if is_there else ""  # noqa: S608
    partition = f"PARTITION BY {', '.join(per)} " if per else ""
    start_us, every_us = (at.first - EPOCH) // _MICROSECOND, at.every // _MICROSECOND
    after_us = silence.after // _MICROSECOND
    joined = " AND ".join(f"e.{c} IS NOT DISTINCT FROM s.{c}" for c in per) or "true"
    # The engine's // cuts towards zero: what lies before the first look comes out below 1 as well.
    return f"""
    WITH __expected AS (SELECT DISTINCT * FROM ({silence.expected or _FEED})),
    __points AS (
      SELECT DISTINCT {keys}{horizon_us} AS us, NULL::TIMESTAMPTZ AS moment FROM __expected {seen}
    ),
    __gaps AS (
      SELECT {keys}us, moment, LEAD(us) OVER ({partition}ORDER BY us) AS next_us FROM __points
    ),
    __silences AS (
      SELECT {keys}moment,
        greatest(0, (us + {after_us - start_us + every_us - 1}) // {every_us}) AS first,
        coalesce((next_us + {every_us - 1 - start_us}) // {every_us}, {at.count}) - 1 AS last
      FROM __gaps
    )
    SELECT e.*, s.moment AS last_seen, s.first AS __first,
      least(s.last, {at.count - 1}) AS __last
    FROM __expected e JOIN __silences s ON {joined}
    WHERE s.first <= least(s.last, {at.count - 1})
    """  # noqa: S608  (columns are quoted, the rest are numbers and a query that was checked)


def _since_epoch(moment: Instant) -> timedelta:
    return moment - EPOCH


def _number(moment: Instant, every: timedelta) -> int:
    return _since_epoch(moment) // every
