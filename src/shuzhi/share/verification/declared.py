"""What a city declares of verification: which columns can be asked about, and the limits of asking.

The package's `limits.yaml` holds what counts where a city says nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictBool

from shuzhi.kernel.documents import StrictModel, read_document, shape
from shuzhi.share.verification.building import Wanted
from shuzhi.share.verification.model import How

FILE = "verification.yaml"
_BAD = "share.bad_verification_file"
_DEFAULTS = Path(__file__).with_name("limits.yaml")
_Share = Annotated[float, Field(gt=0, le=1)]
_Count = Annotated[int, Field(ge=1)]
_Likeness = Annotated[float, Field(ge=0, le=100)]


class Action(StrEnum):
    """What is done about what looks like fishing."""

    WARN = "warn"
    SLOW = "slow"
    SUSPEND = "suspend"


class Rate(StrictModel):
    """A rate of questions, or of rows of lists: so many a second for long, so many at once."""

    per_second: Annotated[float, Field(gt=0)]
    at_once: _Count


class Names(StrictModel):
    """From which likeness names are the same, and from which they are near."""

    same_at: _Likeness
    near_at: _Likeness


class Guessing(StrictModel):
    """How many different claims about one subject may fail within some hours."""

    tries: _Count
    hours: Annotated[float, Field(gt=0)]
    action: Action


class Window(StrictModel):
    """Of how many of the newest questions shares are taken, and from how many on."""

    questions: _Count
    at_least: _Count


class ShareRule(StrictModel):
    """From which share of the window something is suspicious, and what is done then."""

    share: _Share
    action: Action


class Volume(StrictModel):
    """How many times the questions of a usual day are suspicious, and from how many on."""

    times: Annotated[float, Field(gt=1)]
    at_least: _Count
    action: Action


class Limits(StrictModel):
    """All limits; in a city's file, only those that differ."""

    agreement: Rate | None = None
    asker: Rate | None = None
    lists: Rate | None = None
    most_a_day: _Count | None = None
    most_of_a_batch: _Count | None = None
    names: Names | None = None
    guessing: Guessing | None = None
    window: Window | None = None
    enumeration: ShareRule | None = None
    absence: ShareRule | None = None
    misses: ShareRule | None = None
    volume: Volume | None = None
    slow_to: _Share | None = None
    hold_hours: Annotated[float, Field(gt=0)] | None = None

    def over(self, others: Limits) -> Limits:
        """Return these limits, and the others' where nothing is said here."""
        return others.model_copy(update={n: getattr(self, n) for n in self.model_fields_set})


class _Dataset(StrictModel):
    subject: str
    columns: Annotated[
        Mapping[str, Annotated[tuple[How, ...], Field(min_length=1)]], Field(min_length=1)
    ]
    rows: tuple[str, ...] = ()


class _Agreement(StrictModel):
    tells_absent: StrictBool = False
    limits: Limits = Limits()


class _File(StrictModel):
    datasets: Mapping[str, _Dataset]
    limits: Limits = Limits()
    agreements: Mapping[int, _Agreement] = {}


class Usual(StrictModel):
    """The package's own limits, and what stands behind them."""

    source: str
    verified: StrictBool
    limits: Limits


@dataclass(frozen=True)
class Verifiable:
    """What can be asked of a data set: whom rows are about, and each column's comparisons.

    `rows` are columns that only the conditions of grants look at.
    """

    dataset: str
    subject: str
    columns: Mapping[str, frozenset[How]]
    rows: tuple[str, ...] = ()

    @property
    def wanted(self) -> Wanted:
        """What its index holds."""
        return Wanted(self.dataset, self.subject, tuple(dict.fromkeys((*self.columns, *self.rows))))


@dataclass(frozen=True)
class Terms:
    """How an agreement is asked under; `tells_absent` tells no such subject apart from no."""

    limits: Limits
    tells_absent: bool = False


@dataclass(frozen=True)
class Declaration:
    """What a city declares."""

    datasets: Mapping[str, Verifiable]
    limits: Limits
    agreements: Mapping[int, Terms]

    def terms(self, agreement: int) -> Terms:
        """Return the terms of an agreement."""
        return self.agreements.get(agreement) or Terms(self.limits)


@cache
def usual() -> Usual:
    """Return the limits that count where a city says nothing else, and where they come from."""
    return shape(read_document(_DEFAULTS), Usual, code=_BAD)


def read_declaration(folder: Path) -> Declaration:
    """Return what the city in `folder` declares; nothing where it has no such file.

    Raises:
        DocumentError: `share.bad_verification_file` with file and line of all that is wrong.
    """
    path = folder / FILE
    if not path.is_file():
        return Declaration({}, usual().limits, {})
    read = shape(read_document(path), _File, code=_BAD)
    limits = read.limits.over(usual().limits)
    datasets = {
        name: Verifiable(
            name, d.subject, {c: frozenset(hows) for c, hows in d.columns.items()}, d.rows
        )
        for name, d in read.datasets.items()
    }
    agreements = {
        number: Terms(a.limits.over(limits), a.tells_absent)
        for number, a in read.agreements.items()
    }
    return Declaration(datasets, limits, agreements)
