"""Which packs are there: found through the entry-point group `shuzhi.packs`, ours and others'."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from shuzhi.kernel.errors import RefusedError
from shuzhi.packs.model import Pack
from shuzhi.packs.reading import read_pack

GROUP = "shuzhi.packs"


def installed_packs() -> dict[str, Path]:
    """Return the folder of every installed pack, by id."""
    found = {entry.name: Path(str(files(entry.module))) for entry in entry_points(group=GROUP)}
    return dict(sorted(found.items()))


def installed_pack(pack_id: str) -> Pack:
    """Return an installed pack.

    Raises:
        RefusedError: `packs.no_such_pack`; DocumentError as `read_pack`.
    """
    packs = installed_packs()
    if pack_id in packs:
        return read_pack(packs[pack_id])
    meant = get_close_matches(pack_id, packs, 1)
    hint = f"Did you mean {meant[0]!r}? " if meant else ""
    raise RefusedError(
        "packs.no_such_pack",
        f"There is no scenario pack {pack_id[:60]!r}.",
        next_step=f"{hint}Choose one of: {', '.join(packs) or 'none is installed'}.",
    )
