"""Lineage: where every data set and column comes from, and what depends on it."""

from shuzhi.gather.lineage.columns import columns_of
from shuzhi.gather.lineage.exchange import ImportReport, export_events, import_events
from shuzhi.gather.lineage.functions import FUNCTIONS, check_functions
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
    law_node,
)
from shuzhi.gather.lineage.queries import check_traceable, parse_query, read_datasets
from shuzhi.gather.lineage.trace import Place, Step, Trace, trace
from shuzhi.gather.lineage.use_cases import record_run

__all__ = [
    "FUNCTIONS",
    "Assertion",
    "ColumnRef",
    "ImportReport",
    "Input",
    "Kind",
    "Node",
    "Output",
    "Place",
    "Run",
    "SchemaField",
    "Step",
    "Subtype",
    "Trace",
    "check_functions",
    "check_traceable",
    "columns_of",
    "export_events",
    "import_events",
    "lake_node",
    "law_node",
    "parse_query",
    "read_datasets",
    "record_run",
    "trace",
]
