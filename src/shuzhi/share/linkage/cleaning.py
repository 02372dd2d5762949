"""How values are cleaned before they are compared, as SQL for DuckDB made from the presets.

No text of a user is ever part of it: steps are the presets', and columns come in quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from shuzhi.gather.lake.query import literal
from shuzhi.share.linkage.presets import Form, Presets, Step

_FULL = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000"
_HALF = "".join(map(chr, range(0x21, 0x7F))) + " "
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_HAN = r"\p{Han}"


def cleaned(column: str, form: Form, known: Presets) -> str:
    """Return the SQL of a column's value, cleaned for `form`; NULL where nothing is left of it."""
    sql = f"LEFT(CAST({column} AS VARCHAR), {_most(form)})"
    for step in form.clean:
        sql = _step(sql, step, known.words)
    sql = f"NULLIF(TRIM({sql}), '')"
    if form.holds == "number":
        # Zero is what is written where a number is not known.
        return f"NULLIF(TRY_CAST({sql} AS DOUBLE), 0)"
    return sql


def as_written(values: Sequence[str], form: Form, known: Presets) -> tuple[str, ...]:
    """Return what values say, however they write it: `1990/1/02` is no other day than `1990-1-02`.

    No word is taken off: to what a name ends with, who reads a file may give weight.
    """
    plain = replace(form, clean=tuple(step for step in form.clean if step.words is None))
    sql = f"SELECT CAST({cleaned('v', plain, known)} AS VARCHAR) FROM (SELECT UNNEST(?) AS v)"  # noqa: S608
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(sql, [list(values)]).fetchall()
    return tuple(said or value for value, (said,) in zip(values, found, strict=True))


def _most(form: Form) -> int:
    """Return how much of a value is looked at: to compare letters takes the square of it."""
    by_letters = any(level.name in ("similar", "edits") for level in form.levels)
    return 300 if by_letters else 20_000


def _step(sql: str, step: Step, words: Mapping[str, Mapping[str, str]]) -> str:
    if step.words is not None:
        return _WITH_WORDS[step.name](sql, words[step.words])
    return _PLAIN[step.name].format(sql)


def _formatted(text: str) -> str:
    """Double the braces of a text that goes through `format`."""
    return text.replace("{", "{{").replace("}", "}}")


def _replaced(pattern: str, by: str = " ") -> str:
    return f"REGEXP_REPLACE({{0}}, {_formatted(literal(pattern))}, {literal(by)}, 'g')"


_PLAIN = {
    "half_width": f"TRANSLATE({{0}}, {literal(_FULL)}, {_formatted(literal(_HALF))})",
    "lower": "LOWER({0})",
    "no_accents": "STRIP_ACCENTS({0})",
    "letters": _replaced(r"[^\p{L}]+"),
    "letters_digits": _replaced(r"[^\p{L}\p{N}]+"),
    "digits": _replaced(r"[^0-9]+", ""),
    "joined": _replaced(r"\s+", ""),
    "hyphens": _replaced(r"(\w)[-/.](\w)", r"\1\2"),
    "numeric": f"REGEXP_EXTRACT(REPLACE({{0}}, ',', ''), {literal(_NUMBER)})",
}


def _any(words: Mapping[str, str]) -> str:
    longest_first = sorted(words, key=lambda w: (-len(w), w))
    # A Latin word ends a name only where it is a word of its own: `co`, but not in `mexico`.
    return "|".join(rf"\b{w}" if w.isascii() else w for w in longest_first)


def _without_suffix(sql: str, words: Mapping[str, str]) -> str:
    """Take off endings, as long as something is left of the name."""
    pattern = rf"(?:\s*(?:{_any(words)}))+\s*$"
    gone = f"TRIM(REGEXP_REPLACE({sql}, {literal(pattern)}, ''))"
    return f"COALESCE(NULLIF({gone}, ''), {sql})"


def _without_prefix(sql: str, words: Mapping[str, str]) -> str:
    """Take off the divisions that a name begins with, as long as three characters are left."""
    pattern = rf"^(?:中国|中华人民共和国)?(?:{_HAN}{{2,7}}?(?:{_any(words)})){{0,2}}(.{{3,}})$"
    return f"COALESCE(NULLIF(REGEXP_EXTRACT({sql}, {literal(pattern)}, 1), ''), {sql})"


def _replace(sql: str, words: Mapping[str, str]) -> str:
    for long, short in words.items():
        pattern = long if re.search(_HAN_LETTER, long) else rf"\b{re.escape(long)}\b"
        sql = f"REGEXP_REPLACE({sql}, {literal(pattern)}, {literal(short)}, 'g')"
    return sql


_HAN_LETTER = "[\u4e00-\u9fff]"
_WITH_WORDS = {
    "without_suffix": _without_suffix,
    "without_prefix": _without_prefix,
    "replace": _replace,
}
