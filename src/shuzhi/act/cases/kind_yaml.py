"""A case kind's YAML file, read strictly.

Keys: `id`, `title: {zh, en}`, `severities` (mildest first), `steps` (verb to ways), `clocks`,
`closing.evidence` (kind of file to least number), and `working_hours` where a clock counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from shuzhi.act.cases.evidence import EvidenceKind
from shuzhi.act.cases.kind import STARTS, CaseKind, ClockRule, Title, Way, leads_to
from shuzhi.act.cases.model import ENDED, CaseRole, Stage, Verb
from shuzhi.act.cases.spans import SpanUnit, parse_office_hours, parse_span
from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    parse_document,
    shape,
)

_BAD = "act.bad_case_kind"
_STATED = "stated"
_HOW = "write it as 30 minutes, 24 hours, 8 working hours or 5 working days"
_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


_Listed = BeforeValidator(_listed)
_Stages = Annotated[tuple[Stage, ...], _Listed, Field(min_length=1)]
_Roles = Annotated[tuple[CaseRole, ...], _Listed, Field(min_length=1)]


class _TitleShape(StrictModel):
    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)

    def title(self) -> Title:
        return Title(self.zh, self.en)


class _WayShape(StrictModel):
    starts: _Stages = Field(alias="from")
    roles: _Roles = Field(alias="by")


class _ClockShape(StrictModel):
    id: str = Field(pattern=_NAME, max_length=60)
    title: _TitleShape
    over: _Stages
    answers: Literal["desk", "handler"]
    limit: str | dict[str, str]
    escalate_every: str | None = None
    legal_basis: str | None = None

    def texts(self, severities: Iterable[str]) -> dict[str, str]:
        """The limit's text by severity; one text is for all."""
        if isinstance(self.limit, str):
            return dict.fromkeys(severities, self.limit)
        return self.limit


class _ClosingShape(StrictModel):
    evidence: dict[EvidenceKind, Annotated[int, Field(ge=1, le=100)]] = Field(min_length=1)


class _KindShape(StrictModel):
    id: str = Field(pattern=_NAME, max_length=60)
    title: _TitleShape
    severities: tuple[Annotated[str, Field(pattern=_NAME, max_length=40)], ...] = Field(
        min_length=1
    )
    steps: dict[Verb, Annotated[tuple[_WayShape, ...], _Listed]]
    clocks: tuple[_ClockShape, ...]
    closing: _ClosingShape
    working_hours: tuple[str, ...] = ()

    def kind(self) -> CaseKind:
        hours = sorted(h for text in self.working_hours if (h := parse_office_hours(text)))
        return CaseKind(
            id=self.id,
            title=self.title.title(),
            severities=self.severities,
            ways=tuple(self._ways()),
            clocks=tuple(self._clock(c) for c in self.clocks),
            evidence={str(kind): least for kind, least in self.closing.evidence.items()},
            office_hours=tuple(hours),
        )

    def _ways(self) -> Iterator[Way]:
        for verb, ways in self.steps.items():
            for way in ways:
                yield Way(verb, frozenset(way.starts), frozenset(way.roles))

    def _clock(self, clock: _ClockShape) -> ClockRule:
        texts = clock.texts(self.severities)
        spans = {severity: parse_span(text) for severity, text in texts.items()}
        every = clock.escalate_every
        return ClockRule(
            id=clock.id,
            title=clock.title.title(),
            over=frozenset(clock.over),
            answers=CaseRole(clock.answers),
            limits=None if clock.limit == _STATED else {k: v for k, v in spans.items() if v},
            escalate_every=None if every is None else parse_span(every),
            legal_basis=clock.legal_basis,
        )


def parse_case_kind(raw: bytes, *, file: str) -> CaseKind:
    """Parse the YAML of a case kind; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `act.bad_case_kind` with file and line of
            everything that is wrong: an unknown key, stage, verb or role, a step that the life
            cycle does not allow, a stage that cannot be reached or left, no way to CLOSED, a
            clock without a limit for a severity, or a span of time that cannot be read.
    """
    document = parse_document(raw, file=file)
    read = shape(document, _KindShape, code=_BAD)
    findings = (*_of_steps(document, read), *_of_clocks(document, read), *_of_hours(document, read))
    if findings:
        raise DocumentError(_BAD, tuple(findings))
    return read.kind()


