"""Words for values of air quality, for the texts of this pack.

The grades follow the breakpoints of HJ 633-2012 for the mean of PM2.5 over 24 hours; the numbers
are from memory and were not compared with the text.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal

# The highest value of each grade but the last, in ug/m3.
_PM2_5_UG_M3 = (35, 75, 115, 150, 250)
_ZH = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")
_EN = (
    "excellent",
    "good",
    "lightly polluted",
    "moderately polluted",
    "heavily polluted",
    "severely polluted",
)


def pm2_5_grade_zh(value_ug_m3: object) -> str:
    """Return the grade of a day by its PM2.5, in Chinese."""
    return _ZH[_grade(value_ug_m3)]


def pm2_5_grade_en(value_ug_m3: object) -> str:
    """Return the grade of a day by its PM2.5, in English."""
    return _EN[_grade(value_ug_m3)]


def _grade(value_ug_m3: object) -> int:
    return bisect_left(_PM2_5_UG_M3, Decimal(str(value_ug_m3)))
