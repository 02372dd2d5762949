"""What a data contract promises about its data sets, as frozen values.

This is the reading of ODCS 3.1 that the rest of the house uses; `odcs.py` translates from and to
the standard's file. One table of a contract is one data set of the lake, under the same name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shuzhi.kernel.ids import DatasetName


class LogicalType(StrEnum):
    """ODCS `logicalType`; map and vector came with 3.2. The last four travel as JSON texts."""

    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    MAP = "map"
    VECTOR = "vector"


class Dimension(StrEnum):
    """The six quality dimensions of GB/T 36344-2018."""

    CONFORMITY = "conformity"  # 规范性
    COMPLETENESS = "completeness"  # 完整性
    ACCURACY = "accuracy"  # 准确性
    CONSISTENCY = "consistency"  # 一致性
    TIMELINESS = "timeliness"  # 时效性
    ACCESSIBILITY = "accessibility"  # 可访问性


@dataclass(frozen=True)
class Bounds:
    """ODCS `logicalTypeOptions`; None where the contract says nothing.

    `minimum` and `maximum` are in the field's unit; for dates and timestamps they are ISO texts.
    `format` is a DuckDB strptime pattern (several, parted by `||`, of which the first that fits
    counts) for dates and times that are not ISO 8601 in the source; `odcs.py` makes it from the
    JDK pattern of the standard. `zone` is the IANA zone in which timestamps without an offset were
    written. `width` is the standard's number format (`i8` … `u64`, `f32`, `f64`).
    """

    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    zone: str = "UTC"
    width: str | None = None


@dataclass(frozen=True)
class Reference:
    """A foreign key: the columns here, in order, must be found in `dataset`'s columns there."""

    columns: tuple[str, ...]
    dataset: DatasetName
    referred: tuple[str, ...]


@dataclass(frozen=True)
class QualityRule:
    """One ODCS `quality` entry, of a table or of a column (`column` None for the table).

    `kind` is ODCS `type` (library, sql, text, custom). Exactly the `must_…` limits that the
    contract states are in `limits`, keyed by their ODCS name (`mustBeLessThan`, …). The
    `arguments` of a custom rule are its `engine` and `implementation` (a text or a mapping).
    """

    name: str
    kind: str
    column: str | None
    metric: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    query: str | None = None
    unit: str = "rows"
    limits: dict[str, Any] = field(default_factory=dict)
    dimension: Dimension | None = None
    severity: str | None = None
    description: str = ""

    @property
    def tolerates_none(self) -> bool:
        """Whether not one breach is allowed: its only limit says so in one of three ways."""
        return self.limits in ({"mustBe": 0}, {"mustBeLessOrEqualTo": 0}, {"mustBeLessThan": 1})


@dataclass(frozen=True)
class Field:
    """One column of a table (ODCS property).

    `source_columns` are the names it may bear in a source; `missing_values` are the texts that
    stand for "no value" there (`NA`, `-999`), besides the empty one. `properties` holds the
    `customProperties` that have no place of their own here.
    """

    name: str
    logical_type: LogicalType
    physical_type: str | None = None
    title: str = ""
    description: str = ""
    unit: str | None = None
    is_required: bool = False
    is_unique: bool = False
    key_position: int | None = None
    bounds: Bounds = Bounds()
    allowed_values: tuple[Any, ...] = ()
    classification: str | None = None
    examples: tuple[Any, ...] = ()
    source_columns: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    title_zh: str = ""
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceLevel:
    """One ODCS `slaProperties` entry; `element` is `table.column`, `unit` the contract's own."""

    name: str
    value: Any
    unit: str | None = None
    element: str | None = None


@dataclass(frozen=True)
class Table:
    """One data set of a contract (ODCS schema object). `fields` keep the contract's order."""

    name: DatasetName
    fields: tuple[Field, ...]
    title: str = ""
    description: str = ""
    references: tuple[Reference, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    service_levels: tuple[ServiceLevel, ...] = ()
    title_zh: str = ""
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns in their order; empty when the contract states none."""
        keyed = [f for f in self.fields if f.key_position is not None]
        return tuple(f.name for f in sorted(keyed, key=lambda f: f.key_position or 0))

    def field(self, name: str) -> Field:
        """Return the field called `name`; KeyError when there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


@dataclass(frozen=True)
class Contract:
    """A data contract (ODCS 3.1): what a provider promises about one or more data sets.

    `properties` holds the contract's `customProperties`; the catalogue reads its own from there.
    `document` is the standard's document that it was read from, whole; empty for one made in code.
    """

    id: str
    name: str
    version: str
    status: str
    tables: tuple[Table, ...]
    domain: str | None = None
    description: str = ""
    limitations: str = ""
    tags: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def table(self, name: str) -> Table:
        """Return the table called `name`; KeyError when there is none."""
        for candidate in self.tables:
            if candidate.name == name:
                return candidate
        raise KeyError(name)
