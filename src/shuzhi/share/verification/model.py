"""Questions whether something holds of somebody, and their answers, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from shuzhi.kernel.instant import Instant

Claimed = str | int | float | bool


class How(StrEnum):
    """How a claim is compared: as a whole, by its first or last signs, masked, or nearly."""

    EXACT = "exact"
    FIRST = "first"
    LAST = "last"
    MASKED = "masked"
    NAME = "name"
    DATE = "date"


class Told(StrEnum):
    """What is told of a claim, and of a question over all its claims.

    Of a question: YES where all its claims hold, NO where none does, DIFFERS where some do.
    """

    YES = "yes"
    NO = "no"
    DIFFERS = "differs"
    NO_SUCH_SUBJECT = "no_such_subject"


class Claim(NamedTuple):
    """What is said to hold of one column; `within_days` belongs to the comparison DATE."""

    column: str
    value: Claimed
    how: How = How.EXACT
    within_days: int = 0


class Question(NamedTuple):
    """What a party asks under an agreement, for a purpose, of the subject with an id."""

    agreement: int
    purpose: str
    role: str
    subject: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What is told of one claim; `reason` is a key of `words.REASONS`.

    There are a handful of them, each made once; they are told apart by what they are.
    """

    told: Told
    reason: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """Which version of the data set an answer stands on, and when it was committed."""

    dataset: str
    version: int
    committed_at: Instant


class Answer(NamedTuple):
    """What is told: over all, and of each claim in their order. Never a value that is held."""

    told: Told
    verdicts: tuple[Verdict, ...]
    as_of: AsOf
