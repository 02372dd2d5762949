"""Typed ids: names that people write and ids that the software makes.

A name (of a data set, source, party) is lower case snake_case, so that the same word can stand
in a file name, a URL, a table and a test.
"""

from __future__ import annotations

import re
from typing import NewType
from uuid import UUID, uuid4

from shuzhi.kernel.errors import RefusedError

DatasetName = NewType("DatasetName", str)
SourceName = NewType("SourceName", str)
PartyId = NewType("PartyId", str)
RunId = NewType("RunId", UUID)

_NAME = re.compile(r"[a-z][a-z0-9]*(_+[a-z0-9]+)*")
_MOST = 120


def dataset_name(text: str) -> DatasetName:
    """Return `text` as a data set's name, or refuse it (`kernel.bad_name`)."""
    return DatasetName(_name(text, kind="data set"))


def column_name(text: str) -> str:
    """Return `text` as a column's name, or refuse it (`kernel.bad_name`)."""
    return _name(text, kind="column")


def source_name(text: str) -> SourceName:
    """Return `text` as a source's name, or refuse it (`kernel.bad_name`)."""
    return SourceName(_name(text, kind="source"))


def party_id(text: str) -> PartyId:
    """Return `text` as a party's id, or refuse it (`kernel.bad_name`)."""
    return PartyId(_name(text, kind="party"))


def new_run_id() -> RunId:
    """Make the id of one run of a source, a check or a model (OpenLineage run ids are UUIDs)."""
    return RunId(uuid4())


def _name(text: str, *, kind: str) -> str:
    if len(text) <= _MOST and _NAME.fullmatch(text):
        return text
    raise RefusedError(
        "kernel.bad_name",
        f"{text[:60]!r} cannot name a {kind}.",
        next_step=f"Use lower-case letters, digits and underscores, at most {_MOST}, "
        "starting with a letter: air_quality_hourly.",
    )
