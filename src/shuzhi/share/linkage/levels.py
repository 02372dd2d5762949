"""The levels of a comparison as SQL conditions, for Splink's settings and nothing else.

Conditions speak of a part's prepared columns: `name`, `name_words` and `name_total`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shuzhi.gather.lake.query import literal
from shuzhi.share.linkage.model import Linkage, Part
from shuzhi.share.linkage.presets import Form, Level, Presets

# Words are lists of {t: text, w: weight}; the weight of a word is the same in every row.
MACROS = (
    "CREATE TEMP MACRO shared_weight(a, b) AS "
    "COALESCE(LIST_SUM(LIST_TRANSFORM(LIST_INTERSECT(a, b), LAMBDA s: s.w)), 0.0)",
    "CREATE TEMP MACRO shared_count(a, b) AS LEN(LIST_INTERSECT(a, b))",
    "CREATE TEMP MACRO holds_any(a, b, n) AS "
    "LEN(LIST_FILTER(a, LAMBDA x: LEN(x.t) >= n AND LEN(LIST_FILTER(b, LAMBDA y: "
    "LEN(y.t) >= n AND (CONTAINS(x.t, y.t) OR CONTAINS(y.t, x.t)))) > 0)) > 0",
)

# What a model calls the level of all that is not alike in any way.
OTHER = "other"


def comparisons(linkage: Linkage, known: Presets) -> list[dict[str, Any]]:
    """Return what Splink is to compare, part by part."""
    names = {p.name for p in linkage.parts}
    return [
        {
            "output_column_name": part.name,
            "comparison_description": part.form,
            "comparison_levels": _levels(part, known.forms[part.form], names),
        }
        for part in linkage.parts
    ]


def asked(form: Form, names: set[str]) -> tuple[Level, ...]:
    """Return the levels of a form that can be asked of these parts."""
    return tuple(v for v in form.levels if v.name != "swapped" or v.value in names)


def _levels(part: Part, form: Form, names: set[str]) -> list[dict[str, Any]]:
    missing = f'"{part.name}_l" IS NULL OR "{part.name}_r" IS NULL'
    made: list[dict[str, Any]] = [
        {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    ]
    for level in asked(form, names):
        one: dict[str, Any] = {
            "sql_condition": condition(part.name, level),
            "label_for_charts": label(level),
        }
        if level.name == "same" and form.by_frequency:
            one |= {"tf_adjustment_column": part.name, "tf_adjustment_weight": 1.0}
        made.append(one)
    return [*made, {"sql_condition": "ELSE", "label_for_charts": OTHER}]


def label(level: Level) -> str:
    """Return what a model calls a level."""
    return level.name if level.value is None else f"{level.name} {level.value}"


def condition(part: str, level: Level) -> str:
    """Return the SQL that holds where two rows' values of `part` are as alike as `level` asks."""
    left, right, value = f'"{part}_l"', f'"{part}_r"', level.value
    if level.name == "swapped":
        return f'{left} = "{value}_r" AND "{value}_l" = {right} AND {left} <> {right}'
    if level.name == "before":
        mark = literal(str(value))
        return f"SPLIT_PART({left}, {mark}, 1) = SPLIT_PART({right}, {mark}, 1)"
    sides = [f'"{part}_words_l"', f'"{part}_words_r"', f'"{part}_total_l"', f'"{part}_total_r"']
    return _CONDITIONS[level.name].format(left, right, float(value or 0), int(value or 0), *sides)


_CONDITIONS = {
    "same": "{0} = {1}",
    "similar": "JARO_WINKLER_SIMILARITY({0}, {1}) >= {2}",
    "edits": "DAMERAU_LEVENSHTEIN({0}, {1}) <= {3}",
    "first": "SUBSTR({0}, 1, {3}) = SUBSTR({1}, 1, {3})",
    "last": "LEN({0}) >= {3} AND LEN({1}) >= {3} AND RIGHT({0}, {3}) = RIGHT({1}, {3})",
    "near": "ABS({0} - {1}) <= {2} * GREATEST(ABS({0}), ABS({1}))",
    # Shared / (all of both - shared) >= x, solved so that what is shared is summed up once.
    "overlap": "shared_weight({4}, {5}) >= {2} / (1 + {2}) * ({6} + {7})",
    "shares": "shared_count({4}, {5}) >= {3}",
    "contains": "holds_any({4}, {5}, {3})",
}


def blocked(pieces: Sequence[tuple[str, int | None]], rare: str | None) -> str:
    """Return the SQL condition under which two rows `l` and `r` stand in one block."""
    if rare is not None:
        return f'LIST_HAS_ANY(l."{rare}_rare", r."{rare}_rare")'
    return " AND ".join(
        f'l."{part}" = r."{part}"'
        if first is None
        else f'SUBSTR(l."{part}", 1, {first}) = SUBSTR(r."{part}", 1, {first})'
        for part, first in pieces
    )
