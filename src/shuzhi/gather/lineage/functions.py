"""Which functions a query of a pack may call: those that mean the same on every engine.

DuckDB and Spark differ silently on some (`../stack` of the design: date_diff, day of week, ordered
lists, percentiles), and some give another answer each time; both kinds are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from shuzhi.gather.lineage.errors import sql_error

_AGGREGATES = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.CountIf, exp.Stddev)
_NUMBERS = (exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Greatest, exp.Least, exp.Sqrt, exp.Sign)
_TEXTS = (exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Substring, exp.Concat, exp.StartsWith)
_CHOICES = (exp.Coalesce, exp.Nullif, exp.Case, exp.If, exp.Cast, exp.TryCast, exp.And, exp.Or)
_TIMES = (exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.Year, exp.Month, exp.Day)
_WINDOWS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue)
FUNCTIONS = (*_AGGREGATES, *_NUMBERS, *_TEXTS, *_CHOICES, *_TIMES, *_WINDOWS, exp.Exists)
_NAMES = sorted({kind.sql_name().lower() for kind in FUNCTIONS} - {"and", "or", "not", "exists"})
_PARTS = frozenset({"year", "quarter", "month", "day", "hour", "minute"})
# What is whole already, so that it does not matter whether a cast rounds or cuts.
_WHOLE = (exp.Floor, exp.Ceil, exp.Extract, exp.Year, exp.Month, exp.Day, exp.Length)
_COUNTS = (exp.Count, exp.CountIf, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Boolean)

_INSTEAD: Mapping[str, str] = {
    "now": "Take the time from a column; a model gives the same answer whenever it runs.",
    "current_timestamp": "Take the time from a column; a model gives the same answer at any time.",
    "current_date": "Take the day from a column; a model gives the same answer whenever it runs.",
    "random": "Order by a column; a model gives the same answer whenever it runs.",
    "uuid": "Take the key from the columns.",
    "date_diff": "Subtract the two times and compare with an INTERVAL; engines count this in "
    "different ways.",
    "dayofweek": "Join a calendar data set; engines number the days in different ways.",
    "list": "Aggregate to a number; engines order lists in different ways.",
    "quantile_cont": "Count how many lie below a limit; engines interpolate in different ways.",
}


def check_functions(query: exp.Query, sql: str) -> None:
    """Refuse every function in `query` that is not on the list.

    Raises:
        SqlError: `gather.sql_function` with its place and what to write instead.
    """
    for call in query.find_all(exp.Func):
        if not isinstance(call, FUNCTIONS):
            raise _refused(call, sql)
        if disagreement := _disagreement(call):
            problem, next_step = disagreement
            raise sql_error("gather.sql_function", problem, node=call, sql=sql, next_step=next_step)


def _disagreement(call: exp.Func) -> tuple[str, str] | None:
    """Return where engines part over a function of the list, and what to write instead."""
    if isinstance(call, exp.Extract) and call.name.lower() not in _PARTS:
        problem = f"engines differ in the {call.name.lower()} of a time."
        return problem, f"Take one of: {', '.join(sorted(_PARTS))}; or date_trunc."
    if isinstance(call, exp.Substring) and call.args["start"].name == "0":
        return "a text begins at 1; engines differ in what lies at 0.", "Write 1."
    is_integer = isinstance(call, exp.Cast) and call.to.this in exp.DataType.INTEGER_TYPES
    if is_integer and not _is_whole(call.this):
        problem = "to make a number whole one engine rounds and another cuts."
        return problem, "Say which: CAST(FLOOR(x) AS INTEGER), or ROUND or CEIL."
    return None


def _is_whole(node: exp.Expr) -> bool:
    if isinstance(node, (exp.Paren, exp.Window)):
        return _is_whole(node.this)
    if isinstance(node, exp.Round):
        return node.args.get("decimals") is None
    return isinstance(node, (*_WHOLE, *_COUNTS)) or node.is_int


def _refused(call: exp.Func, sql: str) -> Exception:
    name = call.sql("duckdb").partition("(")[0].lower()
    return sql_error(
        "gather.sql_function",
        f"the function {name[:40]} is not one that means the same on every engine.",
        node=call,
        sql=sql,
        next_step=_INSTEAD.get(name, f"Write it with these: {', '.join(_NAMES)}."),
    )
