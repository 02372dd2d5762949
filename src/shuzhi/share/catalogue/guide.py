"""Rules of the 政务信息资源目录编制指南(试行) of 2017 and of 政务数据共享条例.

Everything here is pure: an entry and what is known around it go in, findings come out. Limits
whose source is weak (name and abstract lengths, item lengths) only warn and are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from shuzhi.kernel.instant import Instant
from shuzhi.share.catalogue.model import Cycle, Entry, Item, ItemType, Openness, Secrecy, Sharing
from shuzhi.share.parties import Organisation, is_credit_code


class Severity(StrEnum):
    """Whether a finding keeps the entry out of the catalogue."""

    REFUSAL = "refusal"
    WARNING = "warning"


@dataclass(frozen=True)
class EntryFinding:
    """One thing wrong with an entry: a stable code, the field, what is wrong and what to do."""

    code: str
    field: str
    message: str
    severity: Severity = Severity.REFUSAL

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True)
class CodeScheme:
    """How catalogue codes are written in one place (DB51/T 2847 and others differ)."""

    name: str
    pattern: str
    example: str

    def accepts(self, code: str) -> bool:
        """Whether `code` is well formed in this scheme."""
        return re.fullmatch(self.pattern, code) is not None


# 类 1 digit (1 base, 2 theme, 3 department), 项 2, 目 3, 细目 any, then a slash and the sequence.
GUIDE_2017 = CodeScheme("guide_2017", r"[123][0-9]{5}[0-9]*/[0-9]+", "307012/000041")
SCHEMES: Mapping[str, CodeScheme] = MappingProxyType({GUIDE_2017.name: GUIDE_2017})


@dataclass(frozen=True)
class Limits:
    """Lengths in characters, of the Chinese words; from a ministry's form, not from the guide."""

    title_most: int = 50
    abstract_most: int = 256


_NEEDS_LENGTH = frozenset({ItemType.CHARACTER, ItemType.NUMERIC, ItemType.CURRENCY})


def validate(
    entry: Entry,
    organisation: Organisation,
    *,
    same_title_ids: tuple[str, ...] = (),
    limits: Limits = Limits(),
    schemes: Mapping[str, CodeScheme] = SCHEMES,
) -> tuple[EntryFinding, ...]:
    """Return everything wrong with `entry`, refusals first.

    `same_title_ids` are other entries of the same provider with the same title. An entry from
    elsewhere is only refused without identifier or title, or when it is a secret; what else is
    wrong with it are warnings, for its publisher cannot be told to mend it here.
    """
    found = [
        *_identity(entry),
        *_secrecy(entry),
        *_demoted(entry, _provider(entry, organisation)),
        *_demoted(entry, _sharing(entry)),
        *_demoted(entry, _items(entry)),
        *_code(entry, schemes),
        *_wording(entry, same_title_ids, limits),
    ]
    return tuple(sorted(found, key=lambda f: f.severity is Severity.WARNING))


_CYCLE_LENGTHS: Mapping[Cycle, timedelta] = MappingProxyType(
    {
        Cycle.REAL_TIME: timedelta(minutes=15),
        Cycle.HOURLY: timedelta(hours=1),
        Cycle.DAILY: timedelta(days=1),
        Cycle.WEEKLY: timedelta(days=7),
        Cycle.TEN_DAYS: timedelta(days=11),
        Cycle.MONTHLY: timedelta(days=31),
        Cycle.QUARTERLY: timedelta(days=92),
        Cycle.HALF_YEARLY: timedelta(days=184),
        Cycle.YEARLY: timedelta(days=366),
    }
)


def is_stale(
    cycle: Cycle | None, data_at: Instant | None, *, now: Instant, cycles_allowed: float = 2.0
) -> bool:
    """Whether the newest data (`data_at`) are older than `cycles_allowed` update cycles.

    False where `stale_from` is None.
    """
    since = stale_from(cycle, data_at, cycles_allowed=cycles_allowed)
    return since is not None and now > since


def stale_from(
    cycle: Cycle | None, data_at: Instant | None, *, cycles_allowed: float = 2.0
) -> Instant | None:
    """Return when data that were newest at `data_at` become older than the cycle allows.

    None where the cycle sets no date (irregular, never, unknown) or no data time is known.
    Two cycles are our choice: one to collect, one to deliver; the guide names no number.
    """
    length = _CYCLE_LENGTHS.get(cycle) if cycle else None
    return None if length is None or data_at is None else Instant(data_at + length * cycles_allowed)


def _identity(entry: Entry) -> Iterator[EntryFinding]:
    if not entry.id.strip() or (not entry.is_local and not (entry.identifier or "").strip()):
        yield EntryFinding("no_identifier", "identifier", "is missing; give the data set an id")
    if not entry.title:
        yield EntryFinding("no_title", "title", "is missing; give the data set a name")


