"""Whether what an applicant wrote can be taken, field by field. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time

from shuzhi.act.services.errors import FieldProblem, Unfit, fields_unfit
from shuzhi.act.services.model import Blank, Entered, ShownField, Way
from shuzhi.gather.contracts import LogicalType

# What a browser sends for a box that was ticked.
YES = "yes"
_MOST = 2_000
_YES_NO = ("true", "false")


def entered(blank: Blank, given: Mapping[str, str]) -> Mapping[str, Entered]:
    """Return the values of a request: what was written, what was confirmed, what is held.

    `given` has for each field the text that was written, or `YES` for one that was confirmed.

    Raises:
        ServiceError: `act.fields_unfit` with every problem.
    """
    problems = tuple(_problems(blank, given))
    if problems:
        raise fields_unfit(problems)
    return {shown.field.name: _entered(shown, given) for shown in blank.fields}


def _entered(shown: ShownField, given: Mapping[str, str]) -> Entered:
    if shown.way is Way.ASK:
        return Entered(given[shown.field.name].strip(), Way.ASK)
    return Entered(shown.value, shown.way, shown.dataset)


def _problems(blank: Blank, given: Mapping[str, str]) -> Iterator[FieldProblem]:
    known = {shown.field.name for shown in blank.fields}
    yield from (FieldProblem(name[:60], Unfit.NOT_ASKED) for name in given if name not in known)
    for shown in blank.fields:
        code = _problem(shown, given.get(shown.field.name, ""))
        if code is not None:
            yield FieldProblem(shown.field.name, code)


def _problem(shown: ShownField, text: str) -> Unfit | None:
    if shown.way is Way.HELD:
        return Unfit.NOT_ASKED if text else None
    if shown.way is Way.CONFIRM:
        return None if text == YES else Unfit.NOT_CONFIRMED
    written = text.strip()
    if not written:
        return Unfit.MISSING
    if len(written) > _MOST or any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in written):
        return Unfit.TOO_LONG
    check, code = _CHECKS.get(shown.field.type, (str, None))
    return None if _takes(check, written) else code


def _takes(check: Callable[[str], object], text: str) -> bool:
    try:
        check(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError
    return number


def _integer(text: str) -> int:
    if not text.lstrip("+-").isascii() or not text.lstrip("+-").isdecimal():
        raise ValueError
    return int(text)


_CHECKS: Mapping[LogicalType, tuple[Callable[[str], object], Unfit]] = {
    LogicalType.NUMBER: (_number, Unfit.NO_NUMBER),
    LogicalType.INTEGER: (_integer, Unfit.NO_INTEGER),
    LogicalType.DATE: (date.fromisoformat, Unfit.NO_DATE),
    LogicalType.TIMESTAMP: (datetime.fromisoformat, Unfit.NO_MOMENT),
    LogicalType.TIME: (time.fromisoformat, Unfit.NO_TIME),
    LogicalType.BOOLEAN: (_YES_NO.index, Unfit.NO_YES_NO),
}
