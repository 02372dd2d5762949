"""What must agree between the files of a pack: names that are used are declared somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from shuzhi.decide.indicators import LENT
from shuzhi.decide.models import Model, ordered, other_unit
from shuzhi.kernel.documents import Finding
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.law import LawParameter, LawTable
from shuzhi.packs.examples.checking import example_findings
from shuzhi.packs.kinds import KINDS
from shuzhi.packs.names import Names, meant
from shuzhi.packs.rule_checks import (
    case_findings,
    message_findings,
    rule_findings,
    tracing_findings,
)

# Kinds of file that are named after the one thing in them.
_BY_ID = ("indicators", "rules", "forecasters", "case_kinds", "matters")
_ONE_NAME = ("contracts", "sources", *_BY_ID)


def cross_findings(names: Names) -> tuple[Finding, ...]:
    """Return where one file of the pack contradicts another."""
    own = (_one_name, _writes, _owner, _sources, _models, _indicators, _matters)
    of_rules = (rule_findings, tracing_findings, case_findings, message_findings)
    checks = (*own, *of_rules, example_findings)
    return tuple(finding for check in checks for finding in check(names))


def _one_name(names: Names) -> Iterator[Finding]:
    pack = names.pack
    folder = pack.declared.folder.name
    if folder != pack.id:
        problem = f"is {pack.id!r}, but the folder is named {folder!r}; one name for one thing"
        yield names.of_manifest(("id",), problem)
    for (key, name), path in pack.declared.files.items():
        ending = KINDS[key].pattern.partition("*")[2]
        stem = path.name.removesuffix(ending)
        if key in _ONE_NAME and stem != name:
            problem = f"is {name!r}, but the file is named {stem!r}; one name for one thing"
            yield names.of(key, name, ("id" if key in _BY_ID else "name",), problem)


def _writes(names: Names) -> Iterator[Finding]:
    written = names.pack.manifest.writes
    for name in sorted(names.made - set(written)):
        yield names.of_manifest(("writes",), f"lacks {name!r}, which the pack declares")
    for i, name in enumerate(written):
        if name not in names.made:
            problem = f"has {name!r}, which no file declares. {meant(name, names.made)}"
            yield names.of_manifest(("writes", i), problem)


def _owner(names: Names) -> Iterator[Finding]:
    owner = names.pack.manifest.owner
    if owner is not None and (problem := names.unknown_party(owner)):
        yield names.of_manifest(("owner",), problem)


def _matters(names: Names) -> Iterator[Finding]:
    for matter in names.pack.declared.matters.values():
        if problem := names.unknown_party(matter.owner):
            yield names.of("matters", matter.id, ("owner",), problem)
        if problem := names.unknown("forms", matter.form, "form"):
            yield names.of("matters", matter.id, ("form",), problem)
        if problem := names.unknown("case_kinds", matter.case_kind, "kind of case"):
            yield names.of("matters", matter.id, ("case_kind",), problem)


def _sources(names: Names) -> Iterator[Finding]:
    for source in names.pack.declared.sources.values():
        if problem := names.unknown_dataset(source.dataset, "loads"):
            yield names.of("sources", source.name, ("dataset",), problem)
        if problem := names.unknown_party(source.provider):
            yield names.of("sources", source.name, ("provider",), problem)


def _models(names: Names) -> Iterator[Finding]:
    models = names.pack.declared.models
    for model in models.values():
        for dataset in model.reads:
            if problem := names.unknown_dataset(dataset):
                yield names.of("models", model.name, (), problem)
        yield from _law_of(names, model)
    try:
        ordered(models.values())
    except RefusedError as error:
        folder = names.pack.declared.folder / "models"
        yield names.finding(folder, (), f"{error.message} {error.next_step}")


def _law_of(names: Names, model: Model) -> Iterator[Finding]:
    for parameter in model.parameters:
        found, problem = names.law(parameter.law), names.unknown_law(parameter.law)
        if isinstance(found, LawParameter):
            problem = other_unit(parameter, found)
        if problem:
            place = parameter.place
            yield Finding(place.file, place.line, f"parameters.{parameter.name}", problem)
    for table in model.tables:
        if problem := names.unknown_law(table.law, LawTable):
            yield Finding(table.place.file, table.place.line, "tables", problem)


def _indicators(names: Names) -> Iterator[Finding]:
    for goal in names.pack.declared.indicators.values():
        for where, indicator in goal.places:
            for dataset in sorted({*indicator.reads} - LENT):
                if problem := names.unknown_dataset(dataset):
                    yield names.of("indicators", goal.id, (*where, "reads"), problem)
            if problem := names.unknown_party(indicator.owner):
                yield names.of("indicators", goal.id, (*where, "owner"), problem)
            for parameter in sorted(indicator.law):
                if problem := names.unknown_law(parameter):
                    yield names.of("indicators", goal.id, (*where, "thresholds"), problem)