def _secrecy(entry: Entry) -> Iterator[EntryFinding]:
    if entry.secrecy is not Secrecy.NONE:
        yield EntryFinding(
            "secret",
            "secrecy",
            f"is a {entry.secrecy} secret; secrets do not belong in this catalogue "
            "(政务数据共享条例 Arts 2-3)",
        )


def _provider(entry: Entry, organisation: Organisation) -> Iterator[EntryFinding]:
    provider = entry.provider
    if provider.id is None and entry.is_local:
        yield EntryFinding("no_provider", "provider", "is missing; name the body that answers")
    if provider.id is not None and provider.id not in organisation:
        yield EntryFinding(
            "unknown_provider",
            "provider",
            f"{provider.id!r} is not in the organisation; register it or correct the id",
        )
    if provider.credit_code is not None and not is_credit_code(provider.credit_code):
        yield EntryFinding(
            "bad_credit_code",
            "provider.credit_code",
            f"{provider.credit_code[:30]!r} is no unified social credit code (GB 32100)",
        )


def _sharing(entry: Entry) -> Iterator[EntryFinding]:
    if entry.sharing is None:
        yield EntryFinding(
            "no_sharing", "sharing", "is missing; write unconditional, conditional or withheld"
        )
    if entry.sharing is Sharing.CONDITIONAL and not entry.sharing_condition:
        yield EntryFinding(
            "no_condition",
            "sharing_condition",
            "is missing; conditional sharing lists its scope and purpose (政务数据共享条例 Art 15)",
        )
    if entry.sharing is Sharing.WITHHELD:
        yield from _basis(entry)
    if entry.openness is Openness.CONDITIONAL and not entry.open_condition:
        yield EntryFinding("no_open_condition", "open_condition", "is missing; say what it is")


def _basis(entry: Entry) -> Iterator[EntryFinding]:
    if entry.legal_basis is None or not entry.legal_basis.title.strip():
        yield EntryFinding(
            "no_legal_basis",
            "legal_basis",
            "is missing; withheld data cite the law, administrative regulation or State Council "
            "decision that says so (政务数据共享条例 Art 15)",
        )
    elif not entry.legal_basis.rank.may_withhold:
        yield EntryFinding(
            "weak_legal_basis",
            "legal_basis",
            f"is of rank {entry.legal_basis.rank}; only a law, an administrative regulation or a "
            "State Council decision can withhold data (政务数据共享条例 Art 15)",
        )


def _items(entry: Entry) -> Iterator[EntryFinding]:
    if entry.format is None or not entry.format.is_structured:
        return
    if not entry.items:
        yield EntryFinding("no_items", "items", f"are missing; a {entry.format} lists its items")
    names = [item.name for item in entry.items]
    for i, item in enumerate(entry.items):
        yield from _item(item, f"items.{i}")
        if item.name in names[:i]:
            yield EntryFinding("item_twice", f"items.{i}", f"{item.name!r} is listed twice")


def _item(item: Item, where: str) -> Iterator[EntryFinding]:
    if item.type is None:
        yield EntryFinding("no_item_type", where, f"{item.name!r} has no type; use C, N, D, T, …")
    if item.type in _NEEDS_LENGTH and item.length is None:
        yield EntryFinding(
            "no_item_length", where, f"{item.name!r} has no length", Severity.WARNING
        )
    if item.length is not None and item.length <= 0:
        yield EntryFinding("bad_item_length", where, f"{item.name!r} has length {item.length}")


def _code(entry: Entry, schemes: Mapping[str, CodeScheme]) -> Iterator[EntryFinding]:
    if entry.code is None:
        return
    scheme = schemes.get(entry.code_scheme)
    if scheme is None:
        problem = f"is written in {entry.code_scheme!r}, a scheme that is not known here"
        yield EntryFinding("unknown_code_scheme", "code_scheme", problem, Severity.WARNING)
    elif not scheme.accepts(entry.code):
        yield EntryFinding(
            "bad_code",
            "code",
            f"{entry.code[:40]!r} does not follow {scheme.name}, as {scheme.example} does",
            Severity.REFUSAL if entry.is_local else Severity.WARNING,
        )


def _wording(
    entry: Entry, same_title_ids: tuple[str, ...], limits: Limits
) -> Iterator[EntryFinding]:
    if same_title_ids:
        problem = f"is also that of {', '.join(same_title_ids[:3])} of the same provider"
        yield EntryFinding("same_title", "title", problem, Severity.WARNING)
    for field, words, most in (
        ("title", entry.title.zh, limits.title_most),
        ("abstract", entry.abstract.zh, limits.abstract_most),
    ):
        if len(words) > most:
            problem = f"has {len(words)} characters, more than {most}"
            yield EntryFinding("too_long", field, problem, Severity.WARNING)


def _demoted(entry: Entry, findings: Iterator[EntryFinding]) -> Iterator[EntryFinding]:
    if entry.is_local:
        yield from findings
        return
    for f in findings:
        yield EntryFinding(f.code, f.field, f.message, Severity.WARNING)
