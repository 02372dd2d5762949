"""What changed in the data sets that a model reads since it was built."""

from __future__ import annotations

from collections.abc import Mapping

from shuzhi.decide.models.model import Model
from shuzhi.gather.lake import Difference, Lake
from shuzhi.gather.lake.difference import REWRITES
from shuzhi.kernel.errors import RefusedError


def moved(lake: Lake, since: Mapping[str, int], until: Mapping[str, int]) -> tuple[str, ...]:
    """Return the data sets whose rows or columns may differ between these versions, sorted.

    One whose files were only put together anew has not moved.
    """
    return tuple(n for n in sorted(until) if _has_moved(lake, n, since.get(n, -1), until[n]))


def change_by_grain(
    lake: Lake, model: Model, since: Mapping[str, int], until: Mapping[str, int]
) -> Difference | None:
    """Return the rows whose grains have to be computed anew; None when everything has to be.

    That is so for a model that is not incremental, when a data set moved beside the one that is
    looked at by grain, when its columns changed, or when its older rows can no longer be read.
    """
    given = model.incremental
    if given is None or moved(lake, since, until) != (given.dataset,):
        return None
    first, last = since[given.dataset], until[given.dataset]
    if first > last:
        return None
    try:
        if lake.schema(given.dataset, version=first) != lake.schema(given.dataset, version=last):
            return None
        return lake.difference(given.dataset, since=first, until=last)
    except RefusedError:
        return None


def _has_moved(lake: Lake, name: str, since: int, until: int) -> bool:
    if since == until:
        return False
    newer = lake.history(name, after=since)
    between = [version.verb for version in newer if version.version <= until]
    # Commits that the log no longer holds may have changed anything.
    return len(between) != until - since or not REWRITES.issuperset(between)
