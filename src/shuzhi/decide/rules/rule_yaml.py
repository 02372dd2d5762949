"""A rule's YAML file, read strictly.

Keys: `id`, `title: {zh, en}`, `dataset`, `event_time`, then `sql` (with `look_back`) or `silence`,
`reads`, `values`, `legal_basis`, `severity`, `urgency`, `certainty`, `responsible`, `case_kind`,
`merge_by`, `merge_within`, `owner`, `limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from shuzhi.decide.rules.cap import Certainty, Severity, Urgency, severity_of
from shuzhi.decide.rules.model import OfColumn, RowRule, Rule, RuleId, SilenceRule, Value
from shuzhi.decide.rules.row_sql import LIMIT, check_rows
from shuzhi.decide.rules.silence_sql import check_expected
from shuzhi.decide.sql import parse_span, problem_of
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    Finding,
    StrictModel,
    Where,
    parse_document,
    shape,
)
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, PartyId, dataset_name, party_id

_CODE = "decide.bad_rule"
_NAME = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_Id = Annotated[str, Field(pattern=_NAME, max_length=60)]
_ColumnName = Annotated[str, Field(min_length=1, max_length=120)]


class _Title(StrictModel):
    zh: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class _OfColumn(StrictModel):
    column: _ColumnName


class _OfParty(StrictModel):
    party: str


class _Silence(StrictModel):
    after: str
    every: str
    per: tuple[_ColumnName, ...] = ()
    expected: str | None = None
    value: _ColumnName | None = None


class _Limits(StrictModel):
    max_seconds: float = Field(5.0, gt=0, le=60)
    max_warnings: StrictInt = Field(1000, ge=1, le=100_000)


class _Shape(StrictModel):
    id: _Id
    title: _Title
    dataset: str
    event_time: _ColumnName
    sql: str | None = None
    look_back: str | None = None
    silence: _Silence | None = None
    reads: tuple[str, ...] = ()
    values: dict[_Id, StrictBool | StrictInt | StrictFloat | StrictStr] = Field({})
    legal_basis: _Id | None = None
    severity: str | _OfColumn
    urgency: Urgency = Urgency.EXPECTED
    certainty: Certainty = Certainty.OBSERVED
    responsible: _OfParty | _OfColumn | None = None
    case_kind: _Id | None = None
    merge_by: tuple[_ColumnName, ...] = ()
    merge_within: str
    owner: str
    limits: _Limits = _Limits()


def parse_rule(raw: bytes, *, file: str) -> Rule:
    """Parse the YAML of a rule; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document`, or `decide.bad_rule` with file and line of everything
            that is wrong: an unknown key, SQL that reads what is not declared or does not judge
            row by row, a column that the answer does not have, a span that cannot be read.
    """
    document = parse_document(raw, file=file)
    read = shape(document, _Shape, code=_CODE)
    reader = _Reader(document, read)
    rule = reader.rule(raw.decode("utf-8-sig"))
    if reader.findings:
        raise DocumentError(_CODE, tuple(reader.findings))
    return rule


def read_rule(path: Path) -> Rule:
    """Return the rule in the file at `path`. Raises as `parse_rule`."""
    return parse_rule(path.read_bytes(), file=str(path))


class _Reader:
    """Turns one shape into a rule and gathers all that is wrong with it."""

    def __init__(self, document: Document, read: _Shape) -> None:
        self.document = document
        self.read = read
        self.findings: list[Finding] = []

    def rule(self, text: str) -> Rule:
        for where, problem in _disagreements(self.read):
            self._find(where, problem)
        reads = tuple(self._dataset(n, ("reads", i)) for i, n in enumerate(self.read.reads))
        common = self._common(reads, text)
        given = self.read.silence
        rule = self._row_rule(common) if given is None else self._silence_rule(common, given)
        self._columns(self._answer(rule))
        return rule

    def _common(self, reads: tuple[DatasetName, ...], text: str) -> dict[str, Any]:
        """Return what both sorts of rules have."""
        read = self.read
        return {
            "id": RuleId(read.id),
            "title_zh": read.title.zh,
            "title_en": read.title.en,
            "dataset": self._dataset(read.dataset, ("dataset",)),
            "event_time": read.event_time,
            "severity": self._severity(read.severity),
            "urgency": read.urgency,
            "certainty": read.certainty,
            "legal_basis": read.legal_basis,
            "values": {name: _value(value) for name, value in read.values.items()},
            "party": self._responsible(read.responsible),
            "case_kind": read.case_kind,
            "reads": reads,
            "merge_by": tuple(c.lower() for c in read.merge_by),
            "merge_within": self._span(read.merge_within, ("merge_within",)),
            "owner": self._party(read.owner, "owner"),
            "max_seconds": read.limits.max_seconds,
            "max_warnings": read.limits.max_warnings,
            "text": text,
        }

    def _row_rule(self, common: dict[str, Any]) -> RowRule:
        back = self.read.look_back
        span = None if back is None else self._span(back, ("look_back",))
        return RowRule(**common, sql=self.read.sql or "", look_back=span)

    def _silence_rule(self, common: dict[str, Any], given: _Silence) -> SilenceRule:
        rule = SilenceRule(
            **common,
            after=self._span(given.after, ("silence", "after")),
            every=self._span(given.every, ("silence", "every")),
            per=tuple(c.lower() for c in given.per),
            expected=given.expected,
            value=given.value,
        )
        if rule.merge_within < rule.every:
            problem = "is shorter than silence.every: each look would warn again"
            self._find(("merge_within",), problem)
        return rule

    def _answer(self, rule: Rule) -> tuple[str, ...] | None:
        """Return the columns of the rule's answer; None when its SQL is refused."""
        read = self.read
        names = {*read.values, *({LIMIT} if read.legal_basis else ())}
        where: Where = ("sql",) if read.silence is None else ("silence", "expected")
        try:
            if isinstance(rule, RowRule):
                has_past = rule.look_back is not None
                return check_rows(rule.sql, values=names, reads=rule.reads, has_past=has_past)
            if isinstance(rule, SilenceRule):
                return check_expected(rule, reads=rule.reads)
        except SqlError as error:
            # A block of text begins on the line below its key.
            text = read.sql if read.silence is None else read.silence.expected
            below = error.line if "\n" in (text or "") else 0
            line = self.document.line_of(where) + below
            path = ".".join(map(str, where))
            self.findings.append(Finding(self.document.file, line, path, problem_of(error)))
        return None

    def _columns(self, answer: tuple[str, ...] | None) -> None:
        if answer is None:
            return
        read = self.read
        wanted: list[tuple[Where, str]] = [
            (("merge_by", i), name) for i, name in enumerate(read.merge_by)
        ]
        for key, given in (("severity", read.severity), ("responsible", read.responsible)):
            wanted += [((key,), given.column)] if isinstance(given, _OfColumn) else []
        for where, name in wanted:
            if name.lower() not in answer:
                self._find(where, f"{name!r} is no column of the answer: {', '.join(answer)}")

    def _severity(self, given: str | _OfColumn) -> Severity | OfColumn:
        if isinstance(given, _OfColumn):
            return OfColumn(given.column.lower())
        severity = severity_of(given)
        if severity is None:
            colours = "blue, yellow, orange, red or Minor, Moderate, Severe, Extreme"
            self._find(("severity",), f"{given[:40]!r} is no severity; write {colours}")
        return severity or Severity.BLUE

    def _responsible(self, given: _OfParty | _OfColumn | None) -> PartyId | OfColumn | None:
        if isinstance(given, _OfColumn):
            return OfColumn(given.column.lower())
        return None if given is None else self._party(given.party, "responsible")

    def _span(self, text: str, where: Where) -> timedelta:
        try:
            return parse_span(text)
        except RefusedError as error:
            self._find(where, f"{error.message} {error.next_step}")
            return timedelta(seconds=1)

    def _dataset(self, name: str, where: Where) -> DatasetName:
        try:
            return dataset_name(name)
        except RefusedError as error:
            self._find(where, error.message)
            return DatasetName(name)

    def _party(self, name: str, key: str) -> PartyId:
        try:
            return party_id(name)
        except RefusedError as error:
            self._find((key,), error.message)
            return PartyId(name)

    def _find(self, where: Where, problem: str) -> None:
        self.findings.append(self.document.finding(where, problem))


def _disagreements(read: _Shape) -> Iterator[tuple[Where, str]]:
    if (read.sql is None) == (read.silence is None):
        yield ("sql",), "a rule has either `sql` or `silence`, and one of the two"
    if LIMIT in read.values:
        yield ("values", LIMIT), "is the name of what `legal_basis` sets; choose another"
    if read.silence is None:
        return
    if read.look_back is not None:
        yield ("look_back",), "belongs to `sql`; a silence has `after`"
    if read.legal_basis or read.values:
        yield ("silence",), "takes neither `legal_basis` nor `values`; state `after`"
    if read.silence.per and read.silence.expected is None:
        yield ("silence", "expected"), "is missing: a query that lists the streams of `per`"


def _value(value: bool | float | str) -> Value:
    if isinstance(value, (bool, str)):
        return value
    return Decimal(repr(value))
