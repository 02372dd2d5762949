"""A scheme's YAML file, read strictly.

Keys: `id`, `title`, `period` (month, quarter, year), `levels`, `counts_below`, `due`,
`least_weight`, `measures`, `beside` (the counter-numbers) and `appeal` (`raise_within`,
`decide_within`). A measure without its counter-number is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from shuzhi.act.evaluation.counts import COUNTS, DueRule
from shuzhi.act.evaluation.facts import FactKind
from shuzhi.act.evaluation.periods import Length
from shuzhi.act.evaluation.scheme import Measure, Scheme, Shown, Term, Words
from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    parse_document,
    shape,
)
from shuzhi.kernel.party import Level

_BAD = "act.bad_scheme"
_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=60)]
_Where = tuple[str | int, ...]


class _WordsShape(StrictModel):
    zh: str = Field(min_length=1, max_length=1_000)
    en: str = Field(min_length=1, max_length=1_000)

    def words(self) -> Words:
        return Words(self.zh, self.en)


class _CounterShape(StrictModel):
    id: _Id
    title: _WordsShape
    formula: _WordsShape
    of: FactKind
    numerator: str
    denominator: str
    only: tuple[str, ...] = ()
    shown: Shown = Shown.PERCENT

    def measure(self) -> Measure:
        return Measure(
            id=self.id,
            title=self.title.words(),
            formula=self.formula.words(),
            of=self.of,
            numerator=self.numerator,
            denominator=self.denominator,
            only=self.only,
            shown=self.shown,
        )


class _MeasureShape(_CounterShape):
    weight: Decimal = Field(gt=0, le=1_000)
    best: Decimal
    worst: Decimal
    least: Decimal = Field(ge=1)
    gaming: _WordsShape
    beside: tuple[_Id, ...] = Field(min_length=1)

    def measure(self) -> Measure:
        given = super().measure()
        return Measure(
            **{
                **vars(given),
                "weight": self.weight,
                "best": self.best,
                "worst": self.worst,
                "least": self.least,
                "gaming": self.gaming.words(),
                "beside": self.beside,
            }
        )


class _TermShape(StrictModel):
    working_days: int | None = Field(default=None, ge=1, le=250)
    law: str | None = None
    legal_basis: str | None = None
    verified: StrictBool | None = None
    note: str | None = None

    def term(self) -> Term:
        return Term(self.working_days, self.law, self.legal_basis, bool(self.verified))


class _AppealShape(StrictModel):
    raise_within: _TermShape
    decide_within: _TermShape


class _SchemeShape(StrictModel):
    id: _Id
    title: _WordsShape
    period: Length
    levels: tuple[Literal["city", "district", "town"], ...] = Field(min_length=1)
    counts_below: StrictBool = False
    due: DueRule = DueRule.DEADLINE
    least_weight: Decimal = Field(gt=0, le=1)
    measures: tuple[_MeasureShape, ...] = Field(min_length=1)
    beside: tuple[_CounterShape, ...]
    appeal: _AppealShape

    def scheme(self, text: str) -> Scheme:
        return Scheme(
            id=self.id,
            title=self.title.words(),
            length=self.period,
            levels=tuple(Level[level.upper()] for level in self.levels),
            counts_below=self.counts_below,
            due=self.due,
            least_weight=self.least_weight,
            measures=tuple(m.measure() for m in self.measures),
            counters=tuple(c.measure() for c in self.beside),
            raise_within=self.appeal.raise_within.term(),
            decide_within=self.appeal.decide_within.term(),
            text=text,
        )


def read_scheme(path: Path) -> Scheme:
    """Return the scheme in the file at `path`. Raises as `parse_scheme`."""
    return parse_scheme(path.read_bytes(), file=str(path))


def parse_scheme(raw: bytes, *, file: str) -> Scheme:
    """Parse the YAML of a scheme; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `act.bad_scheme` with file and line of everything
            that is wrong: an unknown key or count, a repeated id, a counter-number that is not
            there or that nobody shows, anchors that are the same, or a term that says neither
            days nor law, or both, or that nobody has checked and that does not say so.
    """
    document = parse_document(raw, file=file)
    read = shape(document, _SchemeShape, code=_BAD)
    findings = (*_of_ids(document, read), *_of_counts(document, read), *_of_terms(document, read))
    if findings:
        raise DocumentError(_BAD, findings)
    return read.scheme(raw.decode("utf-8-sig"))


def _listed(read: _SchemeShape) -> Iterator[tuple[_Where, _CounterShape]]:
    yield from ((("measures", i), measure) for i, measure in enumerate(read.measures))
    yield from ((("beside", i), counter) for i, counter in enumerate(read.beside))


def _of_ids(document: Document, read: _SchemeShape) -> Iterator[Finding]:
    seen, counters = set[str](), {counter.id for counter in read.beside}
    for where, measure in _listed(read):
        if measure.id in seen:
            yield document.finding((*where, "id"), f"{measure.id} is used twice")
        seen.add(measure.id)
    shown = {name for measure in read.measures for name in measure.beside}
    for i, measure in enumerate(read.measures):
        for name in sorted(set(measure.beside) - counters):
            yield document.finding(("measures", i, "beside"), f"{name} is no counter-number here")
    for i, counter in enumerate(read.beside):
        if counter.id not in shown:
            yield document.finding(("beside", i, "id"), "no measure shows it beside itself")
    if len(set(read.levels)) < len(read.levels):
        yield document.finding(("levels",), "names one twice")


def _of_counts(document: Document, read: _SchemeShape) -> Iterator[Finding]:
    for where, measure in _listed(read):
        known = COUNTS[measure.of]
        for key in ("numerator", "denominator"):
            name = getattr(measure, key)
            if name not in known:
                problem = f"{name[:40]!r} is no count of {measure.of}; {', '.join(known)} are"
                yield document.finding((*where, key), problem)
    for i, scored in enumerate(read.measures):
        if scored.best == scored.worst:
            yield document.finding(("measures", i, "best"), "is the same as worst")


def _of_terms(document: Document, read: _SchemeShape) -> Iterator[Finding]:
    for key in ("raise_within", "decide_within"):
        term: _TermShape = getattr(read.appeal, key)
        where = ("appeal", key)
        if (term.working_days is None) is (term.law is None):
            yield document.finding(where, "needs either working_days or law")
        elif term.law is not None and (term.legal_basis or term.verified is not None):
            yield document.finding(where, "the law parameter says basis and verified itself")
        elif term.law is None and term.verified is None:
            yield document.finding(where, "must say verified: true or false")
        elif term.verified and not term.legal_basis:
            yield document.finding(where, "is verified without a legal_basis to verify it by")
        elif term.verified is False and not term.note:
            yield document.finding(where, "is unverified without a note; say what is unchecked")