def _of_steps(document: Document, read: _KindShape) -> Iterator[Finding]:
    if len(set(read.severities)) < len(read.severities):
        yield document.finding(("severities",), "names one twice")
    for verb, ways in read.steps.items():
        where = ("steps", verb.value)
        if verb not in STARTS:
            yield document.finding(where, "happens by itself; remove it")
            continue
        wrong = {stage for way in ways for stage in way.starts} - STARTS[verb]
        for stage in sorted(wrong):
            allowed = ", ".join(sorted(STARTS[verb]))
            yield document.finding(where, f"cannot start from {stage}; it can from {allowed}")
    yield from _of_stages(document, read.kind())


def _of_stages(document: Document, kind: CaseKind) -> Iterator[Finding]:
    reached = reachable(kind)
    for way in kind.ways:
        for stage in sorted(way.starts - reached):
            problem = f"starts from {stage}, where no case of this kind can ever be"
            yield document.finding(("steps", way.verb.value), problem)
    for stage in sorted(reached - ENDED):
        if not any(kind.ways_from(stage)):
            yield document.finding(("steps",), f"no step leads out of {stage}")
    if not any(way.verb is Verb.CLOSE and way.starts & reached for way in kind.ways):
        yield document.finding(("steps",), "no way leads to CLOSED through a check")


def reachable(kind: CaseKind) -> frozenset[Stage]:
    """Return the stages in which a case of this kind can ever be."""
    reached: frozenset[Stage] = frozenset({Stage.NEW})
    while True:
        ways = (leads_to(way) for way in kind.ways if way.starts & reached)
        more = reached.union(*ways)
        if more == reached:
            return reached
        reached = more


def _of_clocks(document: Document, read: _KindShape) -> Iterator[Finding]:
    reached, seen = reachable(read.kind()), set[str]()
    for i, clock in enumerate(read.clocks):
        where = ("clocks", i)
        if clock.id in seen:
            yield document.finding((*where, "id"), f"{clock.id} is used twice")
        seen.add(clock.id)
        for stage in sorted(set(clock.over) - reached):
            yield document.finding((*where, "over"), f"no case of this kind can ever be {stage}")
        for stage in sorted(set(clock.over) & (ENDED | {Stage.SUSPENDED})):
            yield document.finding((*where, "over"), f"a clock does not run in {stage}")
        yield from _of_limit(document, read, i)


def _of_limit(document: Document, read: _KindShape, i: int) -> Iterator[Finding]:
    clock, where = read.clocks[i], ("clocks", i, "limit")
    texts = {} if clock.limit == _STATED else clock.texts(read.severities)
    for severity in sorted(set(texts) ^ set(read.severities) if texts else ()):
        problem = "is missing" if severity in read.severities else "is no severity of this kind"
        yield document.finding(where, f"{severity} {problem}")
    every = [] if clock.escalate_every is None else [clock.escalate_every]
    for text in (*sorted(set(texts.values())), *every):
        span = parse_span(text)
        if span is None:
            yield document.finding(where, f"{text[:40]!r} is no span of time; {_HOW}")
        elif span.unit is SpanUnit.WORKING_MINUTES and not read.working_hours:
            yield document.finding(where, f"{span} need working_hours in this file")


def _of_hours(document: Document, read: _KindShape) -> Iterator[Finding]:
    until = time.min
    for i, text in enumerate(read.working_hours):
        hours = parse_office_hours(text)
        if hours is None:
            yield document.finding(("working_hours", i), f"{text[:40]!r}: write it as 09:00-12:00")
            continue
        if hours[0] < until:
            yield document.finding(("working_hours", i), "starts before the one above has ended")
        until = hours[1]
