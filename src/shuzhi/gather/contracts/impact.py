"""Who notices a change of a contract, decided by where it stands and which way it goes.

A promise made weaker breaks who relied on it; one made stronger may keep out rows that the
provider could deliver before; other terms concern neither, and words concern nobody's program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

Path = tuple[str, ...]
Verdict = tuple["Impact", str, str]


class Impact(IntEnum):
    """How much a change asks of others, the heaviest first."""

    BREAKING = 0
    STRICTER = 1
    COMPATIBLE = 2
    WORDS = 3


_GONE: Verdict = (Impact.BREAKING, "who uses it finds it no longer", "使用方将不再能找到它")
_NEW: Verdict = (Impact.COMPATIBLE, "it is new and takes nothing away", "新增内容，不影响已有使用")
_WEAKER: Verdict = (
    Impact.BREAKING,
    "a promise is weaker: values may come that could not come before",
    "承诺减弱：可能出现以前不会出现的值",
)
_STRONGER: Verdict = (
    Impact.STRICTER,
    "a promise is stronger: rows may be kept out that were taken before",
    "承诺加强：以前接收的行可能被隔离",
)
_MEANING: Verdict = (Impact.BREAKING, "the values mean something else", "数值含义改变")
_OTHER: Verdict = (Impact.COMPATIBLE, "no value of the data changes by it", "不影响数据取值")
_WORDS: Verdict = (Impact.WORDS, "it is for people to read", "仅供阅读")
_BETTER: Verdict = (Impact.COMPATIBLE, "the service gets better", "服务水平提高")

_HIGHER_IS_STRONGER = frozenset(
    {"minimum", "exclusiveMinimum", "minLength", "mustBeGreaterThan", "mustBeGreaterOrEqualTo"}
)
_LOWER_IS_STRONGER = frozenset(
    {"maximum", "exclusiveMaximum", "maxLength", "mustBeLessThan", "mustBeLessOrEqualTo"}
)
_HIGHER_IS_BETTER = frozenset({"availability", "retention", "throughput", "endofsupport"})
_DECIMAL = re.compile(r"(?i)\s*(decimal|numeric)\b")
_READ_BY_PEOPLE = frozenset(
    {
        *("description", "tags", "businessName", "examples", "authoritativeDefinitions", "team"),
        *("support", "apiVersion", "version", "contractCreatedTs", "physicalName", "titleZh"),
    }
)


def judge(path: Path, before: Any, after: Any) -> Verdict:
    """Return the impact of a change at `path` and who notices it (en, zh); None is absence."""
    if _READ_BY_PEOPLE & set(path[-2:] if path[:1] == ("schema",) else path[:1]):
        return _WORDS
    if path in (("id",), ("name",)):
        return _MEANING
    if path == ("status",):
        return _GONE if after == "retired" else _OTHER
    if path[:1] == ("slaProperties",):
        return _service_level(path, before, after)
    return _schema(path, before, after) if path[:1] == ("schema",) else _OTHER


def _schema(path: Path, before: Any, after: Any) -> Verdict:
    if len(path) <= 2 or path[-2] == "properties":
        return _whole(before, after)
    if "quality" in path:
        return _rule(path, before, after)
    for part in reversed(path):
        if part in _PARTS:
            return _PARTS[part](path, before, after)
    return _OTHER


def _whole(before: Any, after: Any) -> Verdict:
    if after is None:
        return _GONE
    is_column = isinstance(after, Mapping) and after.get("required") is True
    return _STRONGER if is_column and before is None else _NEW


def _flag(_path: Path, before: Any, after: Any) -> Verdict:
    if bool(before) == bool(after):
        return _OTHER
    return _STRONGER if after else _WEAKER


def _always(verdict: Verdict) -> Callable[[Path, Any, Any], Verdict]:
    return lambda _path, _before, _after: verdict


def _physical(_path: Path, before: Any, after: Any) -> Verdict:
    # Only a decimal's digits reach the stored table; other words are the source's own.
    is_decimal = any(_DECIMAL.match(str(word)) for word in (before, after))
    return _MEANING if is_decimal else _OTHER


def _options(path: Path, before: Any, after: Any) -> Verdict:
    if path[-1] == "logicalTypeOptions":
        return _WEAKER if after is None else _STRONGER
    if path[-1] in ("format", "timezone", "defaultTimezone"):
        return _MEANING
    return _limit(path, before, after)


def _limit(path: Path, before: Any, after: Any) -> Verdict:
    if before is None:
        return _STRONGER
    if after is None:
        return _WEAKER
    low, high = path[-1] in _HIGHER_IS_STRONGER, path[-1] in _LOWER_IS_STRONGER
    try:
        rises = bool(after > before)
    except TypeError:
        return _WEAKER
    return _STRONGER if (low and rises) or (high and not rises) else _WEAKER


def _values(path: Path, _before: Any, after: Any) -> Verdict:
    is_whole_list = path[-1] == "enum"
    allows_less = (after is None) != is_whole_list
    return _STRONGER if allows_less else _WEAKER


def _key(_path: Path, _before: Any, _after: Any) -> Verdict:
    return (Impact.BREAKING, "rows are told apart by something else", "行的标识方式改变")


def _custom(path: Path, _before: Any, _after: Any) -> Verdict:
    return _MEANING if "unit" in path or "missingValues" in path else _OTHER


def _rule(path: Path, before: Any, after: Any) -> Verdict:
    if path[-1] == "quality" or path[-2] == "quality":
        return _WEAKER if after is None else _STRONGER
    if path[-1] in ("name", "id", "schedule", "scheduler", "businessImpact", "method"):
        return _OTHER
    return _limit(path, before, after)


_PARTS: Mapping[str, Callable[[Path, Any, Any], Verdict]] = {
    "logicalType": _always(_MEANING),
    "physicalType": _physical,
    "required": _flag,
    "unique": _flag,
    "primaryKey": _key,
    "primaryKeyPosition": _key,
    "logicalTypeOptions": _options,
    "enum": _values,
    "relationships": lambda _p, _b, after: _WEAKER if after is None else _STRONGER,
    "customProperties": _custom,
}


def _service_level(path: Path, before: Any, after: Any) -> Verdict:
    if after is None:
        return _WEAKER if len(path) <= 2 else _OTHER
    if before is None:
        return _BETTER if len(path) <= 2 else _OTHER
    if path[-1] != "value":
        return _MEANING if path[-1] == "unit" else _OTHER
    old, new = _number(before), _number(after)
    if old is None or new is None:
        return _WEAKER
    is_higher_better = path[1].replace("_", "").lower() in _HIGHER_IS_BETTER
    return _BETTER if (new > old) == is_higher_better else _WEAKER


def _number(value: Any) -> float | None:
    try:
        return float(str(value).strip().removesuffix("%"))
    except ValueError:
        return None
