"""Which packs are there: found through the entry-point group `shuzhi.packs`, ours and others'."""

from __future__ import annotations

from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

GROUP = "shuzhi.packs"


def installed_packs() -> dict[str, Path]:
    """Return the folder of every installed pack, by id."""
    found = {entry.name: Path(str(files(entry.module))) for entry in entry_points(group=GROUP)}
    return dict(sorted(found.items()))
