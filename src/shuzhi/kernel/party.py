"""Parties and the four levels of government they stand at.

A party is a body (or a person) with rights and duties: provider, user or manager of data
(PROV Agent; 政务数据共享条例 names provider, user and authority).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from shuzhi.kernel.ids import PartyId


class Level(IntEnum):
    """Level of government; a smaller number stands higher."""

    NATION = 1
    CITY = 2
    DISTRICT = 3
    TOWN = 4

    @property
    def superior(self) -> Level | None:
        """The level to which this one escalates; None above the nation."""
        return Level(self - 1) if self > Level.NATION else None


class Role(StrEnum):
    """What a party is in one exchange of data."""

    PROVIDER = "provider"
    USER = "user"
    MANAGER = "manager"


@dataclass(frozen=True)
class Party:
    """A body with rights and duties in the platform.

    `title_zh` and `title_en` are for people; `credit_code` is the 18-character unified social
    credit code (GB 32100) where there is one; `superior_id` is the body above it.
    """

    id: PartyId
    title_zh: str
    title_en: str
    level: Level
    credit_code: str | None = None
    superior_id: PartyId | None = None
