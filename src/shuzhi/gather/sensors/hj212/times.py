"""The times of HJ 212: local time of China without a zone, to the second or the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

# Every monitor keeps the time of Beijing, also in the west of the country.
CHINA = timezone(timedelta(hours=8))
OFFSET_SECONDS = 8 * 3600
_STAMP = re.compile(r"[0-9]{14}")
_LONG_STAMP = re.compile(r"([0-9]{14})[0-9]{1,6}")
_MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(text: str) -> tuple[int | None, str]:
    """Return a time (`YYYYMMDDhhmmss`) in microseconds since 1970 UTC, and the code of a finding.

    Longer texts of digits are cut to the second; what is no time gives None.
    """
    if _STAMP.fullmatch(text):
        code = ""
    elif long := _LONG_STAMP.fullmatch(text):
        text, code = long[1], "time_long"
    else:
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


def written(moment: datetime) -> str:
    """Return an aware time as HJ 212 writes it, `YYYYMMDDhhmmss` in China's local time."""
    return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def request_number(moment: datetime) -> str:
    """Return a QN: the time with milliseconds, 17 digits."""
    return f"{written(moment)}{moment.microsecond // 1000:03d}"
