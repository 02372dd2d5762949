"""Entries from contracts: what ODCS 3.1 and its `customProperties` tell the catalogue.

The names under `CATALOGUE_PROPERTIES` are ours; a table's own properties go before those of its
contract. Names that are not listed belong to others and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

from shuzhi.gather.contracts import Contract, Field, LogicalType, Table
from shuzhi.kernel.ids import PartyId
from shuzhi.share.catalogue.errors import CatalogueError
from shuzhi.share.catalogue.model import (
    Contact,
    Cycle,
    Entry,
    Format,
    Grade,
    Item,
    ItemType,
    LegalBasis,
    Openness,
    Place,
    Provider,
    Rank,
    Secrecy,
    Sharing,
    SharingMethod,
    Text,
)
from shuzhi.share.parties import Organisation

# A text may be given as one text (its letters tell the language) or as {zh: …, en: …}.
CATALOGUE_PROPERTIES: Mapping[str, str] = MappingProxyType(
    {
        "titleZh": "Chinese name of the data set, a text",
        "abstract": "what the data set is, a text; else the description",
        "provider": "id of the party that answers for it",
        "classCode": "catalogue code",
        "codeScheme": "scheme of the code; else guide_2017",
        "format": "database, spreadsheet, vector, …; else database",
        "sharingType": "unconditional 无条件, conditional 有条件, withheld 不予",
        "sharingCondition": "scope and purpose of conditional sharing, a text",
        "sharingMethod": "docking, query, view, service, download",
        "legalBasis": "{title, rank, article}: what conditions or withholds it",
        "openType": "open 开放, conditional 有条件, closed 不予",
        "openCondition": "condition of conditional opening, a text",
        "updateCycle": "real_time 实时, day 每日, week 每周, month 每月, year 每年, …",
        "grade": "core 核心, important 重要, general 一般",
        "gradeLevel": "the sector's level inside the grade, a whole number",
        "secrecy": "none, work, state; secrets are refused",
        "theme": "one theme or a list",
        "keywords": "a list of texts, besides the contract's tags",
        "publishedOn": "day of publication, 2026-03-01",
        "relatedDatasets": "a list of ids or URIs",
        "license": "licence, a URI",
        "landingPage": "web page, a URL",
        "language": "language of the data, one or a list",
        "spatial": "name of the place covered, a text",
        "contact": "{name, email, phone, url} of an office",
    }
)

_SHARING = {
    "无条件": Sharing.UNCONDITIONAL,
    "有条件": Sharing.CONDITIONAL,
    "不予": Sharing.WITHHELD,
}
_OPENNESS = {
    "open": Openness.UNCONDITIONAL,
    "开放": Openness.UNCONDITIONAL,
    "无条件": Openness.UNCONDITIONAL,
    "有条件": Openness.CONDITIONAL,
    "不予": Openness.CLOSED,
}
_CYCLES = {
    "实时": Cycle.REAL_TIME,
    "hour": Cycle.HOURLY,
    "每小时": Cycle.HOURLY,
    "day": Cycle.DAILY,
    "每日": Cycle.DAILY,
    "week": Cycle.WEEKLY,
    "每周": Cycle.WEEKLY,
    "每旬": Cycle.TEN_DAYS,
    "month": Cycle.MONTHLY,
    "每月": Cycle.MONTHLY,
    "quarter": Cycle.QUARTERLY,
    "每季度": Cycle.QUARTERLY,
    "half_year": Cycle.HALF_YEARLY,
    "每半年": Cycle.HALF_YEARLY,
    "year": Cycle.YEARLY,
    "每年": Cycle.YEARLY,
    "不定期": Cycle.IRREGULAR,
}
_GRADES = {"核心": Grade.CORE, "重要": Grade.IMPORTANT, "一般": Grade.GENERAL}
_RANKS = {
    "法律": Rank.LAW,
    "行政法规": Rank.ADMINISTRATIVE_REGULATION,
    "国务院决定": Rank.STATE_COUNCIL_DECISION,
    "部门规章": Rank.MINISTRY_RULE,
    "地方性法规": Rank.LOCAL_REGULATION,
    "地方政府规章": Rank.LOCAL_RULE,
    "规范性文件": Rank.NORMATIVE_DOCUMENT,
}
_ITEM_TYPES = {
    LogicalType.STRING: ItemType.CHARACTER,
    LogicalType.TIME: ItemType.CHARACTER,
    LogicalType.DATE: ItemType.DATE,
    LogicalType.TIMESTAMP: ItemType.DATETIME,
    LogicalType.NUMBER: ItemType.DOUBLE,
    LogicalType.INTEGER: ItemType.INTEGER,
    LogicalType.BOOLEAN: ItemType.LOGICAL,
    LogicalType.OBJECT: ItemType.MEMO,
    LogicalType.ARRAY: ItemType.MEMO,
}
_TIME_LENGTH = len("08:30:00")
_LENGTH = re.compile(r"\(\s*(\d+)")
_HAN = re.compile(r"[\u3400-\u9fff]")
_Word = TypeVar("_Word", bound=Enum)


def from_contract(contract: Contract, table: Table, organisation: Organisation) -> Entry:
    """Return the entry of one of the contract's tables.

    What the contract does not say stays empty; whether the entry may stand so is for `publish`.

    Raises:
        CatalogueError: `share.bad_contract_properties` with every property that cannot be read.
    """
    given = _Properties({**contract.properties, **table.properties})
    entry = Entry(
        id=table.name,
        title=_title(contract, table, given),
        provider=_provider(given.plain("provider"), organisation),
        abstract=given.text("abstract") or _text(table.description or contract.description),
        code=given.plain("classCode"),
        code_scheme=given.plain("codeScheme") or "guide_2017",
        format=given.word("format", Format) or Format.DATABASE,
        items=tuple(_item(f) for f in table.fields),
        themes=given.list("theme"),
        keywords=tuple(_text(k) for k in dict.fromkeys((*contract.tags, *given.list("keywords")))),
        contract_name=contract.name,
        contract_version=contract.version,
        **_rights(given),
        **_links(given),
    )
    if given.problems:
        raise CatalogueError(
            "share.bad_contract_properties",
            f"The contract {contract.name!r} cannot be catalogued as {table.name!r}: "
            f"{'; '.join(given.problems)}.",
            next_step="Correct these customProperties of the contract.",
        )
    return entry


class _Properties:
    """Custom properties being read; what cannot be read is noted in `problems`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.problems: list[str] = []

    def plain(self, name: str) -> str | None:
        """Return a text, None where there is none."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return (value or "").strip() or None
        self._note(name, "is no text")
        return None

    def text(self, name: str) -> Text:
        """Return a text in one language or both."""
        value = self._values.get(name)
        if isinstance(value, Mapping):
            parts = self._mapping(name, ("zh", "en"))
            return Text(parts.get("zh", ""), parts.get("en", ""))
        return _text(self.plain(name) or "")

    def list(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; one text is a list of one."""
        value = self._values.get(name)
        items = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
        if not all(isinstance(item, str) for item in items):
            self._note(name, "is no list of texts")
            return ()
        return tuple(dict.fromkeys(item.strip() for item in items if item.strip()))

    def word(
        self, name: str, words: type[_Word], others: Mapping[str, _Word] = MappingProxyType({})
    ) -> _Word | None:
        """Return one of an enumeration's words, by its value or one of the `others`."""
        given = self.plain(name)
        return None if given is None else self._word(name, given, words, others)

    def number(self, name: str) -> int | None:
        """Return a whole number."""
        value = self._values.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self._note(name, "is no whole number")
        return None

    def day(self, name: str) -> date | None:
        """Return a day; YAML may have read it as one already."""
        value = self._values.get(name)
        if value is None or type(value) is date:
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self._note(name, f"{str(value)[:40]!r} is no day; write 2026-03-01")
            return None

    def basis(self) -> LegalBasis | None:
        """Return the legal basis; its rank is one of the words of `Rank` or 法律, 行政法规, …."""
        if self._values.get("legalBasis") is None:
            return None
        parts = self._mapping("legalBasis", ("title", "rank", "article"))
        rank = self._word("legalBasis.rank", parts.get("rank", ""), Rank, _RANKS)
        if rank is None or not parts.get("title"):
            self._note("legalBasis", "needs a title and a rank")
            return None
        return LegalBasis(parts["title"], rank, parts.get("article", ""))

    def contact(self) -> Contact | None:
        """Return the office to ask."""
        if self._values.get("contact") is None:
            return None
        parts = self._mapping("contact", ("name", "email", "phone", "url"))
        return Contact(
            parts.get("name", ""), parts.get("email"), parts.get("phone"), parts.get("url")
        )

    def _mapping(self, name: str, keys: tuple[str, ...]) -> dict[str, str]:
        value = self._values.get(name)
        if not isinstance(value, Mapping) or not set(value) <= set(keys):
            self._note(name, f"is no mapping of {', '.join(keys)}")
            return {}
        return {key: str(part).strip() for key, part in value.items() if part is not None}

    def _word(
        self, name: str, given: str, words: type[_Word], others: Mapping[str, _Word]
    ) -> _Word | None:
        known = {str(word.value): word for word in words} | dict(others)
        folded = given.lower().replace("-", "_").replace(" ", "_")
        # Forms write 无条件共享, 不予开放 and the like.
        bare = re.sub(r"(?<=.)(共享|开放)$", "", folded)
        if folded in known or bare in known:
            return known.get(folded, known.get(bare))
        self._note(name, f"{given[:40]!r} is none of {', '.join(known)}")
        return None

    def _note(self, name: str, problem: str) -> None:
        self.problems.append(f"{name} {problem}")


