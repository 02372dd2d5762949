"""Runs the benchmarks that are named, or all of them: `python -m benchmarks quality`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def _names() -> list[str]:
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem[0] != "_")


if __name__ == "__main__":
    chosen = sys.argv[1:] or _names()
    unknown = sorted(set(chosen) - set(_names()))
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(_names())}.")
    for name in chosen:
        import_module(f"benchmarks.{name}").main()
