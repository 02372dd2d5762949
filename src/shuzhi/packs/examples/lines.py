"""Writes an example down for people: given, when, then, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from shuzhi.packs.examples.model import (
    Deed,
    Example,
    ExpectedCase,
    ExpectedWarning,
    Step,
    Then,
)
from shuzhi.packs.examples.tables import TextTable


def example_lines(example: Example) -> Iterator[str]:
    """Yield an example as plain lines: given, when, then."""
    if example.given.now:
        yield f"given  it is {_time(example.given.now)} in {example.zone}"
    yield from _tables("given  ", example.given.rows)
    for step in example.when:
        yield from _step(step)
    yield from _then(example.then)


def _step(step: Step) -> Iterator[str]:
    at = f"at {_time(step.at)}, " if step.at else ""
    if step.file is not None:
        yield f"when   {at}the file {step.file.name} arrives at {step.file.source}"
        yield from (f"         {line}" for line in step.file.text.splitlines())
    elif step.report is not None:
        report = step.report
        yield f"when   {at}{report.by.person} reports {report.kind} ({report.severity})"
    elif step.do is not None:
        yield f"when   {at}{_deed(step.do)}"
    elif not step.rows:
        yield f"when   it is {_time(step.at)}" if step.at else "when   time passes"
    yield from _tables(f"when   {at}", step.rows)


def _deed(deed: Deed) -> str:
    who = f"{deed.by.person} of {deed.by.party} ({deed.by.role})"
    to = f" to {', '.join(deed.to)}" if deed.to else ""
    what = f"with {', '.join(deed.evidence)}" if deed.evidence else ""
    bad = "" if deed.is_good else "as not good"
    refused = f"and is refused: {deed.refused}" if deed.refused else ""
    said = f"{who} does {deed.verb} on case {deed.case}{to}"
    return " ".join(part for part in (said, what, bad, refused) if part)


def _then(then: Then) -> Iterator[str]:
    if then.warnings is not None:
        yield from (f"then   {_warning(w)}" for w in then.warnings)
        if not then.warnings:
            yield "then   no warning"
    if then.cases is not None:
        yield from (f"then   {_case(case)}" for case in then.cases)
        if not then.cases:
            yield "then   no case"
    yield from _tables("then   ", then.rows)
    for name, count in then.quarantined.items():
        yield f"then   {count} rows of {name} are kept out"
    for name, groups in then.indicators.items():
        shown = ", ".join(f"{g} {'no value' if v is None else v}" for g, v in groups.items())
        yield f"then   {name}: {shown}"


def _warning(warning: ExpectedWarning) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in warning.facts.items())
    severity = f"{warning.severity.value} " if warning.severity else ""
    party = f" for {warning.party}" if warning.party else ""
    return f"a {severity}warning {warning.rule}{party}" + (f": {facts}" if facts else "")


def _case(case: ExpectedCase) -> str:
    stage = f" at {case.stage}" if case.stage else ""
    party = f" of {case.responsible}" if case.responsible else ""
    clocks = "; ".join(
        f"{name} {'late' if clock.is_late else 'due'} {_time(clock.due)}"
        for name, clock in case.clocks.items()
    )
    return f"a case {case.kind}{party}{stage}" + (f": {clocks}" if clocks else "")


def _tables(head: str, tables: Mapping[str, TextTable]) -> Iterator[str]:
    for name, table in tables.items():
        yield f"{head}rows of {name}" + ("" if table.rows else ": none")
        if table.rows:
            yield from (f"         {line}" for line in _lined_up(table))


def _lined_up(table: TextTable) -> Iterator[str]:
    rows = [[cell or "·" for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="minutes")
