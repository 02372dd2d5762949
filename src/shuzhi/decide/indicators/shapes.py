"""The shapes of an indicator file: which keys it has and what may stand there."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt

from shuzhi.decide.indicators.model import Kind
from shuzhi.decide.indicators.thresholds import Direction
from shuzhi.kernel.documents import StrictModel

NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
Id = Annotated[str, Field(pattern=NAME, max_length=60)]
ColumnName = Annotated[str, Field(min_length=1, max_length=120)]
# A float is meant as it is written, not as the machine holds it.
Number = Annotated[
    Decimal, BeforeValidator(lambda v: Decimal(repr(v)) if isinstance(v, float) else v)
]
Weight = Annotated[Number, Field(gt=0, le=1_000_000)]


class TitleShape(StrictModel):
    """A name in both languages."""

    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class LawShape(StrictModel):
    """A number that law sets, or a multiple of it."""

    law: Id
    times: Weight = Decimal(1)


End = Number | LawShape
BandShape = End | Annotated[tuple[End, ...], Field(min_length=2, max_length=2)]


class ThresholdsShape(StrictModel):
    """Where green, yellow and orange end; what lies beyond the last is red."""

    direction: Direction
    green: BandShape | None = None
    yellow: BandShape | None = None
    orange: BandShape | None = None


class ScoreShape(StrictModel):
    """The values for no points and for a hundred."""

    zero: Number
    full: Number


class LimitsShape(StrictModel):
    """How long one question may take."""

    max_seconds: StrictInt | StrictFloat = Field(30.0, gt=0, le=600)


class IndicatorShape(StrictModel):
    """One indicator: `sql` with what belongs to it, or `expression`."""

    id: Id
    title: TitleShape
    kind: Kind
    unit: str = Field(min_length=1, max_length=40)
    decimals: StrictInt = Field(2, ge=0, le=9)
    owner: str
    refresh: str
    weight: Weight | None = None
    thresholds: ThresholdsShape | None = None
    score: ScoreShape | None = None
    group_by: tuple[ColumnName, ...] = ()
    expression: str | None = None
    sql: str | None = None
    reads: tuple[str, ...] = ()
    adds_up: StrictBool | None = None
    rows: str | None = None
    cases: str | None = None
    warnings: str | None = None
    limits: LimitsShape | None = None


class DimensionShape(StrictModel):
    """One side of a goal."""

    id: Id
    title: TitleShape
    weight: Weight | None = None
    indicators: tuple[IndicatorShape, ...]


class GoalShape(StrictModel):
    """A whole file."""

    id: Id
    title: TitleShape
    dimensions: tuple[DimensionShape, ...]
