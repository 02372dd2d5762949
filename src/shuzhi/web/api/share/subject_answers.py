"""What is told of one subject: what each data set shows of it, and where they differ."""

from __future__ import annotations

from datetime import date
from math import isfinite

from shuzhi.share.linkage import Sheet, SubjectFile
from shuzhi.web.api.frame.answers import Answer

Cell = bool | int | float | str | None


class UnseenAnswer(Answer):
    """Why nothing of a data set is shown; whether it knows the subject is not told."""

    reason: str
    """The reason, for good: a word of access."""
    zh: str
    """What it is, in Chinese."""
    en: str
    """What it is, in English."""


class SheetAnswer(Answer):
    """What one data set shows of a subject."""

    dataset: str
    """Which data set."""
    refusal: UnseenAnswer | None
    """Why nothing is shown; null where something may be."""
    columns: tuple[str, ...]
    """The columns that are shown."""
    masked: tuple[str, ...]
    """Those of them that are shown through a mask."""
    withheld: tuple[str, ...]
    """Columns that were granted, and for which no mask was found."""
    rows: tuple[tuple[Cell, ...], ...]
    """The rows, each in the order of the columns; what is exact is a text."""

    @classmethod
    def told(cls, sheet: Sheet) -> SheetAnswer:
        """Return a sheet."""
        return cls.about(sheet, rows=tuple(tuple(map(_cell, row)) for row in sheet.rows))


class ToldAnswer(Answer):
    """What one source says of a datum."""

    dataset: str
    """Which source."""
    value: str
    """What it says."""
    seen_at: str | None
    """When that was true last; null where it may not be seen."""


class DiffersAnswer(Answer):
    """A part of which sources say different things."""

    part: str
    """Which part."""
    told: tuple[ToldAnswer, ...]
    """What each says, the newest first."""


class SubjectFileAnswer(Answer):
    """All that one may see of a subject, source by source."""

    linkage: str
    """By which linkage."""
    subject: str | None
    """The id of the subject; null for who named a record and may see no other of it."""
    sheets: tuple[SheetAnswer, ...]
    """What each data set shows."""
    differs: tuple[DiffersAnswer, ...]
    """Where those that may be seen contradict each other."""

    @classmethod
    def told(cls, shown: SubjectFile) -> SubjectFileAnswer:
        """Return the file of a subject."""
        return cls.about(shown, sheets=tuple(map(SheetAnswer.told, shown.sheets)))


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    # A moment is a date too.
    return value.isoformat() if isinstance(value, date) else str(value)
