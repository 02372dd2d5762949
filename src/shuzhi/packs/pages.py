"""Writes a pack down as a page of Markdown: everything that it declares, and its examples.

The page says what the files say, in both languages where they do; `docs/packs` keeps one for each
pack that has examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from shuzhi.act.cases import CaseKind, draw_kind
from shuzhi.decide.indicators import Goal
from shuzhi.decide.rules import OfColumn, Rule
from shuzhi.decide.warnings import Crossing, Forecaster
from shuzhi.gather.contracts import Table
from shuzhi.kernel.law import Law
from shuzhi.packs.examples.lines import example_lines
from shuzhi.packs.examples.reading import ExampleFile
from shuzhi.packs.model import Declared, Pack


def page(pack: Pack) -> str:
    """Return the page of a pack."""
    manifest, declared = pack.manifest, pack.declared
    head = (
        f"# {pack.id}: {manifest.title.zh} · {manifest.title.en}",
        "",
        f"{manifest.description.zh}",
        "",
        f"{manifest.description.en}",
        "",
        f"Version {manifest.version}. Written by `shuzhi pack docs {pack.id}`; do not edit.",
    )
    parts = (
        _section("Data sets", _datasets(declared)),
        _section("Rules", _rules(declared, declared.rules.values())),
        _section("Forecasts", _rules(declared, declared.forecasters.values())),
        _section("Cases", _cases(declared.case_kinds.values())),
        _section("Indicators", _goals(declared.indicators.values())),
        _section("Law", _law(declared.law)),
        _section("Examples", _examples(declared.examples.values())),
    )
    lines = (*head, *(line for part in parts for line in part))
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from ("", f"## {title}", *listed)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield from ("", _row(columns), "|" + "---|" * len(columns))
    yield from map(_row, rows)


def _row(cells: Sequence[object]) -> str:
    shown = ("" if cell is None else str(cell) for cell in cells)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in shown) + " |"


def _datasets(declared: Declared) -> Iterator[str]:
    for contract in declared.contracts.values():
        for table in contract.tables:
            yield from ("", f"### {table.name}: {table.title}", "", table.description)
            yield from _fields(table)
    if declared.models:
        yield from ("", "### Models")
        rows = (
            (f"`{m.name}`", f"{m.title_zh} · {m.title_en}", ", ".join(m.reads), ", ".join(m.law))
            for m in declared.models.values()
        )
        yield from _table(("model", "title", "reads", "law"), rows)


def _fields(table: Table) -> Iterator[str]:
    key = table.key
    rows = (
        (
            f"`{field.name}`" + (" (key)" if field.name in key else ""),
            field.title,
            field.logical_type.value,
            field.unit,
            field.description,
        )
        for field in table.fields
    )
    yield from _table(("column", "title", "type", "unit", "what"), rows)


def _rules(declared: Declared, rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        yield from ("", f"### {rule.id}: {rule.title_zh} · {rule.title_en}", "")
        message = declared.messages.get(f"rules.{rule.id}")
        if message is not None:
            yield from (f"> {message.zh}", ">", f"> {message.en}", "")
        yield from (f"- {line}" for line in _of_rule(rule))


def _of_rule(rule: Rule) -> Iterator[str]:
    reads = f", with {', '.join(f'`{name}`' for name in rule.reads)}" if rule.reads else ""
    yield f"over `{rule.dataset}`{reads}"
    if isinstance(rule, Forecaster):
        yield _foreseen(rule)
    yield f"severity: {_said(rule.severity)}; answers for it: {_said(rule.party or 'the desk')}"
    if rule.legal_basis is not None:
        yield f"limit: `{rule.legal_basis}`"
    if rule.values:
        yield "values: " + ", ".join(f"{name} {value}" for name, value in rule.values.items())
    if rule.case_kind is not None:
        yield f"opens: `{rule.case_kind}`"


def _foreseen(rule: Forecaster) -> str:
    """Return what a forecaster warns of."""
    method, grain = rule.method, rule.grain.value
    by = f"{method.model.value} of {method.history} {grain}s, interval {method.level} %"
    if isinstance(rule.warns, Crossing):
        side = f"the {rule.warns.basis.value} {rule.warns.direction.value} the limit"
        return f"`{rule.value}`: {side} within {rule.horizon} {grain}s ({by})"
    sides = " or ".join(sorted(rule.warns.sides))
    far = f"{rule.warns.effect} or more {sides} what was forecast, and outside the interval"
    return f"`{rule.value}`: {rule.warns.run} {grain}s on end {far} ({by})"


def _said(what: object) -> str:
    return f"what the column `{what.name}` says" if isinstance(what, OfColumn) else str(what)


def _cases(kinds: Iterable[CaseKind]) -> Iterator[str]:
    for kind in kinds:
        yield from ("", f"### {kind.id}: {kind.title.zh} · {kind.title.en}")
        rows = (
            (
                f"{clock.title.zh} · {clock.title.en}",
                ", ".join(sorted(clock.over)),
                clock.answers,
                "; ".join(f"{name} {span}" for name, span in (clock.limits or {}).items()),
            )
            for clock in kind.clocks
        )
        yield from _table(("clock", "runs in", "answers", "limit"), rows)
        needs = ", ".join(f"{least} {name}" for name, least in kind.evidence.items())
        yield from ("", f"To close: {needs}.", "", "```mermaid", draw_kind(kind).strip(), "```")


def _goals(goals: Iterable[Goal]) -> Iterator[str]:
    for goal in goals:
        yield from ("", f"### {goal.id}: {goal.title_zh} · {goal.title_en}")
        rows = (
            (f"`{each.id}`", f"{each.title_zh} · {each.title_en}", each.unit, each.owner)
            for each in goal.indicators
        )
        yield from _table(("indicator", "title", "unit", "owner"), rows)


def _law(law: Law) -> Iterator[str]:
    if law.parameters:
        yield from _parameters(law)
    for table in law.tables.values():
        yield from ("", f"### {table.id}: {table.description.zh} · {table.description.en}")
        for version in table.versions:
            basis = version.legal_basis or table.legal_basis
            compared = "compared" if version.is_verified else "not compared"
            yield from ("", f"{basis.law}, {basis.article}; from {version.since}, {compared}.")
            yield from _table(tuple(table.columns), version.rows)


def _parameters(law: Law) -> Iterator[str]:
    rows = (
        (
            f"`{each.id}`",
            f"{each.description.zh} · {each.description.en}",
            f"{value.value} {each.unit}",
            value.since,
            "yes" if value.is_verified else "no",
            f"{basis.law}, {basis.article}",
        )
        for each in law.parameters.values()
        for value in each.values
        for basis in (value.legal_basis or each.legal_basis,)
    )
    yield from _table(("parameter", "what", "value", "from", "compared with the text", "law"), rows)


def _examples(files: Iterable[ExampleFile]) -> Iterator[str]:
    for file in files:
        yield from ("", f"### {file.title.zh} · {file.title.en}")
        for example in file.examples:
            yield from ("", f"**{example.title.zh}** {example.title.en}", "", "```text")
            yield from example_lines(example)
            yield "```"