def _rights(given: _Properties) -> dict[str, Any]:
    return {
        "secrecy": given.word("secrecy", Secrecy) or Secrecy.NONE,
        "sharing": given.word("sharingType", Sharing, _SHARING),
        "sharing_condition": given.text("sharingCondition"),
        "sharing_method": given.word("sharingMethod", SharingMethod),
        "legal_basis": given.basis(),
        "openness": given.word("openType", Openness, _OPENNESS),
        "open_condition": given.text("openCondition"),
        "cycle": given.word("updateCycle", Cycle, _CYCLES),
        "grade": given.word("grade", Grade, _GRADES),
        "level": given.number("gradeLevel"),
    }


def _links(given: _Properties) -> dict[str, Any]:
    place = given.text("spatial")
    return {
        "published_on": given.day("publishedOn"),
        "related_ids": given.list("relatedDatasets"),
        "license": given.plain("license"),
        "landing_page": given.plain("landingPage"),
        "languages": given.list("language"),
        "spatial": (Place(place),) if place else (),
        "contact": given.contact(),
    }


def _title(contract: Contract, table: Table, given: _Properties) -> Text:
    named = _text(table.title)
    chinese = table.title_zh or (given.plain("titleZh") if len(contract.tables) == 1 else None)
    return Text(zh=chinese or named.zh, en=named.en) or Text(en=table.name)


def _provider(party_id: str | None, organisation: Organisation) -> Provider:
    if party_id is None:
        return Provider()
    party = organisation.get(PartyId(party_id))
    if party is None:
        return Provider(PartyId(party_id))
    return Provider(party.id, Text(party.title_zh, party.title_en), party.credit_code)


def _item(field: Field) -> Item:
    named = _text(field.title)
    title = Text(zh=field.title_zh or named.zh, en=named.en)
    return Item(field.name, _item_type(field), _length(field), title)


def _item_type(field: Field) -> ItemType:
    if field.logical_type is LogicalType.NUMBER and _written_length(field):
        return ItemType.NUMERIC
    return _ITEM_TYPES[field.logical_type]


def _length(field: Field) -> int | None:
    if field.logical_type is LogicalType.TIME:
        return _TIME_LENGTH
    longest = max((len(str(value)) for value in field.allowed_values), default=None)
    return field.bounds.max_length or _written_length(field) or longest


def _written_length(field: Field) -> int | None:
    found = _LENGTH.search(field.physical_type or "")
    return int(found[1]) if found else None


def _text(words: str) -> Text:
    words = words.strip()
    return Text(zh=words) if _HAN.search(words) else Text(en=words)
