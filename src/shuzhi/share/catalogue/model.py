"""What the catalogue says about a data set, as frozen values.

The fields are the core metadata of the 政务信息资源目录编制指南(试行) of 2017, widened by what
DCAT-AP 3 and contracts (ODCS 3.1) know, so that local and harvested data sets stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant

LOCAL = "local"


class Sharing(StrEnum):
    """To whom inside government the data may go (政务数据共享条例, Arts 14-15)."""

    UNCONDITIONAL = "unconditional"  # 无条件
    CONDITIONAL = "conditional"  # 有条件
    WITHHELD = "withheld"  # 不予


class Openness(StrEnum):
    """Whether society may have the data (开放属性)."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    CLOSED = "closed"


class SharingMethod(StrEnum):
    """How a department receives the data; downloads only where the first four do not do."""

    DOCKING = "docking"  # 系统对接
    QUERY = "query"  # 在线查询
    VIEW = "view"  # 在线浏览
    SERVICE = "service"  # 服务调用
    DOWNLOAD = "download"  # 下载, 拷贝


class Grade(StrEnum):
    """Grade of the data (Data Security Law, Art 21); `general` is split further by `level`."""

    CORE = "core"
    IMPORTANT = "important"
    GENERAL = "general"


class Secrecy(StrEnum):
    """Secrets have no place here (政务数据共享条例, Arts 2-3): an entry that is one is refused."""

    NONE = "none"
    WORK = "work"
    STATE = "state"


class Cycle(StrEnum):
    """How often the data are brought up to date (更新周期)."""

    REAL_TIME = "real_time"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    TEN_DAYS = "ten_days"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    IRREGULAR = "irregular"
    NEVER = "never"


class Format(StrEnum):
    """In what form the provider keeps the data (信息资源格式)."""

    DATABASE = "database"
    SPREADSHEET = "spreadsheet"
    VECTOR = "vector"
    RASTER = "raster"
    DOCUMENT = "document"
    STREAM = "stream"
    SELF_DESCRIBED = "self_described"
    OTHER = "other"

    @property
    def is_structured(self) -> bool:
        """Whether the guide wants every data item with its type and length."""
        return self in (Format.DATABASE, Format.SPREADSHEET)


class ItemType(StrEnum):
    """Types of data items, by the guide's letters."""

    CHARACTER = "C"
    NUMERIC = "N"
    CURRENCY = "Y"
    DATE = "D"
    DATETIME = "T"
    LOGICAL = "L"
    MEMO = "M"
    GENERAL = "G"
    DOUBLE = "B"
    INTEGER = "I"
    FLOAT = "F"


class Rank(StrEnum):
    """Rank of a legal text; only the first three can hold data back (Arts 14-15)."""

    LAW = "law"  # 法律
    ADMINISTRATIVE_REGULATION = "administrative_regulation"  # 行政法规
    STATE_COUNCIL_DECISION = "state_council_decision"  # 国务院决定
    MINISTRY_RULE = "ministry_rule"  # 部门规章
    LOCAL_REGULATION = "local_regulation"  # 地方性法规
    LOCAL_RULE = "local_rule"  # 地方政府规章
    NORMATIVE_DOCUMENT = "normative_document"  # 规范性文件

    @property
    def may_withhold(self) -> bool:
        """Whether a text of this rank is enough to withhold data."""
        return self in (Rank.LAW, Rank.ADMINISTRATIVE_REGULATION, Rank.STATE_COUNCIL_DECISION)


@dataclass(frozen=True)
class Text:
    """The same words in Chinese and English; `other` is any third or undeclared language.

    Empty where there are none. Foreign catalogues often have one language only.
    """

    zh: str = ""
    en: str = ""
    other: str = ""

    def __bool__(self) -> bool:
        return bool(self.zh or self.en or self.other)

    def best(self, language: str = "zh") -> str:
        """Return the words in `language` ("zh" or "en"), else in whichever there is, else ""."""
        first, second = (self.en, self.zh) if language == "en" else (self.zh, self.en)
        return first or second or self.other

    def in_(self, language: str) -> str:
        """Return the words in `language` ("zh" or "en") alone, "" where there are none."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True)
class Provider:
    """The body that answers for the data; `id` is None for bodies outside our organisation."""

    id: PartyId | None = None
    title: Text = Text()
    credit_code: str | None = None


@dataclass(frozen=True)
class LegalBasis:
    """The text that holds data back or conditions them: its title, rank and article."""

    title: str
    rank: Rank
    article: str = ""


@dataclass(frozen=True)
class Item:
    """One data item (column); `length` in characters or digits, None where the type needs none."""

    name: str
    type: ItemType | None = None
    length: int | None = None
    title: Text = Text()


@dataclass(frozen=True)
class Distribution:
    """One way to get the data (DCAT Distribution). URLs as given, media types as in IANA."""

    title: Text = Text()
    description: Text = Text()
    access_url: str | None = None
    download_url: str | None = None
    media_type: str | None = None
    format: str | None = None
    byte_size: int | None = None
    license: str | None = None
    modified_at: Instant | None = None
    conforms_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contact:
    """Where questions go: an office, never a private person's address."""

    name: str = ""
    email: str | None = None
    phone: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Place:
    """Spatial coverage: a named place, a box, or both.

    `box` is west, south, east, north in degrees (CRS84); `geometry` is WKT or GeoJSON as given.
    """

    title: Text = Text()
    uri: str | None = None
    box: tuple[float, float, float, float] | None = None
    geometry: str | None = None


@dataclass(frozen=True)
class Period:
    """Temporal coverage; an open end is None."""

    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue.

    `id` is unique in the catalogue: the data set's name for local ones, `entry_id(origin,
    identifier)` for harvested ones, where `identifier` is what the source calls it. None or empty
    means that nobody has said. `code` is written in the scheme called `code_scheme`. `level` is
    the sector's own subdivision of the grade. `related_ids` are ids of this catalogue or URIs.
    """

    id: str
    title: Text
    provider: Provider = Provider()
    abstract: Text = Text()
    origin: str = LOCAL
    identifier: str | None = None
    code: str | None = None
    code_scheme: str = "guide_2017"
    format: Format | None = None
    format_note: str = ""
    items: tuple[Item, ...] = ()
    secrecy: Secrecy = Secrecy.NONE
    sharing: Sharing | None = None
    sharing_condition: Text = Text()
    sharing_method: SharingMethod | None = None
    legal_basis: LegalBasis | None = None
    openness: Openness | None = None
    open_condition: Text = Text()
    cycle: Cycle | None = None
    grade: Grade | None = None
    level: int | None = None
    themes: tuple[str, ...] = ()
    keywords: tuple[Text, ...] = ()
    published_on: date | None = None
    modified_at: Instant | None = None
    related_ids: tuple[str, ...] = ()
    license: str | None = None
    landing_page: str | None = None
    conforms_to: tuple[str, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    contract_name: str | None = None
    contract_version: str | None = None
    spatial: tuple[Place, ...] = ()
    temporal: tuple[Period, ...] = ()
    languages: tuple[str, ...] = ()
    contact: Contact | None = None

    @property
    def is_local(self) -> bool:
        """Whether this city provides the data set itself."""
        return self.origin == LOCAL


def entry_id(origin: str, identifier: str) -> str:
    """Return the catalogue id of what the catalogue `origin` calls `identifier`."""
    return identifier if origin == LOCAL else f"{origin}:{identifier}"
