"""What comes out of a foreign catalogue: entries, and every record that could not become one.

A record without an identifier or a title is refused with its place and reason; a fault that leaves
both is a warning and the entry is kept, because a poor entry still helps who searches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.catalogue.model import Entry

MOST_TEXT = 20_000
_PART = re.compile(r"\d{4}(-\d{2})?")


@dataclass(frozen=True)
class Flaw:
    """Something wrong with one record: its place in the document, the field, and the problem."""

    place: str
    field: str
    problem: str


@dataclass(frozen=True)
class Refused:
    """A record that could not become an entry, with all its flaws and its own text."""

    place: str
    flaws: tuple[Flaw, ...]
    record: str


@dataclass(frozen=True)
class Imported:
    """The outcome of reading one foreign catalogue; `flaws` belong to entries that were kept."""

    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...] = ()
    flaws: tuple[Flaw, ...] = ()


@dataclass
class Record:
    """One foreign record being read: typed look-ups that note a flaw instead of failing."""

    place: str
    content: dict[str, Any]
    flaws: list[Flaw] = field(default_factory=list)

    def note(self, name: str, problem: str) -> None:
        """Note a flaw of the field `name`."""
        self.flaws.append(Flaw(self.place, name, problem))

    def text(self, name: str) -> str:
        """Return a text; numbers become text with a flaw, anything else "" with a flaw."""
        value = self.content.get(name)
        if value is None or isinstance(value, str):
            return (value or "").strip()[:MOST_TEXT]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.note(name, f"is the number {value}, not a text")
            return str(value)
        self.note(name, f"is a {kind_of(value)}, not a text")
        return ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a single text counts as a list of one."""
        value = self.content.get(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        kept = tuple(str(i).strip() for i in items if isinstance(i, (str, int, float)))
        if len(kept) < len(items):
            self.note(name, f"holds {len(items) - len(kept)} values that are no texts")
        return tuple(dict.fromkeys(k for k in kept if k))

    def child(self, name: str) -> Record:
        """Return the object under `name`, the first of a list; an empty record when none."""
        return next(iter(self.children(name)), Record(f"{self.place}.{name}", {}, self.flaws))

    def children(self, name: str) -> Iterator[Record]:
        """Yield the objects under `name`; what is no object is noted."""
        value = self.content.get(name)
        items = value if isinstance(value, list) else [] if value is None else [value]
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield Record(f"{self.place}.{name}[{index}]", item, self.flaws)
            else:
                self.note(name, f"holds a {kind_of(item)} where an object belongs")

    def moment(self, name: str) -> Instant | None:
        """Return a date or date-time as an instant; a date alone begins at midnight UTC."""
        written = self.text(name)
        if not written:
            return None
        # Catalogues often date by year or month alone (xsd:gYear, xsd:gYearMonth).
        whole = written + "-01" * (2 - written.count("-")) if _PART.fullmatch(written) else written
        try:
            return parse_instant(whole, zone="UTC")
        except (RefusedError, OverflowError):
            self.note(name, f"{written[:40]!r} is no date")
            return None

    def day(self, name: str) -> date | None:
        """Return a date; of a date-time, its day."""
        moment = self.moment(name)
        return None if moment is None else datetime.date(moment)


def kind_of(value: object) -> str:
    """Return what JSON calls the type of `value`."""
    kinds = {dict: "object", list: "list", bool: "true/false", str: "text", type(None): "null"}
    return kinds.get(type(value), "number")


def gather_up(outcomes: Iterable[Entry | Refused], flaws: Iterable[Flaw]) -> Imported:
    """Return outcomes sorted into entries and refusals, with the flaws of what was kept.

    A second, different record with the same id is refused: it would hide the first.
    """
    entries: dict[str, Entry] = {}
    refused: list[Refused] = []
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            refused.append(outcome)
        elif outcome.id in entries and outcome != entries[outcome.id]:
            place = outcome.identifier or outcome.id
            flaw = Flaw(place, "identifier", "stands twice in this catalogue; the first was kept")
            refused.append(Refused(place, (flaw,), outcome.title.best()))
        else:
            entries[outcome.id] = outcome
    lost = {flaw for r in refused for flaw in r.flaws}
    kept = dict.fromkeys(flaw for flaw in flaws if flaw not in lost)
    return Imported(tuple(entries.values()), tuple(refused), tuple(kept))
