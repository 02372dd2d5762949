r"""Dotted paths into parsed JSON: `data.items`, `result.0.rows`, `@odata\.nextLink`.

They only point; there are no wildcards or filters.
"""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"((?:[^.\\]|\\.)+)(?:\.(?!\Z)|\Z)", re.DOTALL)


def find(content: Any, path: str) -> Any:
    r"""Return what stands at the dotted `path` inside parsed JSON; `content` itself for "".

    A step is a key of an object or, written in digits, a place in a list (from 0); a dot inside
    a key is written `\.`, as in `@odata\.nextLink`.

    Raises:
        LookupError: nothing stands there.
    """
    for step in steps(path):
        content = _inside(content, step)
    return content


def steps(path: str) -> tuple[str, ...]:
    """Return the steps of a dotted path, unescaped. ValueError when one is empty."""
    found, position = [], 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"{path[:60]!r} is not a dotted path such as data.items")
        found.append(re.sub(r"\\(.)", r"\1", step[1]))
        position = step.end()
    return tuple(found)


def _inside(content: Any, step: str) -> Any:
    if isinstance(content, dict):
        return content[step]
    if isinstance(content, list) and step.isdecimal():
        return content[int(step)]
    raise LookupError(step)
