"""Law parameters: numbers that law sets, each with its legal basis and the day it holds from.

Where law sets a table (breakpoints of an index), its rows hold together, version by version.

No deadline or limit stands in code: it is read from YAML and asked for by date, so that a case of
last year is still computed by last year's law. `is_verified` is true only where the number was
read in the full text of the law.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Annotated

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

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
_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
# What a table says itself of each of its rows.
_SPAN = frozenset({"valid_from", "valid_to"})


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

    id: _Id
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


class ColumnKind(StrEnum):
    """What a column of a table holds."""

    TEXT = "text"
    NUMBER = "number"


class LawRows(StrictModel):
    """The rows of a table from the day `since` until the next version's; else as a LawValue."""

    since: date = Field(alias="from")
    is_verified: StrictBool = Field(alias="verified")
    rows: tuple[tuple[StrictStr | StrictInt | StrictFloat, ...], ...] = Field(min_length=1)
    legal_basis: LegalBasis | None = None
    note: str | None = None


class LawTable(StrictModel):
    """A table set by law: what its columns are called and hold, and its versions by date."""

    id: _Id
    legal_basis: LegalBasis
    description: Description
    columns: dict[_Id, ColumnKind] = Field(min_length=1)
    versions: tuple[LawRows, ...] = Field(min_length=1)

    @property
    def spans(self) -> tuple[tuple[LawRows, date | None], ...]:
        """Each version with the last day on which it holds; None for the newest."""
        ends = (later.since - timedelta(days=1) for later in self.versions[1:])
        return tuple(zip(self.versions, (*ends, None), strict=True))


class _LawFile(StrictModel):
    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    parameters: tuple[LawParameter, ...] = ()
    tables: tuple[LawTable, ...] = ()


@dataclass(frozen=True)
class Law:
    """Every law parameter and table that is loaded, by id."""

    parameters: Mapping[str, LawParameter]
    tables: Mapping[str, LawTable] = field(default_factory=dict)

    @staticmethod
    def load(*paths: Path) -> Law:
        """Load law files; of a folder, each `*.yaml` directly in it.

        Raises:
            DocumentError: `kernel.bad_document` for a file that is no strict YAML, `kernel.bad_law`
                with findings for unknown keys, a repeated id, dates out of order or repeated, an
                unknown unit, a fraction of a day, an unverified value without a note, or a row of
                a table that its columns do not describe.
        """
        files = tuple(file for path in paths for file in _files(path))
        read = tuple((d, shape(d, _LawFile, code=_CODE)) for d in map(read_document, files))
        findings = tuple(_findings(read))
        if findings:
            raise DocumentError(_CODE, findings)
        return Law(
            {p.id: p for _, law in read for p in law.parameters},
            {t.id: t for _, law in read for t in law.tables},
        )

    def over(self, below: Law) -> Law:
        """Return both together; what bears the same id here counts, not what lies below."""
        return Law(
            {**below.parameters, **self.parameters},
            {**below.tables, **self.tables},
        )

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
        if not law.parameters and not law.tables:
            yield document.finding((), "states neither parameters nor tables")
        parameters = ((("parameters", i), each.id) for i, each in enumerate(law.parameters))
        tables = ((("tables", i), each.id) for i, each in enumerate(law.tables))
        for where, name in (*parameters, *tables):
            here = f"{document.file}:{document.line_of((*where, 'id'))}"
            if seen.setdefault(name, here) != here:
                yield document.finding((*where, "id"), f"repeats the id {name!r} of {seen[name]}")
        for i, parameter in enumerate(law.parameters):
            yield from _of_parameter(document, ("parameters", i), parameter)
        for i, table in enumerate(law.tables):
            yield from _of_table(document, ("tables", i), table)


def _of_parameter(
    document: Document, where: tuple[str | int, ...], parameter: LawParameter
) -> Iterator[Finding]:
    if not _is_unit(parameter.unit):
        problem = f"{parameter.unit!r} is neither a unit of law nor a known UCUM code"
        yield document.finding((*where, "unit"), problem)
    yield from _of_dates(document, (*where, "values"), parameter.values)
    for i, value in enumerate(parameter.values):
        for key, problem in _of_value(parameter, value):
            yield document.finding((*where, "values", i, key), problem)


def _of_dates(
    document: Document, where: tuple[str | int, ...], dated: tuple[LawValue | LawRows, ...]
) -> Iterator[Finding]:
    for i, (before, value) in enumerate(pairwise(dated), start=1):
        if value.since <= before.since:
            problem = f"{value.since} does not come after {before.since}; sort by date, once each"
            yield document.finding((*where, i, "from"), problem)
    for i, value in enumerate(dated):
        if not value.is_verified and not value.note:
            problem = "is false without a note; say what nobody has checked"
            yield document.finding((*where, i, "verified"), problem)


def _of_table(
    document: Document, where: tuple[str | int, ...], table: LawTable
) -> Iterator[Finding]:
    for name in sorted(_SPAN & table.columns.keys()):
        problem = "is the name of what every row says of its dates; choose another"
        yield document.finding((*where, "columns", name), problem)
    yield from _of_dates(document, (*where, "versions"), table.versions)
    for i, version in enumerate(table.versions):
        for j, row in enumerate(version.rows):
            if problem := _of_row(table, row):
                yield document.finding((*where, "versions", i, "rows", j), problem)


def _of_row(table: LawTable, row: tuple[str | float, ...]) -> str:
    if len(row) != len(table.columns):
        return f"has {len(row)} cells for {len(table.columns)} columns"
    for cell, (name, kind) in zip(row, table.columns.items(), strict=True):
        is_right = kind is ColumnKind.TEXT if isinstance(cell, str) else isfinite(cell)
        if not is_right or isinstance(cell, str) != (kind is ColumnKind.TEXT):
            return f"has {cell!r} under {name}, which holds a {kind}"
    return ""


def _of_value(parameter: LawParameter, value: LawValue) -> Iterator[tuple[str, str]]:
    for key, number in (("value", value.value), ("extendable_by", value.extendable_by or 0)):
        if parameter.unit in _WHOLE and (number < 0 or number % 1):
            yield key, f"{number} is no whole number of {parameter.unit}"


def _is_unit(text: str) -> bool:
    if text in set(LawUnit):
        return True
    try:
        return unit(text).code == text
    except RefusedError:
        return False
