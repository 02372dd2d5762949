"""Law parameters: numbers that law sets, each with its legal basis and the day it holds from.

No deadline or limit stands in code: it is read from YAML and asked for by date, so that a case of
last year is still computed by last year's law. `is_verified` is true only where the number was
read in the full text of the law.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from pydantic import Field, StrictBool

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    read_document,
    shape,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.units import unit

_CODE = "kernel.bad_law"


class LawUnit(StrEnum):
    """What a law counts; a limit that it sets on a measured value has a UCUM code instead."""

    WORKING_DAYS = "working_days"
    DAYS = "days"
    HOURS = "hours"
    MONTHS = "months"
    YEARS = "years"
    COUNT = "count"
    SHARE = "share"


_WHOLE = frozenset(LawUnit) - {LawUnit.SHARE}


class LegalBasis(StrictModel):
    """Where a number stands: the law with its issue number, and the article."""

    law: str = Field(min_length=1)
    article: str = Field(min_length=1)


class LawValue(StrictModel):
    """What a parameter is from the day `since` until the next value's.

    `extendable_by` is in the parameter's unit, to be agreed by `approver`; `legal_basis` is stated
    where it is not the parameter's own (an older law); `note` says what is unchecked.
    """

    since: date = Field(alias="from")
    value: Decimal
    is_verified: StrictBool = Field(alias="verified")
    extendable_by: Decimal | None = None
    approver: str | None = None
    legal_basis: LegalBasis | None = None
    note: str | None = None

    @property
    def whole(self) -> int:
        """The value of a parameter that counts (every LawUnit but a share)."""
        return int(self.value)


class Description(StrictModel):
    """What a parameter means, in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class LawParameter(StrictModel):
    """One number set by law: `unit` is a LawUnit or a UCUM code, `values` are in order of date."""

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
    legal_basis: LegalBasis
    description: Description
    unit: str
    values: tuple[LawValue, ...] = Field(min_length=1)

    def value_on(self, day: date) -> LawValue:
        """Return the value in force on `day`.

        Raises:
            RefusedError: `kernel.law_not_in_force` before the first value's date.
        """
        at = bisect_right(self.values, day, key=lambda value: value.since)
        if at:
            return self.values[at - 1]
        first = self.values[0].since
        raise RefusedError(
            "kernel.law_not_in_force",
            f"{self.id} has no value on {day}; its first holds from {first} "
            f"({self.legal_basis.law}, {self.legal_basis.article}).",
            next_step=f"Use a day from {first} on, or add the older law's value.",
        )


class _LawFile(StrictModel):
    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    parameters: tuple[LawParameter, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Law:
    """Every law parameter that is loaded, by id."""

    parameters: Mapping[str, LawParameter]

    @staticmethod
    def load(*paths: Path) -> Law:
        """Load law files; of a folder, each `*.yaml` directly in it.

        Raises:
            DocumentError: `kernel.bad_document` for a file that is no strict YAML, `kernel.bad_law`
                with findings for unknown keys, a repeated id, dates out of order or repeated, an
                unknown unit, a fraction of a day, or an unverified value without a note.
        """
        files = tuple(file for path in paths for file in _files(path))
        read = tuple((d, shape(d, _LawFile, code=_CODE)) for d in map(read_document, files))
        findings = tuple(_findings(read))
        if findings:
            raise DocumentError(_CODE, findings)
        return Law({p.id: p for _, law in read for p in law.parameters})

    def parameter(self, id: str) -> LawParameter:  # noqa: A002  (the word of the file)
        """Return the parameter with this id, or refuse it (`kernel.law_unknown`)."""
        if id in self.parameters:
            return self.parameters[id]
        raise RefusedError(
            "kernel.law_unknown",
            f"No loaded law file has a parameter {id[:60]!r}.",
            next_step="Correct the id, or load the law file that holds it.",
        )

    def value_on(self, id: str, day: date) -> LawValue:  # noqa: A002
        """Return the value of parameter `id` in force on `day`; refuses as the two above."""
        return self.parameter(id).value_on(day)


def _files(path: Path) -> Iterable[Path]:
    return sorted(path.glob("*.yaml")) if path.is_dir() else (path,)


def _findings(read: Iterable[tuple[Document, _LawFile]]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for document, law in read:
        for i, parameter in enumerate(law.parameters):
            where = ("parameters", i)
            here = f"{document.file}:{document.line_of((*where, 'id'))}"
            if seen.setdefault(parameter.id, here) != here:
                problem = f"repeats the id {parameter.id!r} of {seen[parameter.id]}"
                yield document.finding((*where, "id"), problem)
            yield from _of_parameter(document, where, parameter)


def _of_parameter(
    document: Document, where: tuple[str | int, ...], parameter: LawParameter
) -> Iterator[Finding]:
    if not _is_unit(parameter.unit):
        problem = f"{parameter.unit!r} is neither a unit of law nor a known UCUM code"
        yield document.finding((*where, "unit"), problem)
    for i, (before, value) in enumerate(pairwise(parameter.values), start=1):
        if value.since <= before.since:
            problem = f"{value.since} does not come after {before.since}; sort by date, once each"
            yield document.finding((*where, "values", i, "from"), problem)
    for i, value in enumerate(parameter.values):
        for key, problem in _of_value(parameter, value):
            yield document.finding((*where, "values", i, key), problem)


def _of_value(parameter: LawParameter, value: LawValue) -> Iterator[tuple[str, str]]:
    for key, number in (("value", value.value), ("extendable_by", value.extendable_by or 0)):
        if parameter.unit in _WHOLE and (number < 0 or number % 1):
            yield key, f"{number} is no whole number of {parameter.unit}"
    if not value.is_verified and not value.note:
        yield "verified", "is false without a note; say what nobody has checked"


def _is_unit(text: str) -> bool:
    if text in set(LawUnit):
        return True
    try:
        return unit(text).code == text
    except RefusedError:
        return False
