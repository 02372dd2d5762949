"""What a model is: one SELECT whose answer is a data set under the file's name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shuzhi.kernel.events import Event
from shuzhi.kernel.ids import DatasetName


class Grain(StrEnum):
    """The span of time that an incremental model always computes whole."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True)
class Incremental:
    """How a model is built from what changed only.

    Rows of data set `dataset` that came, went or changed name the grains of its time `by` that are
    computed anew; the answer's rows of these grains, told by its column `at`, are replaced. `key`
    tells the rows of the answer apart. Rows without a time belong to no grain and are not read.
    """

    dataset: DatasetName
    by: str
    grain: Grain
    key: tuple[str, ...]
    at: str


@dataclass(frozen=True)
class Place:
    """Where something stands in a model's file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Parameter:
    """A number of law that the SQL names `:name`.

    It is the one in force at each row's `column`, a date or (`is_instant`) an instant, and NULL
    before the first. `unit` is the one that the SQL reckons in.
    """

    name: str
    law: str
    unit: str
    column: str
    is_instant: bool
    place: Place


@dataclass(frozen=True)
class Table:
    """A table of law that the SQL reads by its id, as if it were a data set.

    Beside its own columns it has `valid_from` and `valid_to`, the last day or NULL.
    """

    law: str
    place: Place


@dataclass(frozen=True)
class Model:
    """One model as its file says it; `reads` are the data sets that the SQL names, sorted."""

    name: DatasetName
    title_zh: str
    title_en: str
    sql: str
    reads: tuple[DatasetName, ...]
    incremental: Incremental | None = None
    parameters: tuple[Parameter, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def law(self) -> tuple[str, ...]:
        """The ids of what the SQL takes from law, sorted."""
        numbers = (parameter.law for parameter in self.parameters)
        return tuple(sorted({*numbers, *(table.law for table in self.tables)}))


class State(StrEnum):
    """What a run did with a model."""

    BUILT = "built"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class ModelRun:
    """What became of one model: rows written and the version they made, or why it was not built."""

    model: DatasetName
    state: State
    rows: int = 0
    version: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class ModelBuilt(Event):
    """A model's data set has a new version."""

    dataset: DatasetName
    version: int
