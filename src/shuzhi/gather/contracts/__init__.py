"""Contracts: what a provider promises about its data sets (ODCS 3.1)."""

from shuzhi.gather.contracts.diff import Bump, Change, diff, diff_documents, required_bump
from shuzhi.gather.contracts.impact import Impact
from shuzhi.gather.contracts.model import (
    Bounds,
    Contract,
    Dimension,
    Field,
    LogicalType,
    QualityRule,
    Reference,
    ServiceLevel,
    Table,
)
from shuzhi.gather.contracts.odcs import parse_contract, read_contract, write_contract
from shuzhi.gather.contracts.use_cases import (
    InService,
    contracted_datasets,
    in_service,
    register,
    table_named,
    version_named,
    versions,
)

__all__ = [
    "Bounds",
    "Bump",
    "Change",
    "Contract",
    "Dimension",
    "Field",
    "Impact",
    "InService",
    "LogicalType",
    "QualityRule",
    "Reference",
    "ServiceLevel",
    "Table",
    "contracted_datasets",
    "diff",
    "diff_documents",
    "in_service",
    "parse_contract",
    "read_contract",
    "register",
    "required_bump",
    "table_named",
    "version_named",
    "versions",
    "write_contract",
]
