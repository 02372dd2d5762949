"""Reads what a folder declares, every file by the parser of the room that it is for.

All findings of all files are gathered before anything is refused, so that whoever writes a pack
mends them in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from shuzhi.kernel.documents import DocumentError, Finding, read_document, shape
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import Law
from shuzhi.packs.checking import cross_findings
from shuzhi.packs.functions import read_functions
from shuzhi.packs.installed import installed_packs
from shuzhi.packs.kinds import ALSO_THERE, FUNCTIONS, KINDS, LAW, MANIFEST, MESSAGES, PARTIES
from shuzhi.packs.messages import read_messages
from shuzhi.packs.model import Declared, Manifest, Pack
from shuzhi.packs.names import Names, Others, meant
from shuzhi.share.parties.parties_yaml import read_parties_file

_CODE = "packs.bad_pack"
Result = TypeVar("Result")


def installed_pack(pack_id: str) -> Pack:
    """Return an installed pack.

    Raises:
        RefusedError: `packs.no_such_pack`; DocumentError as `read_pack`.
    """
    packs = installed_packs()
    if pack_id in packs:
        return read_pack(packs[pack_id])
    raise RefusedError(
        "packs.no_such_pack",
        f"There is no scenario pack {pack_id[:60]!r}.",
        next_step=meant(pack_id, packs),
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


def read_manifest(folder: Path) -> Manifest:
    """Return what the pack in `folder` says of itself; nothing else of it is read.

    Raises:
        DocumentError: `kernel.bad_document`, `packs.bad_pack`.
    """
    return _manifest(folder / MANIFEST)


def read_declared(folder: Path) -> Declared:
    """Return what a city's own `folder` declares. Raises as `read_pack`."""
    read = Reading(folder)
    if read.findings:
        raise DocumentError(_CODE, tuple(read.findings))
    return read.declared


def examine(folder: Path) -> tuple[Pack | None, tuple[Finding, ...]]:
    """Return the pack as far as it can be read, and everything that is wrong with it."""
    read = Reading(folder)
    manifest = next(iter(read.tried(_manifest, folder / MANIFEST)), None)
    findings = (*read.findings, *_strangers(folder))
    if manifest is None:
        return None, findings
    pack = Pack(manifest, read.declared)
    others = Others(each for each in installed_packs().values() if each != folder)
    return pack, (*findings, *cross_findings(Names(pack, others, read.unread)))


class Reading:
    """A folder as far as it can be read, what is wrong with the rest, and what that is called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.findings: list[Finding] = []
        self.unread: set[tuple[str, str]] = set()
        self._files: dict[tuple[str, str], Path] = {}
        found = {key: self._named(key) for key in KINDS}
        self.declared = Declared(
            folder,
            **found,
            messages=self._tried_if_there(MESSAGES, read_messages, {}),
            functions=self._tried_if_there(FUNCTIONS, read_functions, {}),
            files=self._files,
            law=self._tried_if_there(LAW, Law.load, Law({})),
            parties=self._tried_if_there(PARTIES, _parties_file, ()),
        )

    def _tried_if_there(self, name: str, read: Callable[[Path], Result], none: Result) -> Result:
        path = self._folder / name
        if not path.exists():
            return none
        made = self.tried(read, path)
        if not made:
            self.unread.add((name, name))
        return made[0] if made else none

    def tried(self, read: Callable[[Path], Result], path: Path) -> list[Result]:
        """Return what `read` makes of the file, or nothing and note why."""
        try:
            return [read(path)]
        except DocumentError as error:
            self.findings += error.findings
        except RefusedError as error:
            problem = f"{error.message} {error.next_step}".strip()
            self.findings.append(Finding(str(path), 1, "", problem))
        except OSError as error:
            self.findings.append(Finding(str(path), 1, "", f"cannot be read ({error.strerror})"))
        return []

    def _named(self, key: str) -> dict[str, Any]:
        kind, named = KINDS[key], dict[str, Any]()
        for path in sorted(self._folder.glob(kind.pattern)):
            read = self.tried(kind.read, path)
            if not read:
                self.unread.add((key, path.name.partition(".")[0]))
            for thing in read:
                name = kind.name(thing)
                if name in named:
                    problem = f"repeats the name {name!r} of {self._files[key, name].name}"
                    self.findings.append(Finding(str(path), 1, "name", problem))
                named[name], self._files[key, name] = thing, path
        return named


def _parties_file(path: Path) -> tuple[Path, ...]:
    read_parties_file(path)
    return (path,)


def _manifest(path: Path) -> Manifest:
    return shape(read_document(path), Manifest, code=_CODE)


def _strangers(folder: Path) -> Iterator[Finding]:
    known = (*(kind.pattern for kind in KINDS.values()), *ALSO_THERE)
    expected = {path for pattern in known for path in folder.glob(pattern)}
    for path in sorted(folder.rglob("*")):
        is_noise = "__pycache__" in path.parts or path.is_dir()
        if not is_noise and path not in expected:
            problem = f"belongs to no kind of file that a pack holds ({', '.join(known)})"
            yield Finding(str(path), 1, "", problem)
