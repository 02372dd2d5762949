"""What a visitor reads: words, numbers and times in the visitor's language and the city's zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from shuzhi.act.cases import Reading, Span, SpanUnit
from shuzhi.app import City
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, named_zone, parse_instant
from shuzhi.share.agreements import ClockRun
from shuzhi.web.pages.frame.languages import Words
from shuzhi.web.pages.frame.titles import Titles

# As a fact of the lake tells an instant.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_UNITS = ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"))


@dataclass(frozen=True)
class Reader:
    """One visitor's way of reading what a city holds."""

    city: City
    words: Words
    language: str

    @cached_property
    def now(self) -> Instant:
        """The instant of this look."""
        return self.city.clock()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The city's zone."""
        return named_zone(self.city.settings.city.zone)

    def t(self, key: str, **facts: object) -> str:
        """Return the text under `key`, with its places filled."""
        text = self.words[key][self.language]
        return text.format(**facts) if facts else text

    def word(self, section: str, name: object) -> str:
        """Return the text for a word of the domain; the word itself where a pack added it."""
        known = self.words.get(f"{section}.{name}")
        return str(name) if known is None else known[self.language]

    def knows(self, section: str, name: object) -> bool:
        """Tell whether there is a text for a word of the domain."""
        return f"{section}.{name}" in self.words

    def both(self, what: Any) -> str:
        """Return what bears its texts as `zh` and `en`, or as `title_zh` and `title_en`."""
        first, second = self.language, "en" if self.language == "zh" else "zh"
        texts = (
            getattr(what, f"{p}{lang}", "") for lang in (first, second) for p in ("", "title_")
        )
        return next((str(text) for text in texts if text), "")

    def party(self, party: str | None) -> str:
        """Return the name of a party, its id where nobody registered it."""
        found = self._organisation.get(PartyId(party)) if party else None
        return self.both(found) if found else (party or "")

    @cached_property
    def _organisation(self) -> Any:
        return self.city.organisation()

    @cached_property
    def titles(self) -> Titles:
        """What data sets and columns are called."""
        return Titles(self.city, self.language)

    def number(self, value: Any, decimals: int | None = None) -> str:
        """Return a number with its thousands parted; a dash where there is none."""
        if value is None:
            return "–"
        if decimals is not None:
            return f"{value:,.{decimals}f}"
        if isinstance(value, int):
            return f"{value:,}"
        if isinstance(value, Decimal):
            return f"{value:,f}"
        return f"{value:,.6g}" if isinstance(value, float) else str(value)

    def unit(self, code: str) -> str:
        """Return a unit (UCUM) as people write it: what is counted stands there in braces."""
        counted = code.removeprefix("{").removesuffix("}")
        return code if counted == code else self.word("unit", counted)

    def percent(self, share: float | Decimal | None, decimals: int = 2) -> str:
        """Return a share as a percentage that never rounds a fault away."""
        if share is None:
            return "–"
        shown, whole = f"{share * 100:.{decimals}f}", f"{100:.{decimals}f}"
        if share < 1 and shown == whole:
            shown = f"{100 - Decimal(10) ** -decimals:.{decimals}f}"
        return f"{shown} %"

    def local(self, at: datetime) -> datetime:
        """Return an instant on the city's wall clock."""
        return at.astimezone(self.zone)

    def moment(self, at: datetime | None) -> str:
        """Return an instant as text: day and minute."""
        if at is None:
            return "–"
        local = self.local(at)
        day = f"{local:%Y-%m-%d}" if self.language == "zh" else f"{local.day} {local:%b %Y}"
        return f"{day} {local:%H:%M}"

    def when(self, at: datetime | None) -> Markup:
        """Return an instant as a `time` element."""
        if at is None:
            return Markup("–")
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), self.moment(at))

    def ago(self, at: Instant | None) -> Markup:
        """Return how long ago an instant is, with the instant itself as its title."""
        if at is None:
            return Markup("–")
        said = self.t("time.ago", span=self.length(self.now - at))
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(), self.moment(at), said
        )

    def length(self, span: timedelta) -> str:
        """Return a length of time in its largest unit: 3 days, 18 hours."""
        span = abs(span)
        for size, name in _UNITS:
            if span >= size:
                return self.t(f"time.{name}", n=span // size)
        return self.t("time.under_a_minute")

    def due(self, at: datetime) -> str:
        """Return a deadline: the end of a working day is that day, not the midnight after it."""
        local = self.local(at)
        if local.time() != time():
            return self.moment(at)
        day = (local - timedelta(days=1)).date()
        week = self.t("time.weekdays").split()[day.weekday()]
        shown = f"{day}" if self.language == "zh" else f"{day.day} {day:%b %Y}"
        return self.t("time.end_of", day=shown, weekday=week)

    def due_told(self, text: str) -> str:
        """Return a deadline that a step of a history tells as text, as `due` does."""
        return self.due(parse_instant(text))

    def span(self, span: Span | None) -> str:
        """Return a span of a clock in its own unit: working days, office minutes, minutes."""
        if span is None:
            return "–"
        if span.unit is SpanUnit.WORKING_DAYS:
            return self.t("time.working_days", n=span.amount)
        hours, minutes = divmod(span.amount, 60)
        name = "office" if span.unit is SpanUnit.WORKING_MINUTES else "clock"
        return self.t(f"time.{name}_span", hours=hours, minutes=minutes)

    def left(self, reading: Reading) -> tuple[str, str]:
        """Return how a clock stands, as a class and in words."""
        if reading.state.value == "standing" and not reading.is_late:
            return "still", self.t("clock.stands")
        if reading.due_at is None:
            return "", self.t("clock.unknown")
        if reading.state.value == "ended":
            return ("late", self.t("clock.was_late")) if reading.is_late else (
                "good", self.t("clock.kept"))  # fmt: skip
        if reading.is_late:
            late = self.length(self.now - reading.due_at)
            return "late", self.t("clock.late", span=late)
        return self._until(reading.due_at)

    def term(self, run: ClockRun) -> tuple[str, str]:
        """Return how a clock of sharing stands, as a class and in words."""
        if run.ended_at is not None:
            return ("late", self.t("clock.was_late")) if run.broken_at else (
                "good", self.t("clock.kept"))  # fmt: skip
        if run.is_paused:
            return "still", self.t("clock.stands")
        if run.due_at is None:
            return "", self.t("clock.unknown")
        if run.due_at <= self.now:
            return "late", self.t("clock.late", span=self.length(self.now - run.due_at))
        return self._until(run.due_at)

    def _until(self, due_at: Instant) -> tuple[str, str]:
        left = due_at - self.now
        return ("soon" if left < _DAY else "good"), self.t("clock.left", span=self.length(left))

    def json(self, facts: Mapping[str, Any]) -> Markup:
        """Return facts as a list of names and values."""
        pairs = (Markup("<dt>{}</dt><dd>{}</dd>").format(k, self.fact(v)) for k, v in facts.items())
        return Markup('<dl class="facts">{}</dl>').format(Markup("").join(pairs))

    def fact(self, value: Any) -> str:
        """Return a value of a data set as it is; times on the city's clock."""
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self.t("plain.yes" if value else "plain.no")
        if isinstance(value, datetime) and value.tzinfo is not None:
            return self.moment(value)
        if isinstance(value, float):
            return f"{value:.6f}".rstrip("0").rstrip(".")
        text = str(value)
        if _INSTANT.fullmatch(text):
            with suppress(RefusedError):
                return self.moment(parse_instant(text))
        return text

    def marked(self, marked: Any) -> Markup:
        """Return a text with what met the search marked."""
        parts, last = [], 0
        for start, end in marked.marks:
            parts += [escape(marked.text[last:start]), Markup("<mark>{}</mark>").format(
                marked.text[start:end])]  # fmt: skip
            last = end
        return Markup("").join([*parts, escape(marked.text[last:])])
