"""Reads a holiday notice of the State Council from YAML and refuses one that contradicts itself.

A person types the notice once a year; whatever can be checked against the calendar is checked here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import Field

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    read_document,
    shape,
)
from shuzhi.kernel.workdays import Notice

_SATURDAY = 5
_CODE = "kernel.bad_notice"


class _NoticeShape(StrictModel):
    year: int = Field(ge=1950, le=2200)
    legal_reference: str = Field(min_length=1)
    holidays: list[date] = Field(min_length=1)
    working_weekends: list[date]


def load_notice(path: Path) -> Notice:
    """Read the notice in the file at `path`: year, legal_reference, holidays, working_weekends.

    Raises:
        DocumentError: `kernel.bad_document` when it is no such YAML, `kernel.bad_notice` with all
            findings when a key is missing or unknown, a day is repeated, in both lists or outside
            the year (and the December before it), a working weekend is no weekend, or 1 January,
            1 May or 1 October is not off.
    """
    document = read_document(path)
    read = shape(document, _NoticeShape, code=_CODE)
    notice = Notice(
        read.year, read.legal_reference, frozenset(read.holidays), frozenset(read.working_weekends)
    )
    findings = tuple(_findings(document, read, notice))
    if findings:
        raise DocumentError(_CODE, findings)
    return notice


def _findings(document: Document, read: _NoticeShape, notice: Notice) -> Iterator[Finding]:
    yield from _of_list(document, "holidays", read.holidays, notice)
    yield from _of_list(document, "working_weekends", read.working_weekends, notice)
    for i, day in enumerate(read.working_weekends):
        if day.weekday() < _SATURDAY:
            yield document.finding(("working_weekends", i), f"{day} is no Saturday or Sunday")
        if day in notice.holidays:
            yield document.finding(("working_weekends", i), f"{day} is a holiday too")
    for day in (date(read.year, month, 1) for month in (1, 5, 10)):
        if day not in notice.holidays:
            yield document.finding(("holidays",), f"{day} is missing; it is off by statute")


def _of_list(document: Document, key: str, days: list[date], notice: Notice) -> Iterator[Finding]:
    for i, day in enumerate(days):
        if not notice.covers(day):
            yield document.finding((key, i), f"{day} lies outside the notice for {notice.year}")
        if day in days[:i]:
            yield document.finding((key, i), f"{day} is repeated")
