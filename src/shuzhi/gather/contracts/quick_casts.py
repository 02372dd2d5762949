"""The cheap way to a typed value, for texts written as most are: `12`, `2019-02-28`, `true`.

Each comes with a test under which its value is that of `cast_sql`; every other text goes the long
way there. A cast is worked out once, in an inner SELECT, and looked at in the outer one.
"""

from __future__ import annotations

from collections.abc import Sequence

from shuzhi.gather.contracts.casts import among_sql, cast_sql, zoned_sql
from shuzhi.gather.contracts.model import Field, LogicalType
from shuzhi.gather.contracts.values import precision_and_scale

# Blanks beyond the control signs and the space: U+00A0, U+3000, U+FEFF.
_WIDE_BLANKS = "(160, 12288, 65279)"

_YES = ("true", "1", "True", "是")
_NO = ("false", "0", "False", "否")


def first_looks(field: Field, text: str) -> tuple[str, ...]:
    """Return DuckDB expressions over a VARCHAR column that `typed_sql` needs, in its order."""
    if field.bounds.format:
        return ()
    match field.logical_type:
        case LogicalType.STRING:
            return f"ord({text})", f"ord({text}[-1])"
        case LogicalType.INTEGER:
            return (f"TRY_CAST({text} AS BIGINT)",)
        case LogicalType.NUMBER if not precision_and_scale(field):
            return (f"TRY_CAST({text} AS DOUBLE)",)
        case LogicalType.BOOLEAN:
            yes, no = (among_sql(text, words) for words in (_YES, _NO))
            return (f"CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END",)
        case LogicalType.DATE:
            return (f"TRY_CAST({text} AS DATE)",)
        case LogicalType.TIMESTAMP:
            return (f"TRY_CAST({text} AS TIMESTAMP)",)
        case _:
            return ()


def typed_sql(field: Field, text: str, looks: Sequence[str]) -> str:
    """Return DuckDB SQL with the value of `cast_sql(field, text)`.

    `looks` are the columns in which the expressions of `first_looks` stand.
    """
    exact = cast_sql(field, text)
    if not looks:
        return exact
    missing = [token for token in field.missing_values if token.strip()]
    is_missing = f"WHEN {among_sql(text, missing)} THEN NULL " if missing else ""
    test, value = _quick(field, text, looks)
    return (
        f"CASE WHEN {text} IS NULL THEN NULL {is_missing}WHEN {test} THEN {value} ELSE {exact} END"
    )


def _quick(field: Field, text: str, looks: Sequence[str]) -> tuple[str, str]:
    first = looks[0]
    match field.logical_type:
        case LogicalType.STRING:
            return " AND ".join(map(_no_blank, looks)), text
        case LogicalType.NUMBER:
            return f"isfinite({first}) AND NOT contains({text}, '_')", first
        case LogicalType.BOOLEAN:
            return f"{first} IS NOT NULL", first
        case LogicalType.DATE:
            return f"{_as_written(first, text)} AND strlen({text}) = 10", first
        case LogicalType.TIMESTAMP:
            test = f"{_as_written(first, text)} AND strlen({text}) = 19"
            return test, zoned_sql(first, field.bounds.zone)
        case _:
            return _as_written(first, text), first


def _as_written(value: str, text: str) -> str:
    # What reads back to the very same text was no 1e3, 0x1F or 2019/1/2, which casts also take.
    return f"CAST({value} AS VARCHAR) = {text}"


def _no_blank(code_point: str) -> str:
    return f"{code_point} > 32 AND {code_point} NOT IN {_WIDE_BLANKS}"
