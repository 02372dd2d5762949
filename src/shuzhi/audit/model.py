"""One line of the log: what was done, when, by whom, to what.

An entry is canonical JSON, so that the same fact is always the same bytes and the same hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shuzhi.audit.errors import AuditError
from shuzhi.kernel.instant import Instant

# The length of an entry stands in two bytes of its bundle (C2SP tlog-tiles, entry bundles).
MOST_BYTES = 65_535
_KIND = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_MOST_DEPTH = 20


@dataclass(frozen=True)
class Entry:
    """`kind` is `room.verb_past`; `facts` hold texts, whole numbers, yes or no, lists, mappings.

    Decimals are written as texts; personal data does not belong here, for nothing can be taken
    out again.

    Raises:
        AuditError: `audit.bad_entry` for a bad kind, a float, a key that is no text, or more than
            65,535 bytes.
    """

    kind: str
    at: Instant
    by: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise _bad(f"its kind {self.kind[:60]!r} is not written `room.verb_past`")
        _require_plain(self.facts, 0)
        if len(numbered(self.canonical(), 2**62)) > MOST_BYTES:
            raise _bad(f"it is longer than {MOST_BYTES:,} bytes")

    def canonical(self) -> bytes:
        """Return the entry as canonical JSON, as it was when it was made."""
        return self._canonical

    @cached_property
    def _canonical(self) -> bytes:
        content = {
            "at": self.at.isoformat(),
            "by": self.by,
            "facts": dict(self.facts),
            "kind": self.kind,
            "subject": self.subject,
        }
        return canonical_json(content)


def canonical_json(content: Any) -> bytes:
    """Return `content` as canonical JSON: keys sorted, no spaces, UTF-8 (as RFC 8785, no floats).

    Raises:
        AuditError: `audit.bad_entry` for a text that is not Unicode.
    """
    text = json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _bad("a text in it is not Unicode") from None


def numbered(canonical: bytes, number: int) -> bytes:
    """Return what stands in the log: the entry with the number that the outbox gave it."""
    return b'{"entry":%b,"no":%d}' % (canonical, number)


def number_of(raw: bytes) -> int:
    """Return the number of an entry in the log; 0 for bytes that did not come from the outbox."""
    try:
        content = json.loads(raw)
    except ValueError:
        return 0
    number = content.get("no") if isinstance(content, dict) else None
    return number if isinstance(number, int) else 0


def _require_plain(value: Any, depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise _bad(f"its facts nest more than {_MOST_DEPTH} levels deep")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise _bad(f"a key of its facts is no text but {type(key).__name__}")
            _require_plain(inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _require_plain(inner, depth + 1)
    elif not (value is None or isinstance(value, (str, bool, int))):
        raise _bad(f"a fact is a {type(value).__name__}; write numbers with decimals as texts")


def _bad(why: str) -> AuditError:
    return AuditError(
        "audit.bad_entry",
        f"This cannot be an entry of the audit log: {why}.",
        next_step="Correct the entry; the change that it belongs to was not made either.",
    )
