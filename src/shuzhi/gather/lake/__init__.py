"""The lake: Delta tables in a folder, written exactly once and durably, read through DuckDB."""

from shuzhi.gather.lake.difference import Difference
from shuzhi.gather.lake.inventory import Held, Tidied, inventory, tidy
from shuzhi.gather.lake.model import (
    Cleared,
    Commit,
    Compaction,
    LakeSettings,
    Repair,
    StagedFiles,
    Tx,
    Version,
    table_name,
)
from shuzhi.gather.lake.query import Answer, answer, require_question
from shuzhi.gather.lake.reading import LakeReader
from shuzhi.gather.lake.use_cases import Lake, open_lake

__all__ = [
    "Answer",
    "Cleared",
    "Commit",
    "Compaction",
    "Difference",
    "Held",
    "Lake",
    "LakeReader",
    "LakeSettings",
    "Repair",
    "StagedFiles",
    "Tidied",
    "Tx",
    "Version",
    "answer",
    "inventory",
    "open_lake",
    "require_question",
    "table_name",
    "tidy",
]
