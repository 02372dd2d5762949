"""The hand-written statement with keys and references counted in sub-queries."""

from __future__ import annotations

from pathlib import Path

import handwritten
import readings as r


def check(folder: Path) -> list[str]:
    """Return the broken promises."""
    return handwritten.check(folder, within=False)


if __name__ == "__main__":
    r.run(check)
