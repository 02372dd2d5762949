"""The times of HJ 212: local time of China without a zone, to the second or the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

# Every monitor keeps the time of Beijing, also in the west of the country.
CHINA = timezone(timedelta(hours=8))
_OFFSET_SECONDS = 8 * 3600
_STAMP = re.compile(r"[0-9]{14}")
_LONG_STAMP = re.compile(r"([0-9]{14})[0-9]{1,6}")
_MICROSECONDS = 1_000_000
_FIRST_YEAR = 1970
_FIRST = f"{_FIRST_YEAR}"
_NINE, _MONTHS, _HOURS, _MINUTES = 9, 12, 24, 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(text: str) -> tuple[int | None, str]:
    """Return a time (`YYYYMMDDhhmmss`) in microseconds since 1970 UTC, and the code of a finding.

    Longer texts of digits are cut to the second; what is no time, or is before 1970, gives None.
    """
    if _STAMP.fullmatch(text):
        code = ""
    elif long := _LONG_STAMP.fullmatch(text):
        text, code = long[1], "time_long"
    else:
        return None, "time_unreadable"
    if text < _FIRST:
        return None, "time_unreadable"
    try:
        moment = datetime(
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[8:10]),
            int(text[10:12]),
            int(text[12:]),
            tzinfo=CHINA,
        )
    except ValueError:
        return None, "time_unreadable"
    return (moment - _EPOCH) // timedelta(seconds=1) * _MICROSECONDS, code


def stamps(texts: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the times of many texts of 14 bytes, as `stamp` has them, and which are times."""
    digits = texts.astype(np.int64) - ord("0")
    good = ((digits >= 0) & (digits <= _NINE)).all(axis=1)
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month, day, hour, minute, second = (
        digits[:, n] * 10 + digits[:, n + 1] for n in range(4, 14, 2)
    )
    good &= (year >= _FIRST_YEAR) & (month > 0) & (month <= _MONTHS) & (day > 0)
    good &= (hour < _HOURS) & (minute < _MINUTES) & (second < _MINUTES)
    months = np.where(good, (year - _FIRST_YEAR) * _MONTHS + month - 1, 0)
    first, following = (
        (months + n).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        for n in (0, 1)
    )
    good &= day <= following - first
    seconds = (first + day - 1) * 86_400 + hour * 3600 + minute * 60 + second - _OFFSET_SECONDS
    return seconds * _MICROSECONDS, good


def written(moment: datetime) -> str:
    """Return an aware time as HJ 212 writes it, `YYYYMMDDhhmmss` in China's local time."""
    return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def request_number(moment: datetime) -> str:
    """Return a QN: the time with milliseconds, 17 digits."""
    return f"{written(moment)}{moment.microsecond // 1000:03d}"
