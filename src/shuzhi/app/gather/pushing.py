"""Delivers pushed messages to the data sets of contracts, as the rows of any other source.

The gateway only keeps them; here the two rooms of gather meet that know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from shuzhi.gather.contracts import table_named
from shuzhi.gather.lake import Lake
from shuzhi.gather.lake.query import workbench
from shuzhi.gather.sources.http_rows import batch, parse_page
from shuzhi.gather.sources.load import Loading, load_part, part_app_id
from shuzhi.gather.sources.model import Part, Source, SourceBase, Unreadable
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import new_run_id
from shuzhi.kernel.instant import Clock

_SOURCE = "pushed"
_ORIGIN = "gateway"
_MEMORY = "512MB"


@dataclass(frozen=True)
class Pushing:
    """The deliveries of a city; `scratch` is where large messages may be sorted."""

    control: Control
    lake: Lake
    scratch: Path
    clock: Clock

    def done(self, dataset: str) -> int:
        """Return up to which record a data set holds what was pushed."""
        return self.lake.committed(dataset, part_app_id(_SOURCE, _ORIGIN)) or 0

    def deliver(self, dataset: str, messages: Sequence[bytes], record: int) -> None:
        """Store the rows of messages, good ones in the data set, others in its quarantine.

        Raises:
            RefusedError: `gather.no_contract`, `gather.column_missing`.
        """
        contract, table = table_named(self.control, dataset)
        source = SourceBase(
            name=_SOURCE, dataset=dataset, provider=contract.name, extra_columns="ignore"
        )
        # A load asks a source for nothing but what every kind of it has.
        loading = Loading(self.lake, cast("Source", source), table, new_run_id(), self.clock())
        with workbench(self.scratch, _MEMORY) as connection:
            load_part(loading, _part(messages), record, connection)


def _part(messages: Sequence[bytes]) -> Part:
    """Return all records of the messages as one part; what is no record keeps its reason."""
    found: list[Any] = []
    unreadable: list[Unreadable] = []
    for number, raw in enumerate(messages, 1):
        try:
            content = parse_page(raw, "application/json", page=_ORIGIN)
        except RefusedError as error:
            text = raw.decode("utf-8", "replace")
            unreadable.append(
                Unreadable(_ORIGIN, number, text, "not_json", error.message, "不是 JSON")
            )
            continue
        found += content if isinstance(content, list) else [content]
    rows, no_rows = batch(found)
    unreadable += [
        Unreadable(_ORIGIN, r.place + 1, r.text, r.reason_code, "is no object", "不是对象")
        for r in no_rows
    ]
    reader = pa.RecordBatchReader.from_batches(rows.schema, [rows])
    return Part(_ORIGIN, "", reader, unreadable=lambda: unreadable)
