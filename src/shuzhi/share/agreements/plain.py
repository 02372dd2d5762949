"""Values of this room as plain JSON and back, for histories, rows and audit entries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from shuzhi.share.agreements.clocks import ClockRun

Value = TypeVar("Value")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def plain(value: object) -> Any:
    """Return a frozen value as what JSON holds."""
    return _adapter(type(value)).dump_python(value, mode="json")


def unplain(kind: type[Value], content: Any) -> Value:
    """Return the value of `kind` that `plain` made `content` of."""
    found: Value = _adapter(kind).validate_python(content, strict=False)
    return found


def canonical(content: Any) -> bytes:
    """Return JSON as the bytes that are hashed: keys in order, UTF-8, no spaces."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def starting(*runs: ClockRun) -> dict[str, Any]:
    """Return the part of a step's facts that starts clocks."""
    return {"starts": [plain(run) for run in runs]}


def started(facts: dict[str, Any]) -> Iterable[ClockRun]:
    """Return the clocks that a step starts."""
    return [unplain(ClockRun, content) for content in facts.get("starts", ())]
