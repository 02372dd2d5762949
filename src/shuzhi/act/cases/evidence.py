"""Evidence files: what proves that a case was dealt with, stored under its SHA-256.

A file is on disk, synced, before any row speaks of it; its type is read from its bytes, never
believed from its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath

from shuzhi.act.cases.errors import CaseError
from shuzhi.act.cases.model import EvidenceFile
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.files import put_whole, sync_path

MOST_BYTES = 20_000_000
_MOST_NAME = 120


class EvidenceKind(StrEnum):
    """What a file can be as evidence."""

    PHOTO = "photo"
    DOCUMENT = "document"
    RECORD = "record"


@dataclass(frozen=True)
class Upload:
    """A file as it comes in: the name that its sender gave it, and its bytes."""

    name: str
    raw: bytes


@dataclass(frozen=True)
class _Type:
    media_type: str
    kind: EvidenceKind
    suffixes: tuple[str, ...]


_JPEG = _Type("image/jpeg", EvidenceKind.PHOTO, (".jpg", ".jpeg"))
_PNG = _Type("image/png", EvidenceKind.PHOTO, (".png",))
_WEBP = _Type("image/webp", EvidenceKind.PHOTO, (".webp",))
_PDF = _Type("application/pdf", EvidenceKind.DOCUMENT, (".pdf",))
_CSV = _Type("text/csv", EvidenceKind.RECORD, (".csv",))
_TEXT = _Type("text/plain", EvidenceKind.RECORD, (".txt",))
_TYPES = (_JPEG, _PNG, _WEBP, _PDF, _CSV, _TEXT)


def keep_evidence(folder: Path, upload: Upload, *, most_bytes: int = MOST_BYTES) -> EvidenceFile:
    """Store `upload` below `folder`, durably, and return what a row may say of it.

    The same bytes are stored once.

    Raises:
        CaseError: `act.evidence_refused` when the file is empty, too large, of no type that is
            taken (JPEG, PNG, WebP, PDF, UTF-8 CSV and text), or not what its name says.
    """
    name = PurePath(upload.name.replace("\\", "/")).name[-_MOST_NAME:]
    if not 0 < len(upload.raw) <= most_bytes:
        raise _refused(name, f"has {len(upload.raw)} bytes; 1 to {most_bytes} are taken")
    found = _type_of(name, upload.raw)
    sha256 = hashlib.sha256(upload.raw).hexdigest()
    _store(evidence_path(folder, sha256), upload.raw)
    return EvidenceFile(sha256, name, found.media_type, found.kind.value, len(upload.raw))


def read_evidence(folder: Path, sha256: str) -> bytes:
    """Return the bytes stored under `sha256`.

    Raises:
        BrokenError: `act.evidence_damaged` when they are gone or no longer the same.
    """
    path = evidence_path(folder, sha256)
    raw = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise BrokenError(
            "act.evidence_damaged",
            f"The evidence file {sha256} is {'changed' if raw else 'missing'} in its folder.",
            next_step="Bring the evidence folder back from a backup.",
        )
    return raw


def evidence_path(folder: Path, sha256: str) -> Path:
    """Return where the file with this hash is stored."""
    return folder / sha256[:2] / sha256


def lacking(needs: Mapping[str, int], has: Mapping[str, int]) -> str:
    """Say which evidence is still lacking, as `1 photo, 2 document`; empty when there is enough."""
    gaps = ((kind, least - has.get(kind, 0)) for kind, least in sorted(needs.items()))
    return ", ".join(f"{gap} {kind}" for kind, gap in gaps if gap > 0)


def _type_of(name: str, raw: bytes) -> _Type:
    found = _by_signature(raw) or _by_text(name, raw)
    suffix = PurePath(name).suffix.lower()
    if found is None or suffix not in found.suffixes:
        taken = ", ".join(s for t in _TYPES for s in t.suffixes)
        what = f"its content is {found.media_type}" if found else "its content is of another type"
        raise _refused(name, f"is not what its name says ({what}); {taken} are taken")
    return found


def _by_signature(raw: bytes) -> _Type | None:
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return _WEBP
    signatures = ((b"\xff\xd8\xff", _JPEG), (b"\x89PNG\r\n\x1a\n", _PNG), (b"%PDF-", _PDF))
    return next((found for start, found in signatures if raw.startswith(start)), None)


def _by_text(name: str, raw: bytes) -> _Type | None:
    try:
        is_text = "\x00" not in raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not is_text:
        return None
    return _CSV if name.lower().endswith(".csv") else _TEXT


def _store(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not (path.is_file() and path.read_bytes() == raw):
        put_whole(path, raw)
    # Without these the file's name could be lost, though its bytes are on the disk.
    for folder in (path.parent, path.parent.parent):
        sync_path(folder)


def _refused(name: str, problem: str) -> CaseError:
    return CaseError(
        "act.evidence_refused",
        f"The evidence file {name!r} {problem}.",
        next_step="Send another file.",
    )
