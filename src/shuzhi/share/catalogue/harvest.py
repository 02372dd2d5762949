"""Brings a foreign catalogue into ours: what is new, what changed, what is gone, what is no use.

Entries keep the catalogue that they came from (`origin`) and never take the place of our own. What
the source no longer lists is withdrawn, unless so much is gone that its answer is more likely torn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import httpx2

from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.documents import fetch_catalogue, read_document
from shuzhi.share.catalogue.guide import Severity
from shuzhi.share.catalogue.imported import Imported
from shuzhi.share.catalogue.model import LOCAL
from shuzhi.share.catalogue.store import ids_of, read_refusals, replace_refusals
from shuzhi.share.catalogue.use_cases import Outcome, Published, publish_all, withdraw_all

_ORIGIN = re.compile(r"[a-z][a-z0-9_.-]{0,99}")
_TIMEOUT_S = 60.0
# A catalogue that loses more than half of this many entries at once is asked about first.
_FEW = 10


@dataclass(frozen=True)
class HarvestReport:
    """What a harvest did. `held_back` entries are gone at the source and stand here still."""

    origin: str
    created: int
    changed: int
    unchanged: int
    withdrawn: int
    refused: int
    flaws: int
    held_back: int = 0


@dataclass(frozen=True)
class Refusal:
    """A record that the newest harvest could not use: its place there, why, and its text."""

    place: str
    reason: str
    record: str


def read_catalogue(source: str, origin: str) -> Imported:
    """Read the catalogue in a file or at an HTTP address, whole, before anything is changed.

    Raises:
        RefusedError: `share.catalogue_gone`; as `documents.read_document`.
    """
    if source.startswith(("http://", "https://")):
        with httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client:
            return fetch_catalogue(source, client=client, origin=origin)
    try:
        raw = Path(source).read_bytes()
    except OSError as error:
        raise RefusedError(
            "share.catalogue_gone",
            f"The catalogue {source} cannot be read ({error.strerror}).",
            next_step="Check the path; what was harvested before is kept.",
        ) from None
    return read_document(raw, name=Path(source).name, origin=origin)


def harvest(
    control: Control,
    imported: Imported,
    *,
    origin: str,
    now: Instant,
    may_withdraw_most: bool = False,
) -> HarvestReport:
    """Make our entries of `origin` what `imported` says; the same again changes nothing.

    Where more than half of the entries would go, they stay and are counted as `held_back`, unless
    `may_withdraw_most`.

    Raises:
        RefusedError: `share.bad_origin`.
    """
    _require_origin(origin)
    published = publish_all(control, imported.entries, by=origin, now=now)
    refused = [*_refusals(imported), *_not_taken(imported, published)]
    with control.transaction() as connection:
        standing = ids_of(connection, origin)
        replace_refusals(connection, origin, refused, now)
    listed = {p.id for p in published}
    gone = [entry_id for entry_id in standing if entry_id not in listed]
    is_torn = len(gone) > max(_FEW, len(standing) // 2) and not may_withdraw_most
    if not is_torn:
        withdraw_all(control, gone, by=origin, now=now)
    count = {o: sum(p.outcome is o for p in published) for o in Outcome}
    return HarvestReport(
        origin,
        count[Outcome.CREATED],
        count[Outcome.CHANGED],
        count[Outcome.UNCHANGED],
        0 if is_torn else len(gone),
        len(refused),
        len(imported.flaws),
        len(gone) if is_torn else 0,
    )


def refusals(control: Control, origin: str) -> tuple[Refusal, ...]:
    """Return what the newest harvest of `origin` could not use."""
    with control.transaction() as connection:
        return tuple(Refusal(*row) for row in read_refusals(connection, origin))


def _require_origin(origin: str) -> None:
    if origin == LOCAL or not _ORIGIN.fullmatch(origin):
        raise RefusedError(
            "share.bad_origin",
            f"{origin[:60]!r} cannot name a foreign catalogue.",
            next_step=f"Use small letters, digits, - _ and . ; {LOCAL!r} is our own.",
        )


def _refusals(imported: Imported) -> list[tuple[str, str, str]]:
    return [
        (r.place, "; ".join(f"{f.field} {f.problem}" for f in r.flaws), r.record)
        for r in imported.refused
    ]


def _not_taken(imported: Imported, published: tuple[Published, ...]) -> list[tuple[str, str, str]]:
    titles = {entry.id: entry.title.best() for entry in imported.entries}
    return [(p.id, _why(p), titles[p.id]) for p in published if p.outcome is Outcome.REFUSED]


def _why(published: Published) -> str:
    return "; ".join(str(f) for f in published.findings if f.severity is Severity.REFUSAL)
