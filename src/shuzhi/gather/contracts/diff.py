"""What changed between two versions of a contract: every difference, none judged here.

Lists of named things (columns, servers, service levels) are compared by name, so that moving one
is no change and renaming one is a removal and an addition: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from shuzhi.gather.contracts.impact import Impact, judge
from shuzhi.gather.contracts.model import Contract
from shuzhi.gather.contracts.odcs import write_contract
from shuzhi.kernel.documents import parse_document

Path = tuple[str, ...]
# By which key the things of a list are told apart, in the order of trial (ODCS 3.1).
_NAMES = ("name", "property", "server", "role", "channel", "username", "url", "value", "to", "id")
_ABSENT: Any = object()


class Kind(StrEnum):
    """What happened to a part of the contract."""

    ADDED = "added"
    REMOVED = "removed"
    UPDATED = "updated"


class Bump(IntEnum):
    """Which part of the version must rise (semantic versioning 2.0.0)."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True)
class Change:
    """One difference: `path` in the document, lists by name; `why` says who notices it."""

    path: Path
    kind: Kind
    impact: Impact
    why_en: str
    why_zh: str
    before: Any = None
    after: Any = None

    @property
    def where(self) -> str:
        """The path as people write it: `schema.orders.properties.region`."""
        return ".".join(self.path)

    @property
    def is_breaking(self) -> bool:
        """Whether who uses the data may have to change something."""
        return self.impact is Impact.BREAKING


_BUMPS = {
    Impact.BREAKING: Bump.MAJOR,
    Impact.STRICTER: Bump.MINOR,
    Impact.COMPATIBLE: Bump.MINOR,
    Impact.WORDS: Bump.PATCH,
}


def diff(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return every difference between two contracts, the breaking ones first, then by path."""
    return diff_documents(_document(old), _document(new))


def diff_documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return every difference between two ODCS documents, in the same order as `diff`."""
    found = _changes((), _keyed(old), _keyed(new))
    return tuple(sorted(found, key=lambda c: (c.impact, c.path)))


def required_bump(changes: tuple[Change, ...]) -> Bump:
    """Return which part of the version these changes ask to raise."""
    told = (c for c in changes if c.path != ("version",))
    return max((_BUMPS[c.impact] for c in told), default=Bump.NONE)


def _document(contract: Contract) -> dict[str, Any]:
    written = write_contract(contract).encode()
    return parse_document(written, file=contract.name).content


def _keyed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _keyed(inner) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    named: dict[str, Any] = {}
    for item in value:
        name, number = _name(item), 2
        while name in named:
            name, number = f"{_name(item)} ({number})", number + 1
        named[name] = _keyed(item)
    return named


def _name(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    named = next((str(item[key]) for key in _NAMES if item.get(key) is not None), None)
    # A quality rule without a name is known by what it measures.
    return named or " ".join(str(item[k]) for k in ("type", "metric", "rule") if k in item) or "?"


def _changes(path: Path, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _changes((*path, key), old.get(key, _ABSENT), new.get(key, _ABSENT))
    elif old is _ABSENT:
        yield _change(path, Kind.ADDED, None, new)
    elif new is _ABSENT:
        yield _change(path, Kind.REMOVED, old, None)
    elif (type(old), old) != (type(new), new):
        yield _change(path, Kind.UPDATED, old, new)


def _change(path: Path, kind: Kind, before: Any, after: Any) -> Change:
    impact, why_en, why_zh = judge(path, before, after)
    return Change(path, kind, impact, why_en, why_zh, before, after)
