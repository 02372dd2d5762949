"""Facts lent by the wings above, so that indicators can count cases and warnings.

They are kept in the lake under names of their own: so they have versions, and a number that was
counted from them can be counted again as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from shuzhi.decide.indicators.store import lent_until, save_lent
from shuzhi.gather.lake import Lake
from shuzhi.kernel.control import Control
from shuzhi.kernel.ids import DatasetName
from shuzhi.kernel.instant import Instant

CASES, WARNINGS = DatasetName("case_facts"), DatasetName("warning_facts")
LENT = frozenset({CASES, WARNINGS})
# What was begun before the last look may have been stored after it.
_OVERLAP = timedelta(hours=1)


@dataclass(frozen=True)
class Facts:
    """Rows of a wing above, one for each `key`, in columns that a table of the lake may have.

    `rows` gives those that may have changed since an instant, all of them for None; `gone` the
    keys of those that may be no more since then.
    """

    key: tuple[str, ...]
    rows: Callable[[Instant | None], pa.Table]
    gone: Callable[[Instant], pa.Table] | None = None


Lent = Mapping[DatasetName, Facts]


def keep_facts(control: Control, lake: Lake, name: DatasetName, facts: Facts, now: Instant) -> None:
    """Bring the table of lent facts up to date; with no change there is no new version."""
    since = _since(control, lake, name)
    rows = facts.rows(since)
    if since is not None and set(lake.schema(name)) != set(rows.schema):
        # A newer release lends other columns.
        commit = lake.overwrite(name, facts.rows(None), may_reshape=True)
    else:
        gone = None if facts.gone is None or since is None else facts.gone(since)
        commit = lake.upsert(name, rows, key=facts.key, gone=gone)
    with control.transaction() as connection:
        save_lent(connection, name, now, commit.version)


def _since(control: Control, lake: Lake, name: DatasetName) -> Instant | None:
    if not lake.exists(name):
        return None
    with control.transaction() as connection:
        until = lent_until(connection, name, lake.version(name))
    return None if until is None else Instant(until - _OVERLAP)
