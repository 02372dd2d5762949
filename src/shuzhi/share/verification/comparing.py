"""Whether a claim holds of the value that is held: one test for each way to compare.

A test is made from the claim and the column's type before any data are looked at, so that what is
wrong with a claim never depends on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from re import compile as pattern
from typing import Any

from rapidfuzz import fuzz

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import parse_instant
from shuzhi.share.verification.errors import bad_claim
from shuzhi.share.verification.model import Claim, Claimed, How, Told, Verdict
from shuzhi.share.verification.spelling import folded, folded_name

Test = Callable[[Any], Verdict]

SAME, SIMILAR = Verdict(Told.YES, "same"), Verdict(Told.YES, "similar")
WITHIN = Verdict(Told.YES, "within_days")
NEAR, OTHER = Verdict(Told.DIFFERS, "near"), Verdict(Told.NO, "other")
NOTHING_HELD = Verdict(Told.NO, "nothing_held")
NOT_CONFIRMED = Verdict(Told.NO, "not_confirmed")
ABSENT = Verdict(Told.NO_SUCH_SUBJECT, "no_such_subject")
STAR = "*"
_MOST_DAYS = 3_660
_MOST_CHARACTERS = 500
_PARTIAL = frozenset({How.FIRST, How.LAST, How.MASKED})
_DAYS = frozenset({LogicalType.DATE, LogicalType.TIMESTAMP})
_TEXTS = frozenset({LogicalType.STRING})
_FITS = {
    How.NAME: _TEXTS,
    How.DATE: _DAYS,
    **dict.fromkeys(_PARTIAL, _TEXTS | {LogicalType.INTEGER}),
}
# As spreadsheets and people write a day here; with the year first nothing is in doubt.
_YEAR_FIRST = pattern(r"(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2}) ?日?")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Likeness:
    """From which likeness (0 to 100) two names are the same, and from which they are near."""

    same_at: float
    near_at: float


def fits(how: How, kind: LogicalType) -> bool:
    """Tell whether a column of this type can be compared so."""
    return how is How.EXACT or kind in _FITS[how]


def test_of(claim: Claim, kind: LogicalType, likeness: Likeness) -> Test:
    """Return the test of a claim about a column of this type.

    Raises:
        VerificationError: `share.bad_claim` for a value that no such column could have.
    """
    if isinstance(claim.value, str) and len(claim.value) > _MOST_CHARACTERS:
        raise bad_claim(claim.column, "too_long", most=_MOST_CHARACTERS)
    if not fits(claim.how, kind):
        raise bad_claim(claim.column, "kind_and_way", kind=kind.value)
    if claim.how is How.NAME:
        return _name(claim, likeness)
    if claim.how is How.DATE:
        return _near_day(claim)
    if claim.how in _PARTIAL:
        return _part(claim)
    return _equal(claim, kind)


def _equal(claim: Claim, kind: LogicalType) -> Test:
    read = _READ.get(kind)
    if read is None:
        raise bad_claim(claim.column, "kind", kind=kind.value)
    try:
        wanted = read(claim.value)
    except (ValueError, InvalidOperation, RefusedError):
        raise bad_claim(claim.column, "no_such_value", kind=kind.value) from None

    def test(held: Any) -> Verdict:
        if held is None:
            return NOTHING_HELD
        return SAME if read(held) == wanted else OTHER

    return test


def _text(value: Any) -> str:
    if isinstance(value, (bool, float)):
        raise ValueError
    return folded(str(value))


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueError
    number = Decimal(str(value).strip())
    if not number.is_finite():
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = _BOOLEANS.get(str(value).strip().lower())
    if known is None:
        raise ValueError
    return known


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        parts = _YEAR_FIRST.fullmatch(folded(value))
        if parts is None:
            raise
        return date(*map(int, parts.groups()))


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(str(value), zone="UTC")


_READ: dict[LogicalType, Callable[[Any], Any]] = {
    LogicalType.STRING: _text,
    LogicalType.INTEGER: _number,
    LogicalType.NUMBER: _number,
    LogicalType.BOOLEAN: _boolean,
    LogicalType.DATE: _day,
    LogicalType.TIMESTAMP: _moment,
}


def _near_day(claim: Claim) -> Test:
    if not 0 <= claim.within_days <= _MOST_DAYS:
        raise bad_claim(claim.column, "days", most=f"{_MOST_DAYS:,}")
    try:
        wanted = _day(claim.value)
    except ValueError:
        raise bad_claim(claim.column, "no_such_value", kind="date") from None

    def test(held: Any) -> Verdict:
        if held is None:
            return NOTHING_HELD
        off = abs((_day(held) - wanted).days)
        if off == 0:
            return SAME
        return WITHIN if off <= claim.within_days else OTHER

    return test


def _part(claim: Claim) -> Test:
    wanted = _wanted(claim.column, claim.value)
    matches = {
        How.FIRST: lambda held: held.startswith(wanted),
        How.LAST: lambda held: held.endswith(wanted),
        How.MASKED: _masked(claim.column, wanted),
    }[claim.how]

    def test(held: Any) -> Verdict:
        if held is None:
            return NOTHING_HELD
        return SAME if matches(_text(held)) else OTHER

    return test


def _wanted(column: str, value: Claimed) -> str:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise bad_claim(column, "no_part")
    # Signs that only look like stars would be taken for what was written.
    wanted = folded(str(value))
    if not wanted.strip(STAR):
        raise bad_claim(column, "nothing_shown")
    return wanted


def _masked(column: str, form: str) -> Callable[[str], bool]:
    """Return the match of a masked form (`138****5678`): a run of stars hides one sign or more."""
    shown = [part for part in form.split(STAR) if part]
    if STAR not in form:
        return lambda held: held == form
    head = 0 if form.startswith(STAR) else 1
    tail = len(shown) if form.endswith(STAR) else len(shown) - 1
    if len(shown) > 4:
        raise bad_claim(column, "parts")

    def matches(held: str) -> bool:
        at = len(shown[0]) if head else 0
        end = len(held) - (len(shown[-1]) if tail < len(shown) else 0)
        if head and not held.startswith(shown[0]):
            return False
        if tail < len(shown) and not held.endswith(shown[-1]):
            return False
        for part in shown[head:tail]:
            found = held.find(part, at + 1, end)
            if found < 0:
                return False
            at = found + len(part)
        # One sign at least is hidden before what comes last, or at the end.
        return at + 1 <= end

    return matches


def _name(claim: Claim, likeness: Likeness) -> Test:
    if not isinstance(claim.value, str) or not folded_name(claim.value):
        raise bad_claim(claim.column, "no_name")
    wanted = folded_name(claim.value)

    def test(held: Any) -> Verdict:
        if held is None:
            return NOTHING_HELD
        name = folded_name(held)
        if name == wanted:
            return SAME
        like = max(
            fuzz.ratio(name, wanted, score_cutoff=likeness.near_at),
            fuzz.token_sort_ratio(name, wanted, score_cutoff=likeness.near_at),
        )
        if like >= likeness.same_at:
            return SIMILAR
        return NEAR if like >= likeness.near_at else OTHER

    return test
