"""Regular expressions and date formats of the standard, in the words of the engines.

ODCS writes patterns in ECMA-262 and date formats in the JDK's letters; every engine that we run
reads RE2 and strptime. What cannot be said there is refused, never approximated.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

_UNICODE_ESCAPE = re.compile(r"\\u(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{4}))")
_JDK_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)
_STRPTIME = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MM": "%m",
    "M": "%-m",
    "MMM": "%b",
    "MMMM": "%B",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "m": "%-M",
    "ss": "%S",
    "s": "%-S",
    "SSS": "%g",
    "SSSSSS": "%f",
    "a": "%p",
    "EEE": "%a",
    "EEEE": "%A",
    "X": "%z",
    "XX": "%z",
    "XXX": "%z",
    "Z": "%z",
    "ZZZZZ": "%z",
    "VV": "%Z",
}


def re2_pattern(pattern: str) -> str:
    """Return an ECMA-262 `pattern` as RE2 reads it; it is searched for, not matched in full.

    ODCS leaves anchoring to the pattern, as JSON Schema does (2020-12 §6.3.3): write `^…$` for
    the whole value.

    Raises:
        ValueError: RE2 cannot run it (look-around, back-references, repeats above 1000).
    """
    translated = _UNICODE_ESCAPE.sub(lambda m: rf"\x{{{m[1] or m[2]}}}", pattern)
    try:
        pc.match_substring_regex(pa.array([""]), translated)
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise ValueError(str(error).removeprefix("Invalid regular expression: ")) from None
    return translated


def strptime_format(written: str) -> str:
    """Return the JDK date format `written` as strptime; one that has a `%` is strptime already.

    Alternatives are parted by `||`.

    Raises:
        ValueError: the format has letters that have no counterpart.
    """
    return "||".join(_strptime(one) for one in written.split("||"))


def _strptime(written: str) -> str:
    if "%" in written:
        return written
    return "".join(_token(match) for match in _JDK_TOKEN.finditer(written))


def _token(match: re.Match[str]) -> str:
    quoted, letter = match[1], match[2]
    if quoted is not None:
        return quoted.replace("''", "'") or "'"
    if letter is None:
        return match[3]
    if match[0] not in _STRPTIME:
        raise ValueError(f"{match[0]!r} has no meaning here")
    return _STRPTIME[match[0]]
