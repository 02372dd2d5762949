"""A rule's YAML file, read strictly.

Keys: those of a head, then `sql` (with `look_back`) or `silence`, `reads`, `values`, `certainty`,
`merge_by`, `limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from shuzhi.decide.rules.cap import Certainty
from shuzhi.decide.rules.head_yaml import ColumnText, Head, HeadReader, NameText
from shuzhi.decide.rules.model import RowRule, Rule, SilenceRule, Value
from shuzhi.decide.rules.row_sql import LIMIT, check_rows
from shuzhi.decide.rules.silence_sql import check_expected
from shuzhi.decide.sql import problem_of
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
from shuzhi.kernel.ids import DatasetName

_CODE = "decide.bad_rule"


class _Silence(StrictModel):
    after: str
    every: str
    per: tuple[ColumnText, ...] = ()
    expected: str | None = None
    value: ColumnText | None = None


class _Limits(StrictModel):
    max_seconds: float = Field(5.0, gt=0, le=60)
    max_warnings: StrictInt = Field(1000, ge=1, le=100_000)


class _Shape(Head):
    sql: str | None = None
    look_back: str | None = None
    silence: _Silence | None = None
    reads: tuple[str, ...] = ()
    values: dict[NameText, StrictBool | StrictInt | StrictFloat | StrictStr] = Field({})
    certainty: Certainty = Certainty.OBSERVED
    merge_by: tuple[ColumnText, ...] = ()
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


class _Reader(HeadReader):
    """Turns one shape into a rule."""

    def __init__(self, document: Document, read: _Shape) -> None:
        super().__init__(document)
        self.read = read

    def rule(self, text: str) -> Rule:
        for where, problem in _disagreements(self.read):
            self.find(where, problem)
        reads = tuple(self.dataset(n, ("reads", i)) for i, n in enumerate(self.read.reads))
        common = self._common(reads, text)
        given = self.read.silence
        rule = self._row_rule(common) if given is None else self._silence_rule(common, given)
        answer = self._answer(rule)
        if answer is not None:
            self.columns(self.read, self.read.merge_by, answer)
        return rule

    def _common(self, reads: tuple[DatasetName, ...], text: str) -> dict[str, Any]:
        """Return what both sorts of rules have."""
        read = self.read
        return {
            **self.head(read, text),
            "certainty": read.certainty,
            "values": {name: _value(value) for name, value in read.values.items()},
            "reads": reads,
            "merge_by": tuple(c.lower() for c in read.merge_by),
            "max_seconds": read.limits.max_seconds,
            "max_warnings": read.limits.max_warnings,
        }

    def _row_rule(self, common: dict[str, Any]) -> RowRule:
        back = self.read.look_back
        span = None if back is None else self.span(back, ("look_back",))
        return RowRule(**common, sql=self.read.sql or "", look_back=span)

    def _silence_rule(self, common: dict[str, Any], given: _Silence) -> SilenceRule:
        rule = SilenceRule(
            **common,
            after=self.span(given.after, ("silence", "after")),
            every=self.span(given.every, ("silence", "every")),
            per=tuple(c.lower() for c in given.per),
            expected=given.expected,
            value=given.value,
        )
        if rule.merge_within < rule.every:
            problem = "is shorter than silence.every: each look would warn again"
            self.find(("merge_within",), problem)
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
