"""How the rows of two versions of a table differ, told by the files that hold them.

A writer only ever adds whole files and takes whole files away, so that what became of the rows is
the rows of the files added, less those of the files removed, each counted as often as it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shuzhi.gather.lake.query import Snapshot

# Commits that put the same rows into other files: ours, and the Delta name for it.
REWRITES = frozenset({"compact", "optimize"})


@dataclass(frozen=True)
class Difference:
    """Rows of `added` that are not as often in `removed` are new; all have the newer columns.

    The other way round, rows are gone. `removed` is empty where rows were only appended; `whole`
    is the table as it is after the change.
    """

    added: Snapshot
    removed: Snapshot
    whole: Snapshot

    @property
    def is_append(self) -> bool:
        """True when every row of `added` is new."""
        return not self.removed.files


def unmoved(since: int, until: int, rewrites: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Cut (`since`, `until`] into spans without the versions `rewrites`."""
    moved = sorted({v for v in rewrites if since < v <= until})
    starts = [since, *moved]
    ends = [*(v - 1 for v in moved), until]
    return tuple((a, b) for a, b in zip(starts, ends, strict=True) if a < b)


def difference(
    at: Mapping[int, Snapshot], spans: Iterable[tuple[int, int]], until: int
) -> Difference:
    """Return what changed within `spans`; `at` holds the snapshots of their ends and `until`."""
    newest = at[until]
    none = replace(newest, files=())
    added, removed = none, none
    for before, after in spans:
        old = at[before] if before >= 0 else replace(newest, files=())
        new = at[after]
        added = _more(added, new, old)
        removed = _more(removed, old, new)
    return Difference(added, removed, newest)


def _more(known: Snapshot, holder: Snapshot, other: Snapshot) -> Snapshot:
    """Return `known` with the files that `holder` has and `other` has not."""
    others = {f.path for f in other.files}
    columns = {f.name for f in holder.schema}
    later = tuple(f.name for f in known.schema if f.name not in columns)
    files = (f for f in holder.files if f.path not in others)
    lacking = (replace(f, lacks=(*f.lacks, *later)) for f in files)
    return replace(known, files=(*known.files, *lacking))
