"""Lineage: where every data set and column comes from, and what depends on it."""

from shuzhi.gather.lineage.model import (
    Assertion,
    ColumnRef,
    Input,
    Kind,
    Node,
    Output,
    Run,
    SchemaField,
    Subtype,
    lake_node,
)
from shuzhi.gather.lineage.use_cases import record_run

__all__ = [
    "Assertion",
    "ColumnRef",
    "Input",
    "Kind",
    "Node",
    "Output",
    "Run",
    "SchemaField",
    "Subtype",
    "lake_node",
    "record_run",
]
