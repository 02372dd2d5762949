"""An indicator tree's YAML file, read strictly: a goal with dimensions with indicators.

The keys are those of `shapes`. An indicator has `sql` (with `reads`, `group_by`, `adds_up`, `rows`,
`cases`, `warnings`, `limits`) or an `expression` over indicators of the same goal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from shuzhi.decide.indicators.formula_yaml import FormulaReader
from shuzhi.decide.indicators.model import (
    Composed,
    Dimension,
    Goal,
    Indicator,
    IndicatorId,
    Measured,
    Scale,
)
from shuzhi.decide.indicators.shapes import (
    DimensionShape,
    End,
    GoalShape,
    IndicatorShape,
    LawShape,
    ThresholdsShape,
)
from shuzhi.decide.indicators.thresholds import (
    Band,
    Bound,
    Colour,
    Direction,
    Limit,
    Thresholds,
    unordered,
)
from shuzhi.decide.sql import parse_span
from shuzhi.kernel.documents import Document, DocumentError, Finding, Where, parse_document, shape
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId, party_id

_CODE = "decide.bad_indicator"


def parse_goal(raw: bytes, *, file: str) -> Goal:
    """Parse the YAML of an indicator tree; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `decide.bad_indicator` with file and line of
            everything that is wrong: an unknown key, SQL that reads what is not declared or
            answers with other columns, an expression over what is not there or over itself,
            thresholds out of order, a span that cannot be read.
    """
    document = parse_document(raw, file=file)
    read = shape(document, GoalShape, code=_CODE)
    reader = _Reader(document, read)
    goal = reader.goal(raw.decode("utf-8-sig"))
    reader.check(goal)
    if reader.findings:
        raise DocumentError(_CODE, tuple(reader.findings))
    return goal


def read_goal(path: Path) -> Goal:
    """Return the indicator tree in the file at `path`. Raises as `parse_goal`."""
    return parse_goal(path.read_bytes(), file=str(path))


class _Reader:
    """Turns the shape of a file into a goal and gathers all that is wrong with it."""

    def __init__(self, document: Document, read: GoalShape) -> None:
        self.document = document
        self.read = read
        self.findings: list[Finding] = []
        self.places: dict[str, Where] = {}

    def goal(self, text: str) -> Goal:
        read = self.read
        dimensions = tuple(
            self._dimension(given, ("dimensions", i)) for i, given in enumerate(read.dimensions)
        )
        return Goal(read.id, read.title.zh, read.title.en, dimensions, text)

    def check(self, goal: Goal) -> None:
        """Note what is wrong with the tree as a whole."""
        names = [d.id for d in goal.dimensions]
        if not names:
            self._find(("dimensions",), "is empty")
        for i, name in enumerate(names):
            if name in names[:i]:
                self._find(("dimensions", i, "id"), f"repeats the id {name!r}")
            if not goal.dimensions[i].indicators:
                self._find(("dimensions", i, "indicators"), "is empty")
        for each in goal.indicators:
            if isinstance(each.formula, Composed):
                where = (*self.places[each.name], "expression")
                for problem in _of_composed(goal, each, each.formula):
                    self._find(where, problem)

    def _dimension(self, given: DimensionShape, where: Where) -> Dimension:
        indicators = tuple(
            self._indicator(each, (*where, "indicators", i))
            for i, each in enumerate(given.indicators)
        )
        return Dimension(given.id, given.title.zh, given.title.en, indicators, given.weight)

    def _indicator(self, given: IndicatorShape, where: Where) -> Indicator:
        if given.id in self.places:
            line = self.document.line_of(self.places[given.id])
            self._find((*where, "id"), f"repeats the id {given.id!r} of line {line}")
        self.places[given.id] = where
        formulas = FormulaReader(self.document, given, where)
        formula = formulas.formula()
        self.findings += formulas.findings
        return Indicator(
            id=IndicatorId(f"{self.read.id}.{given.id}"),
            name=given.id,
            title_zh=given.title.zh,
            title_en=given.title.en,
            kind=given.kind,
            unit=given.unit,
            owner=self._party(given.owner, (*where, "owner")),
            refresh=self._span(given.refresh, (*where, "refresh")),
            formula=formula,
            decimals=given.decimals,
            thresholds=self._thresholds(given.thresholds, (*where, "thresholds")),
            scale=self._scale(given, (*where, "score")),
            weight=given.weight,
        )

    def _thresholds(self, given: ThresholdsShape | None, where: Where) -> Thresholds | None:
        if given is None:
            return None
        bands = []
        for colour in (Colour.GREEN, Colour.YELLOW, Colour.ORANGE):
            stated = getattr(given, colour.value)
            if stated is not None and self._fits(stated, given.direction, (*where, colour.value)):
                bands.append(_band(colour, stated, given.direction))
        if not bands:
            self._find(where, "has none of green, yellow and orange")
        thresholds = Thresholds(given.direction, tuple(bands))
        for better, worse in unordered(_stated(thresholds)):
            self._find((*where, worse), f"does not reach beyond {better}")
        return thresholds

    def _fits(self, stated: End | tuple[End, ...], direction: Direction, where: Where) -> bool:
        is_pair = isinstance(stated, tuple)
        if is_pair != (direction is Direction.WITHIN):
            how = "[lowest, highest]" if direction is Direction.WITHIN else "one number"
            self._find(where, f"is to be {how} where the direction is {direction}")
            return False
        return True

    def _scale(self, given: IndicatorShape, where: Where) -> Scale | None:
        if given.score is None:
            if given.weight is not None:
                self._find(where, "is missing: a weight counts only with points, from zero to full")
            return None
        if given.score.zero == given.score.full:
            self._find(where, "zero and full are the same value")
            return None
        return Scale(given.score.zero, given.score.full)

    def _span(self, text: str, where: Where) -> timedelta:
        try:
            return parse_span(text)
        except RefusedError as error:
            self._find(where, f"{error.message} {error.next_step}")
            return timedelta(seconds=1)

    def _party(self, name: str, where: Where) -> PartyId:
        try:
            return party_id(name)
        except RefusedError as error:
            self._find(where, error.message)
            return PartyId(name)

    def _find(self, where: Where, problem: str) -> None:
        self.findings.append(self.document.finding(where, problem))


def _of_composed(goal: Goal, indicator: Indicator, formula: Composed) -> Iterator[str]:
    for name in formula.of:
        there = goal.named.get(name)
        if there is None:
            yield f"there is no indicator {name!r} in this goal: {', '.join(sorted(goal.named))}"
        elif formula.group_by and there.formula.group_by != formula.group_by:
            stated = ", ".join(there.formula.group_by) or "nothing"
            yield f"{name!r} is grouped by {stated}, not by {', '.join(formula.group_by)}"
        elif not formula.group_by and not _has_whole(there):
            yield f"{name!r} has values for its groups only; state the same `group_by`"
    if _reaches(goal, formula, indicator.name):
        yield "it comes back to itself"


def _has_whole(indicator: Indicator) -> bool:
    formula = indicator.formula
    return not formula.group_by or (isinstance(formula, Measured) and formula.adds_up)


def _reaches(goal: Goal, formula: Composed, name: str) -> bool:
    """Tell whether `name` lies below; what was seen once is not looked at again."""
    seen: set[str] = set()
    left = list(formula.of)
    while left:
        each = left.pop()
        below = goal.named.get(each)
        if each == name:
            return True
        if each not in seen and below is not None and isinstance(below.formula, Composed):
            left += below.formula.of
        seen.add(each)
    return False


def _band(colour: Colour, stated: End | tuple[End, ...], direction: Direction) -> Band:
    if isinstance(stated, tuple):
        return Band(colour, _limit(stated[0]), _limit(stated[1]))
    if direction is Direction.HIGHER:
        return Band(colour, low=_limit(stated))
    return Band(colour, high=_limit(stated))


def _limit(stated: End) -> Limit:
    if isinstance(stated, LawShape):
        return Limit(law=stated.law, times=stated.times)
    return Limit(stated)


def _stated(thresholds: Thresholds) -> tuple[Bound, ...]:
    """Return the bands whose ends all stand in the file; those of law are known on a day only."""

    def number(limit: Limit | None) -> Decimal | None:
        return None if limit is None else limit.number

    return tuple(
        Bound(band.colour, number(band.low), number(band.high))
        for band in thresholds.bands
        if not any(end is not None and end.law for end in (band.low, band.high))
    )
