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
class Model:
    """One model as its file says it; `reads` are the data sets that the SQL names, sorted."""

    name: DatasetName
    title_zh: str
    title_en: str
    sql: str
    reads: tuple[DatasetName, ...]
    incremental: Incremental | None = None


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
