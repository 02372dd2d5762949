"""What the examples of a pack name must be there: data sets and columns, rules, kinds, parties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from shuzhi.gather.sources.model import FileSource
from shuzhi.kernel.documents import Finding, Where
from shuzhi.packs.examples.model import (
    Deed,
    Example,
    ExpectedCase,
    Person,
    ReportGiven,
    Step,
    Then,
)
from shuzhi.packs.examples.tables import TextTable
from shuzhi.packs.names import Names, meant

Problems = Iterator[tuple[Where, str | None]]


def example_findings(names: Names) -> Iterator[Finding]:
    """Yield where an example names what is not there, or a row has another column."""
    for file in names.pack.declared.examples.values():
        for i, example in enumerate(file.examples):
            for where, problem in _of_example(names, example):
                if problem:
                    yield names.of("examples", file.name, ("examples", i, *where), problem)


def _of_example(names: Names, example: Example) -> Problems:
    yield from _given_rows(names, ("given", "rows"), example.given.rows)
    for i, step in enumerate(example.when):
        yield from _of_step(names, ("when", i), step)
    yield from _of_then(names, ("then",), example.then)


def _of_step(names: Names, where: Where, step: Step) -> Problems:
    yield from _given_rows(names, (*where, "rows"), step.rows)
    if step.file is not None:
        yield (*where, "file"), _file_problem(names, step.file.source, step.file.name)
    if step.report is not None:
        yield from _of_report(names, (*where, "report"), step.report)
    if step.do is not None:
        yield from _of_deed(names, (*where, "do"), step.do)


def _file_problem(names: Names, name: str, file: str) -> str | None:
    sources = names.pack.declared.sources
    source = sources.get(name)
    if source is None:
        return names.unknown("sources", name, "source")
    if not isinstance(source, FileSource) or source.format not in ("csv", "jsonl"):
        return f"{name} does not read files of text; give `rows` instead"
    if not PurePath(file).match(PurePath(source.path).name):
        return f"{name} reads {source.path}, which {file!r} does not match"
    return None


def _of_report(names: Names, where: Where, report: ReportGiven) -> Problems:
    yield (*where, "kind"), names.unknown("case_kinds", report.kind, "kind of case")
    yield from _of_person(names, (*where, "by"), report.by)
    if report.responsible is not None:
        yield (*where, "responsible"), names.unknown_party(report.responsible)


def _of_deed(names: Names, where: Where, deed: Deed) -> Problems:
    yield from _of_person(names, (*where, "by"), deed.by)
    for i, party in enumerate(deed.to):
        yield (*where, "to", i), names.unknown_party(party)


def _of_person(names: Names, where: Where, person: Person) -> Problems:
    yield (*where, "party"), names.unknown_party(person.party)


def _of_then(names: Names, where: Where, then: Then) -> Problems:
    for i, warning in enumerate(then.warnings or ()):
        yield (*where, "warnings", i, "rule"), names.unknown_rule(warning.rule)
        if warning.party is not None:
            yield (*where, "warnings", i, "party"), names.unknown_party(warning.party)
    for i, case in enumerate(then.cases or ()):
        yield from _of_case(names, (*where, "cases", i), case)
    for name, table in then.rows.items():
        yield from _rows(names, (*where, "rows", name), name, table)
    for name in then.quarantined:
        yield (*where, "quarantined", name), names.unknown_dataset(name)
    yield from _of_indicators(names, (*where, "indicators"), then)


def _of_case(names: Names, where: Where, case: ExpectedCase) -> Problems:
    yield (*where, "kind"), names.unknown("case_kinds", case.kind, "kind of case")
    kind = names.pack.declared.case_kinds.get(case.kind)
    clocks = {clock.id for clock in kind.clocks} if kind else set[str]()
    for clock in sorted(set(case.clocks) - clocks if kind else ()):
        yield (*where, "clocks", clock), f"{case.kind} has no such clock. {meant(clock, clocks)}"
    for key, party in (("responsible", case.responsible), ("escalated_to", case.escalated_to)):
        if party is not None:
            yield (*where, key), names.unknown_party(party)


def _of_indicators(names: Names, where: Where, then: Then) -> Problems:
    goals = names.pack.declared.indicators.values()
    known = {str(each.id) for goal in goals for each in goal.indicators}
    for name in sorted(set(then.indicators) - known):
        yield (*where, name), f"there is no indicator {name!r}. {meant(name, known)}"


def _given_rows(names: Names, where: Where, rows: Mapping[str, TextTable]) -> Problems:
    for name, table in rows.items():
        if name in names.pack.declared.models:
            yield (*where, name), "is made by a model; give rows to what the model reads"
        yield from _rows(names, (*where, name), name, table)


def _rows(names: Names, where: Where, name: str, table: TextTable) -> Problems:
    yield where, names.unknown_dataset(name, "gives rows of")
    columns = names.columns_of(name)
    for column in table.columns if columns else ():
        if column.lower() not in columns:
            yield where, f"{name} has no column {column!r}. {meant(column, columns)}"
