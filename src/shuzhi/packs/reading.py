"""Reads what a folder declares, every file by the parser of the room that it is for.

All findings of all files are gathered before anything is refused, so that whoever writes a pack
mends them in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shuzhi.act.cases import CaseKind, parse_case_kind
from shuzhi.decide.models import read_model
from shuzhi.gather.contracts import read_contract
from shuzhi.gather.sources import read_source
from shuzhi.kernel.documents import DocumentError, Finding, read_document, shape
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law
from shuzhi.packs.checking import cross_findings
from shuzhi.packs.model import Declared, Manifest, Pack
from shuzhi.share.parties.parties_yaml import read_parties_file

MANIFEST = "pack.yaml"
_CODE = "packs.bad_pack"


def _read_case_kind(path: Path) -> CaseKind:
    return parse_case_kind(path.read_bytes(), file=str(path))


@dataclass(frozen=True)
class _Kind:
    """Files of one kind: where they stand, who reads them, under which name they are known."""

    pattern: str
    read: Callable[[Path], Any]
    name: Callable[[Any], str]


_KINDS: Mapping[str, _Kind] = {
    "contracts": _Kind("contracts/*.odcs.yaml", read_contract, lambda c: str(c.name)),
    "sources": _Kind("sources/*.yaml", read_source, lambda s: str(s.name)),
    "models": _Kind("models/*.sql", read_model, lambda m: str(m.name)),
    "case_kinds": _Kind("cases/*.yaml", _read_case_kind, lambda k: str(k.id)),
}
_ALSO_THERE = (
    "law/*.yaml",
    "parties.yaml",
    MANIFEST,
    "messages/*.yaml",
    "examples/*.yaml",
    "README.md",
    "functions.py",
    "__init__.py",
)


def read_pack(folder: Path) -> Pack:
    """Return the pack in `folder`.

    Raises:
        DocumentError: `packs.bad_pack` with every finding in every file.
    """
    pack, findings = examine(folder)
    if pack is None or findings:
        raise DocumentError(_CODE, findings)
    return pack


def read_declared(folder: Path) -> Declared:
    """Return what a city's own `folder` declares. Raises as `read_pack`."""
    findings: list[Finding] = []
    declared = _declared(folder, findings)
    if findings:
        raise DocumentError(_CODE, tuple(findings))
    return declared


def examine(folder: Path) -> tuple[Pack | None, tuple[Finding, ...]]:
    """Return the pack as far as it can be read, and everything that is wrong with it."""
    findings: list[Finding] = []
    manifest = next(iter(_tried(_manifest, folder / MANIFEST, findings)), None)
    declared = _declared(folder, findings)
    findings += _strangers(folder)
    if manifest is None:
        return None, tuple(findings)
    pack = Pack(manifest, declared)
    return pack, (*findings, *cross_findings(pack))


def _declared(folder: Path, findings: list[Finding]) -> Declared:
    found = {key: _named(folder, kind, findings) for key, kind in _KINDS.items()}
    law = [law for path in folder.glob("law") for law in _tried(Law.load, path, findings)]
    parties = folder / "parties.yaml"
    is_there = parties.is_file() and bool(_tried(read_parties_file, parties, findings))
    return Declared(
        folder, **found, law=next(iter(law), Law({})), parties=(parties,) if is_there else ()
    )


def _named(folder: Path, kind: _Kind, findings: list[Finding]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for path in sorted(folder.glob(kind.pattern)):
        for thing in _tried(kind.read, path, findings):
            name = kind.name(thing)
            if name in named:
                findings.append(Finding(str(path), 1, "name", f"repeats the name {name!r}"))
            named[name] = thing
    return named


def _tried(read: Callable[[Path], Any], path: Path, findings: list[Finding]) -> list[Any]:
    try:
        return [read(path)]
    except DocumentError as error:
        findings += error.findings
    except RefusedError as error:
        findings.append(Finding(str(path), 1, "", f"{error.message} {error.next_step}".strip()))
    return []


def _manifest(path: Path) -> Manifest:
    return shape(read_document(path), Manifest, code=_CODE)


def _strangers(folder: Path) -> Iterator[Finding]:
    known = (*(kind.pattern for kind in _KINDS.values()), *_ALSO_THERE)
    expected = {path for pattern in known for path in folder.glob(pattern)}
    for path in sorted(folder.rglob("*")):
        is_noise = "__pycache__" in path.parts or path.is_dir()
        if not is_noise and path not in expected:
            problem = f"belongs to no kind of file that a pack holds ({', '.join(known)})"
            yield Finding(str(path), 1, "", problem)
