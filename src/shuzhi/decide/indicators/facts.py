"""Facts lent by the wings above, so that indicators can count cases and warnings.

They are kept in the lake under names of their own: so they have versions, and a number that was
counted from them can be counted again as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from shuzhi.kernel.ids import DatasetName

CASES, WARNINGS = DatasetName("case_facts"), DatasetName("warning_facts")
LENT = frozenset({CASES, WARNINGS})


@dataclass(frozen=True)
class Facts:
    """Rows as they stand now, one for each `key`."""

    key: str
    rows: Callable[[], pa.Table]


Lent = Mapping[DatasetName, Facts]
