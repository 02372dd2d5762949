"""Reads the formula of an indicator: its SQL and the queries behind it, or its expression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from shuzhi.decide.indicators.expression import names_in
from shuzhi.decide.indicators.model import Composed, Measured
from shuzhi.decide.indicators.moments import MOMENTS, names_moment
from shuzhi.decide.indicators.shapes import IndicatorShape, LimitsShape
from shuzhi.decide.sql import parsed, problem_of, require_reads
from shuzhi.gather.lineage.errors import SqlError
from shuzhi.kernel.documents import Document, Finding, Where
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, dataset_name

NUMERATOR, DENOMINATOR, VALUE, AS_OF = "numerator", "denominator", "value", "as_of"
CASE, WARNING = "case_id", "warning_id"
# What belongs to `sql` and says nothing of an expression.
_OF_SQL = ("reads", "adds_up", "rows", "cases", "warnings", "limits")


class FormulaReader:
    """Turns one indicator's shape into its formula and gathers all that is wrong with it."""

    def __init__(self, document: Document, given: IndicatorShape, where: Where) -> None:
        self.document = document
        self.given = given
        self.where = where
        self.findings: list[Finding] = []
        self.group_by = tuple(column.lower() for column in given.group_by)

    def formula(self) -> Measured | Composed:
        """Return the formula; a broken one where there are findings."""
        given = self.given
        if (given.sql is None) == (given.expression is None):
            self._find(("sql",), "an indicator has either `sql` or `expression`, and one of them")
        if given.expression is not None:
            return self._composed(given.expression)
        return self._measured(given.sql or "")

    def _composed(self, expression: str) -> Composed:
        for key in _OF_SQL:
            if getattr(self.given, key) not in (None, ()):
                self._find((key,), "belongs to `sql`, not to an expression")
        try:
            names = names_in(expression)
        except RefusedError as error:
            self._find(("expression",), f"{error.message} {error.next_step}")
            return Composed(expression, ())
        if not names:
            self._find(("expression",), "names no indicator")
        return Composed(expression, names, self.group_by)

    def _measured(self, sql: str) -> Measured:
        given = self.given
        reads = tuple(self._dataset(name, ("reads", i)) for i, name in enumerate(given.reads))
        columns = self._answer("sql", sql, reads) or ()
        if columns:
            for problem in _of_columns(columns, self.group_by):
                self._find(("sql",), problem)
        if given.rows is None:
            self._find(("rows",), "is missing: a SELECT of the rows that stand behind the number")
        self._behind(reads)
        is_ratio = VALUE not in columns
        return Measured(
            sql=sql,
            reads=reads,
            rows=given.rows or "",
            is_ratio=is_ratio,
            group_by=self.group_by,
            adds_up=self._adds_up(sql, is_ratio=is_ratio) if columns else False,
            has_as_of=AS_OF in columns,
            is_dated=bool(columns) and names_moment(sql),
            cases=given.cases,
            warnings=given.warnings,
            max_seconds=(given.limits or LimitsShape()).max_seconds,
        )

    def _behind(self, reads: Iterable[DatasetName]) -> None:
        for key, needed in (("rows", ()), ("cases", (CASE,)), ("warnings", (WARNING,))):
            sql = getattr(self.given, key)
            columns = None if sql is None else self._answer(key, sql, reads)
            if columns is not None and "*" not in columns:
                for name in (*self.group_by, *needed):
                    if name not in columns:
                        self._find((key,), f"lacks the column {name!r}")

    def _adds_up(self, sql: str, *, is_ratio: bool) -> bool:
        stated = self.given.adds_up
        if not self.group_by or stated is not None:
            return bool(stated and self.group_by)
        if is_ratio and parsed(sql, names=MOMENTS).find(exp.Distinct):
            problem = "state `adds_up`: what DISTINCT counts in two groups may be the same thing"
            self._find(("sql",), problem)
        return is_ratio

    def _answer(self, key: str, sql: str, reads: Iterable[DatasetName]) -> tuple[str, ...] | None:
        """Return the columns of a query's answer; None when it is refused."""
        try:
            query = parsed(sql, names=MOMENTS)
            require_reads(sql, frozenset(map(str, reads)))
            return tuple("*" if s.is_star else s.alias_or_name.lower() for s in query.selects)
        except SqlError as error:
            # A block of text begins on the line below its key.
            below = error.line if "\n" in sql else 0
            where = (*self.where, key)
            line = self.document.line_of(where) + below
            path = ".".join(map(str, where))
            self.findings.append(Finding(self.document.file, line, path, problem_of(error)))
        return None

    def _dataset(self, name: str, where: Where) -> DatasetName:
        try:
            return dataset_name(name)
        except RefusedError as error:
            self._find(where, error.message)
            return DatasetName(name)

    def _find(self, where: Where, problem: str) -> None:
        self.findings.append(self.document.finding((*self.where, *where), problem))


def _of_columns(columns: tuple[str, ...], group_by: tuple[str, ...]) -> Iterator[str]:
    numbers = (VALUE,) if VALUE in columns else (NUMERATOR, DENOMINATOR)
    for name in (*numbers, *group_by):
        if columns.count(name) != 1:
            yield f"answers {columns.count(name)} times with {name!r}; it is to be there once"
    for name in sorted(set(columns) - {*numbers, *group_by, AS_OF}):
        yield f"answers with {name!r}: name it under `group_by`, or leave it out"
