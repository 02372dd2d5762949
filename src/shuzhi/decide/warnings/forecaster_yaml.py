"""A forecaster's YAML file, `warnings/*.yaml` of a pack, read strictly.

Keys: those of every rule, then `value`, `per`, `grain`, `combine`, `season`, `history`, `model`,
`level`, `least`, `most_gaps`, `horizon`, `every`, and either `crossing` or `anomaly`; `limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, StrictFloat, StrictInt

from shuzhi.decide.rules.head_yaml import ColumnShape, ColumnText, Head, HeadReader
from shuzhi.decide.warnings.judging import FACTS
from shuzhi.decide.warnings.model import (
    Anomaly,
    Basis,
    Combine,
    Crossing,
    Direction,
    Forecaster,
    Method,
    ModelName,
)
from shuzhi.decide.warnings.steps import Grain
from shuzhi.kernel.documents import DocumentError, StrictModel, Where, parse_document, shape

_CODE = "decide.bad_forecaster"
_Number = StrictInt | StrictFloat
# In steps: 60 days, and 52 weeks.
_HISTORY = {Grain.HOUR: 60 * 24, Grain.DAY: 52 * 7}
_MOST_STEPS = 20_000


class _Crossing(StrictModel):
    limit: _Number | None = None
    direction: Direction = Direction.ABOVE
    of: Basis = Basis.FORECAST


class _Anomaly(StrictModel):
    side: Literal["above", "below", "both"] = "both"
    run: StrictInt = Field(ge=1, le=1000)
    effect: _Number = Field(ge=0)


class _Limits(StrictModel):
    max_seconds: float = Field(120.0, gt=0, le=3600)
    max_warnings: StrictInt = Field(1000, ge=1, le=100_000)
    max_series: StrictInt = Field(2000, ge=1, le=20_000)


class _Shape(Head):
    value: ColumnText
    per: tuple[ColumnText, ...] = ()
    grain: Grain
    combine: Combine | None = None
    season: tuple[StrictInt, ...] = ()
    history: str | None = None
    model: ModelName = ModelName.MSTL
    level: StrictInt = Field(90, ge=50, le=99)
    least: _Number | None = None
    most_gaps: float = Field(0.2, ge=0, le=0.5)
    horizon: str
    every: str | None = None
    crossing: _Crossing | None = None
    anomaly: _Anomaly | None = None
    limits: _Limits = _Limits()


def parse_forecaster(raw: bytes, *, file: str) -> Forecaster:
    """Parse the YAML of a forecaster; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `decide.bad_forecaster` with file and line of
            everything that is wrong.
    """
    document = parse_document(raw, file=file)
    read = shape(document, _Shape, code=_CODE)
    reader = _Reader(document)
    forecaster = reader.forecaster(read, raw.decode("utf-8-sig"))
    if reader.findings:
        raise DocumentError(_CODE, tuple(reader.findings))
    return forecaster


def read_forecaster(path: Path) -> Forecaster:
    """Return the forecaster in the file at `path`. Raises as `parse_forecaster`."""
    return parse_forecaster(path.read_bytes(), file=str(path))


class _Reader(HeadReader):
    """Turns one shape into a forecaster."""

    def forecaster(self, read: _Shape, text: str) -> Forecaster:
        per = tuple(column.lower() for column in read.per)
        self.columns(read, (), per)
        for where, problem in _disagreements(read):
            self.find(where, problem)
        every = read.grain.span if read.every is None else self.span(read.every, ("every",))
        made = Forecaster(
            **self.head(read, text),
            merge_by=per,
            value=read.value.lower(),
            per=per,
            grain=read.grain,
            combine=read.combine,
            method=self._method(read),
            horizon=self._steps(read.horizon, ("horizon",), read.grain),
            every=every,
            warns=_warns(read),
            max_seconds=read.limits.max_seconds,
            max_warnings=read.limits.max_warnings,
            max_series=read.limits.max_series,
        )
        if made.merge_within < every:
            self.find(("merge_within",), "is shorter than `every`: each look would warn again")
        return made

    def _method(self, read: _Shape) -> Method:
        seasons = tuple(sorted(set(read.season))) or (read.grain.season,)
        history = _HISTORY[read.grain]
        if read.history is not None:
            history = self._steps(read.history, ("history",), read.grain)
        if history < 3 * seasons[-1]:
            problem = f"is {history} steps, shorter than three seasons of {seasons[-1]}"
            self.find(("history",), problem)
        return Method(
            read.model,
            seasons,
            history,
            read.level,
            None if read.least is None else float(read.least),
            read.most_gaps,
        )

    def _steps(self, text: str, where: Where, grain: Grain) -> int:
        count, rest = divmod(self.span(text, where), grain.span)
        if rest or not 1 <= count <= _MOST_STEPS:
            problem = f"{text!r} is not 1 to {_MOST_STEPS:,} whole steps of one {grain.value}"
            self.find(where, problem)
        return max(1, count)


def _disagreements(read: _Shape) -> Iterator[tuple[Where, str]]:
    yield from _of_series(read)
    if (read.crossing is None) == (read.anomaly is None):
        yield (), "a forecaster has either `crossing` or `anomaly`, and one of the two"
    if isinstance(read.severity, ColumnShape):
        yield ("severity",), "is the same for all that is found here; write a colour"
    has_limit = read.crossing is not None and read.crossing.limit is not None
    if read.crossing is not None and has_limit == (read.legal_basis is not None):
        yield ("crossing",), "needs either `limit` or a `legal_basis`, and one of the two"
    if read.anomaly is not None and read.legal_basis is not None:
        yield ("legal_basis",), "sets a limit; an anomaly has none"


def _of_series(read: _Shape) -> Iterator[tuple[Where, str]]:
    if len({c.lower() for c in (*read.per, read.value)}) < len(read.per) + 1:
        yield ("per",), "names a column twice, or the value among what tells series apart"
    for i, column in enumerate(read.per):
        if column.lower() in FACTS:
            yield ("per", i), f"{column!r} is what a warning calls a fact of its own; rename it"
    if any(season < 2 for season in read.season):
        yield ("season",), "is the length of a season in steps, 2 or more"
    if len(set(read.season)) > 1 and read.model is not ModelName.MSTL:
        yield ("season",), f"{read.model.value} takes one season; mstl takes several"


def _warns(read: _Shape) -> Crossing | Anomaly:
    if read.crossing is None:
        anomaly = read.anomaly or _Anomaly(run=1, effect=0)
        both = (Direction.ABOVE, Direction.BELOW)
        sides = both if anomaly.side == "both" else (Direction(anomaly.side),)
        return Anomaly(frozenset(sides), anomaly.run, _decimal(anomaly.effect))
    given = read.crossing
    limit = read.legal_basis or _decimal(given.limit or 0)
    return Crossing(given.direction, given.of, limit)


def _decimal(number: Any) -> Decimal:
    return Decimal(repr(number))
