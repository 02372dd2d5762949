"""Masks as data: what of a value is shown to a role for a purpose, by the grade of its column.

No rule, no mask; no mask, no data. The first rule that fits counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from shuzhi.gather.contracts import LogicalType

_TEXT_OR_WHOLE = frozenset({LogicalType.STRING, LogicalType.INTEGER})
_NUMBERS = frozenset({LogicalType.NUMBER, LogicalType.INTEGER})
_DAYS = frozenset({LogicalType.DATE, LogicalType.TIMESTAMP})
_TEXTS = frozenset({LogicalType.STRING})
_ANY = frozenset(LogicalType)


@dataclass(frozen=True)
class Keep:
    """The value as it is."""

    fits = _ANY


@dataclass(frozen=True)
class Partial:
    """The first and last characters, and three stars for whatever lies between.

    A value with no more characters than would be shown is three stars.
    """

    first: int
    last: int
    fits = _TEXT_OR_WHOLE


@dataclass(frozen=True)
class Hashed:
    """A pseudonym: the same for the same value and assignee, by a key that the city keeps.

    Two assignees cannot join theirs. How often a value occurs can still be seen.
    """

    fits = _TEXT_OR_WHOLE


@dataclass(frozen=True)
class DateTo:
    """A day or moment cut down to the `part` (year, quarter, month, day) that it lies in."""

    part: str
    fits = _DAYS


@dataclass(frozen=True)
class NumberTo:
    """A number cut down to a multiple of `step`."""

    step: Decimal
    fits = _NUMBERS


@dataclass(frozen=True)
class AddressTo:
    """An address up to and with the first of `endings` (区, 街道, …); missing if it has none."""

    endings: tuple[str, ...]
    fits = _TEXTS


@dataclass(frozen=True)
class Nothing:
    """The column is there, and every value missing."""

    fits = _ANY


Mask: TypeAlias = Keep | Partial | Hashed | DateTo | NumberTo | AddressTo | Nothing
KEEP = Keep()


@dataclass(frozen=True)
class MaskRule:
    """One rule; None where the rule says that any grade, kind, role or purpose fits."""

    mask: Mask
    grades: frozenset[str] | None
    roles: frozenset[str] | None
    purposes: frozenset[str] | None
    kinds: frozenset[str] | None = None

    def fits_asker(self, role: str, purpose: str) -> bool:
        """Whether the rule speaks of somebody in that role with that purpose."""
        return (self.roles is None or role in self.roles) and (
            self.purposes is None or purpose in self.purposes
        )

    def fits_column(self, grade: str, kind: str | None) -> bool:
        """Whether the rule speaks of a column of that grade and kind."""
        return (self.grades is None or grade in self.grades) and (
            self.kinds is None or kind in self.kinds
        )


@dataclass(frozen=True)
class MaskTable:
    """A city's masks: rules in their order."""

    id: str
    rules: tuple[MaskRule, ...]

    def of(self, role: str, purpose: str) -> MaskTable:
        """Return the part of the table that speaks of that role and purpose."""
        return MaskTable(self.id, tuple(r for r in self.rules if r.fits_asker(role, purpose)))

    def mask(self, grade: str, kind: str | None) -> Mask | None:
        """Return the mask of the first rule that fits the column; None when none does."""
        return next((rule.mask for rule in self.rules if rule.fits_column(grade, kind)), None)
