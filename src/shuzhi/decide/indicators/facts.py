"""Facts lent by the wings above, so that indicators can count cases and warnings.

They are kept in the lake under names of their own: so they have versions, and a number that was
counted from them can be counted again as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from shuzhi.gather.lake import Lake
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant, parse_instant

CASES, WARNINGS = DatasetName("case_facts"), DatasetName("warning_facts")
LENT = frozenset({CASES, WARNINGS})
_UNTIL = "until"
# What was begun before the last look may have been stored after it.
_OVERLAP = timedelta(hours=1)


@dataclass(frozen=True)
class Facts:
    """Rows of a wing above, one for each `key`, in columns that a table of the lake may have.

    `rows` gives those that may have changed since an instant, all of them for None. Where
    `is_whole`, it is always asked for all, and what is not among them any more is gone.
    """

    key: tuple[str, ...]
    rows: Callable[[Instant | None], pa.Table]
    is_whole: bool = False


Lent = Mapping[DatasetName, Facts]


def keep_facts(lake: Lake, name: DatasetName, facts: Facts, now: Instant) -> None:
    """Bring the table of lent facts up to date; with no change there is no new version."""
    since = _until(lake, name) if lake.exists(name) else None
    rows = facts.rows(None if facts.is_whole else since)
    note = {_UNTIL: now.isoformat()}
    if since is not None and set(lake.schema(name)) != set(rows.schema):
        # A newer release lends other columns.
        lake.overwrite(name, facts.rows(None), may_reshape=True, note=note)
        return
    gone = _keys(lake, name, facts) if facts.is_whole and since is not None else None
    lake.upsert(name, rows, key=facts.key, gone=gone, note=note)


def _until(lake: Lake, name: DatasetName) -> Instant | None:
    """Return up to when the table is known to be whole; None when its last commit is not ours."""
    note = lake.history(name, limit=1)[0].note
    return Instant(parse_instant(note[_UNTIL]) - _OVERLAP) if _UNTIL in note else None


def _keys(lake: Lake, name: DatasetName, facts: Facts) -> pa.Table:
    return lake.reader(name, columns=facts.key).read_all()
