"""How a text becomes a typed value, as DuckDB SQL that never guesses.

A text is trimmed; an empty one and the field's tokens for "missing" are no value. What is left
either has exactly the shape of the field's type or becomes NULL, which the loader reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from shuzhi.gather.contracts.model import Field, LogicalType
from shuzhi.gather.contracts.values import precision_and_scale

_BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT = rf"{_DATE}[T ]{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,6}}0*)?)?"
_OFFSET = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_TRUE = ("true", "t", "yes", "y", "1", "是")
_FEW = 4
_FALSE = ("false", "f", "no", "n", "0", "否")


def text_sql(field: Field, column_sql: str) -> str:
    """Return DuckDB SQL for the text of a VARCHAR expression: trimmed, NULL when it is no value.

    Blank texts and the field's `missing_values` are no value. A text that is here and NULL after
    `cast_sql` is unreadable: finding "type".
    """
    # To trim is dear and seldom needed: a look at both ends is not.
    is_bare = f"NOT regexp_matches({column_sql}, '^[{_BLANKS}]|[{_BLANKS}]$')"
    trimmed = (
        f"CASE WHEN {is_bare} THEN {column_sql} ELSE trim({column_sql}, {_quoted(_BLANKS)}) END"
    )
    return (
        f"CASE WHEN {among_sql(trimmed, ('', *field.missing_values))} THEN NULL ELSE {trimmed} END"
    )


def cast_sql(field: Field, column_sql: str) -> str:
    """Return DuckDB SQL that reads a VARCHAR expression as the field's type.

    NULL where there is no value (`text_sql`) and where the text cannot be read: `12.0`, `1,000`
    and `0x1F` are no integers, `NaN` and `inf` no numbers, more decimal places than a DECIMAL
    has no decimal, 2019-02-30 no date, a wall-clock time that its zone skipped no instant. Of a
    time that its zone had twice, the first counts. The result's type is that of `arrow_schema`.
    """
    return _CASTS.get(field.logical_type, _json_array)(field, text_sql(field, column_sql))


def _text(_field: Field, text: str) -> str:
    return f"({text})"


def _integer(_field: Field, text: str) -> str:
    return _when(_matches(text, "[+-]?[0-9]+"), f"TRY_CAST({text} AS BIGINT)")


def _number(field: Field, text: str) -> str:
    decimal = precision_and_scale(field)
    if decimal:
        precision, scale = decimal
        shape = rf"[+-]?(?:[0-9]+(?:\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{0,{scale}}}0*)"
        return _when(_matches(text, shape), f"TRY_CAST({text} AS DECIMAL({precision}, {scale}))")
    shape = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
    read = f"TRY_CAST({text} AS DOUBLE)"
    return _when(f"{_matches(text, shape)} AND isfinite({read})", read)


def _boolean(_field: Field, text: str) -> str:
    yes, no = (among_sql(f"lower({text})", words) for words in (_TRUE, _FALSE))
    return f"CASE WHEN {yes} THEN TRUE WHEN {no} THEN FALSE END"


def _date(field: Field, text: str) -> str:
    if field.bounds.format:
        return f"CAST({_parsed(field.bounds.format, text)} AS DATE)"
    shape = f"{_matches(text, _DATE)} AND NOT starts_with({text}, '0000')"
    return _when(shape, f"TRY_CAST({text} AS DATE)")


def _timestamp(field: Field, text: str) -> str:
    zone = field.bounds.zone
    if field.bounds.format:
        parsed = _parsed(field.bounds.format, text)
        return parsed if "%z" in field.bounds.format.lower() else zoned_sql(parsed, zone)
    aware = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    return (
        f"CASE WHEN starts_with({text}, '0000') THEN NULL "
        f"WHEN {_matches(text, _MOMENT + _OFFSET)} THEN {aware} "
        f"WHEN {_matches(text, _MOMENT)} THEN {zoned_sql(f'TRY_CAST({text} AS TIMESTAMP)', zone)} "
        "END"
    )


def zoned_sql(wall: str, zone: str) -> str:
    """Return DuckDB SQL for the instant of a wall-clock TIMESTAMP in a zone; NULL when skipped."""
    if zone in ("UTC", "Etc/UTC"):
        return f"make_timestamptz(epoch_us({wall}))"
    name = _quoted(zone)
    instant = f"timezone({name}, {wall})"
    # DuckDB moves a skipped wall-clock time on and takes the second of a repeated one.
    earlier = f"{instant} - INTERVAL 1 HOUR"
    return (
        f"CASE WHEN timezone({name}, {earlier}) = {wall} THEN {earlier} "
        f"WHEN timezone({name}, {instant}) = {wall} THEN {instant} END"
    )


def _time(field: Field, text: str) -> str:
    if field.bounds.format:
        return f"strftime({_parsed(field.bounds.format, text)}, '%H:%M:%S')"
    short = _when(_matches(text, _CLOCK), f"{text} || ':00'")
    return f"coalesce({_when(_matches(text, _CLOCK + ':[0-5][0-9]'), text)}, {short})"


def _json_object(_field: Field, text: str) -> str:
    return _json(text, "OBJECT")


def _json_array(_field: Field, text: str) -> str:
    return _json(text, "ARRAY")


def _json(text: str, kind: str) -> str:
    return _when(f"json_valid({text})", _when(f"json_type({text}) = '{kind}'", text))


def _parsed(written: str, text: str) -> str:
    formats = written.split("||")
    listed = ", ".join(_quoted(one) for one in formats)
    parsed = f"try_strptime({text}, [{listed}])"
    # strptime takes 19 for the year 19; whoever writes a four-digit year means four digits.
    return _when(f"year({parsed}) BETWEEN 1000 AND 9999", parsed) if "%Y" in written else parsed


def _when(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _matches(text: str, shape: str) -> str:
    return f"regexp_full_match({text}, {_quoted(shape)})"


def among_sql(text: str, words: Sequence[str]) -> str:
    """Return DuckDB SQL that is true when a text is one of `words`."""
    listed = ", ".join(map(_quoted, words))
    # DuckDB joins the whole table with an IN (or list_contains) of more constants than a few.
    few = len(words) <= _FEW
    return f"{text} IN ({listed})" if few else f"list_position([{listed}], {text}) IS NOT NULL"


def _quoted(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="duckdb")


_CASTS = {
    LogicalType.STRING: _text,
    LogicalType.INTEGER: _integer,
    LogicalType.NUMBER: _number,
    LogicalType.BOOLEAN: _boolean,
    LogicalType.DATE: _date,
    LogicalType.TIMESTAMP: _timestamp,
    LogicalType.TIME: _time,
    LogicalType.OBJECT: _json_object,
    LogicalType.MAP: _json_object,
}
