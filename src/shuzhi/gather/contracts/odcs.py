"""ODCS 3.1 documents: read strictly into the house's contract, and written back.

The published JSON Schema and pydantic model judge the document first (`odcs_schema`); only then is
it translated, so that every finding names its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    Relationship,
    SchemaObject,
    SchemaProperty,
)

from shuzhi.gather.contracts.model import (
    Bounds,
    Contract,
    Dimension,
    Field,
    LogicalType,
    QualityRule,
    Reference,
    ServiceLevel,
    Table,
)
from shuzhi.gather.contracts.odcs_schema import schema_findings
from shuzhi.gather.contracts.patterns import re2_pattern, strptime_format
from shuzhi.gather.contracts.values import typed
from shuzhi.kernel.documents import Document, DocumentError, Finding, Where, parse_document
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import DatasetName, column_name, dataset_name

_BAD = "gather.bad_contract"
_LIMITS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
# What ODCS calls a dimension beside GB/T 36344's word for it.
_DIMENSIONS = {
    "accuracy": Dimension.ACCURACY,
    "completeness": Dimension.COMPLETENESS,
    "conformity": Dimension.CONFORMITY,
    "consistency": Dimension.CONSISTENCY,
    "coverage": Dimension.COMPLETENESS,
    "timeliness": Dimension.TIMELINESS,
    "uniqueness": Dimension.ACCURACY,
    "accessibility": Dimension.ACCESSIBILITY,
}
_OWN = frozenset({"unit", "sourceColumns", "missingValues", "titleZh"})


def read_contract(path: Path) -> Contract:
    """Read the contract in the file at `path`. Raises as `parse_contract`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        finding = Finding(str(path), 1, "", f"cannot be read ({error.strerror})")
        raise DocumentError(_BAD, (finding,)) from None
    return parse_contract(raw, file=str(path))


def parse_contract(raw: bytes, *, file: str) -> Contract:
    """Read the bytes of an ODCS 3 document; `file` is how findings name it.

    Raises:
        DocumentError: `kernel.bad_document` when it is no YAML mapping, `gather.bad_contract`
            with every finding when it is no ODCS 3 contract or promises what nothing can check.
    """
    document = parse_document(raw, file=file)
    document = replace(document, content=_json_values(document.content))
    findings = schema_findings(document)
    if findings:
        raise DocumentError(_BAD, findings)
    odcs = OpenDataContractStandard.model_validate(document.content)
    problems = tuple(_problems(document, odcs))
    if problems:
        raise DocumentError(_BAD, problems)
    return _contract(document, odcs)


def write_contract(contract: Contract) -> str:
    """Return the contract's own document as ODCS YAML, nothing left out.

    Raises:
        RefusedError: `gather.contract_without_document` for a contract made in code.
    """
    if not contract.document:
        raise RefusedError(
            "gather.contract_without_document",
            f"Contract {contract.name!r} was made in code and has no document.",
            next_step="Write the document and read it with parse_contract.",
        )
    return yaml.safe_dump(contract.document, sort_keys=False, allow_unicode=True)


def require_for_lake(contract: Contract) -> Contract:
    """Return `contract` when its tables and columns can be data sets of the lake.

    Raises:
        RefusedError: `kernel.bad_name` for a name that is none there.
    """
    for table in contract.tables:
        dataset_name(table.name)
        for field in table.fields:
            column_name(field.name)
    return contract


def _json_values(value: Any) -> Any:
    """Return `value` with YAML's dates as the texts that the standard's JSON Schema knows."""
    if isinstance(value, dict):
        return {name: _json_values(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_json_values(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _problems(document: Document, odcs: OpenDataContractStandard) -> Iterator[Finding]:
    for t, table in enumerate(odcs.schema_ or ()):
        for p, prop in enumerate(table.properties or ()):
            where: Where = ("schema", t, "properties", p)
            for path, problem in _option_problems(prop):
                yield document.finding((*where, *path), problem)


def _option_problems(prop: SchemaProperty) -> Iterator[tuple[Where, str]]:
    options = prop.logicalTypeOptions or {}
    at = "logicalTypeOptions"
    for name, translate in (("pattern", re2_pattern), ("format", strptime_format)):
        is_pattern_of_time = name == "pattern" or prop.logicalType in ("date", "timestamp", "time")
        if isinstance(options.get(name), str) and is_pattern_of_time:
            try:
                translate(options[name])
            except ValueError as error:
                yield (at, name), f"{options[name]!r} cannot be run: {error}"
    field = _field(prop)
    for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        if options.get(name) is not None:
            try:
                typed(field, options[name])
            except ValueError as error:
                yield (at, name), str(error)


def _contract(document: Document, odcs: OpenDataContractStandard) -> Contract:
    description = odcs.description
    levels = tuple(
        ServiceLevel(level.property or "", level.value, level.unit, level.element)
        for level in odcs.slaProperties or ()
    )
    return Contract(
        id=odcs.id or "",
        name=odcs.name or odcs.id or "",
        version=odcs.version or "",
        status=odcs.status or "",
        tables=tuple(_table(table, levels) for table in odcs.schema_ or ()),
        domain=odcs.domain,
        description=(description.purpose if description else None) or "",
        limitations=(description.limitations if description else None) or "",
        tags=tuple(odcs.tags or ()),
        properties=_custom(odcs.customProperties),
        document=document.content,
    )


def _table(table: SchemaObject, levels: tuple[ServiceLevel, ...]) -> Table:
    name = table.physicalName or table.name or ""
    properties = _custom(table.customProperties)
    props = table.properties or []
    quality = [_rule(rule, None) for rule in table.quality or ()]
    quality += [_rule(rule, _name(prop)) for prop in props for rule in prop.quality or ()]
    return Table(
        name=DatasetName(table.name or name),
        fields=tuple(_field(prop) for prop in props),
        title=table.businessName or "",
        title_zh=str(properties.pop("titleZh", "")),
        description=table.description or "",
        references=tuple(_references(table)),
        quality=tuple(quality),
        service_levels=tuple(level for level in levels if _is_of(level, table)),
        properties=properties,
    )


def _is_of(level: ServiceLevel, table: SchemaObject) -> bool:
    return level.element is None or level.element.split(".")[0] == table.name


def _field(prop: SchemaProperty) -> Field:
    own = _custom(prop.customProperties)
    is_key = bool(prop.primaryKey)
    return Field(
        name=_name(prop),
        logical_type=LogicalType(prop.logicalType or "string"),
        physical_type=prop.physicalType,
        title=prop.businessName or "",
        title_zh=str(own.get("titleZh", "")),
        description=prop.description or "",
        unit=own.get("unit"),
        is_required=bool(prop.required),
        is_unique=bool(prop.unique),
        key_position=(prop.primaryKeyPosition or 1) if is_key else None,
        bounds=_bounds(prop),
        allowed_values=tuple(entry.value for entry in prop.enum or ()),
        classification=prop.classification,
        examples=tuple(prop.examples or ()),
        source_columns=tuple(own.get("sourceColumns") or ()),
        missing_values=_missing(prop, own),
        properties={name: value for name, value in own.items() if name not in _OWN},
    )


def _missing(prop: SchemaProperty, own: dict[str, Any]) -> tuple[str, ...]:
    stated = list(own.get("missingValues") or ())
    for rule in prop.quality or ():
        if rule.metric == "missingValues":
            stated += (rule.arguments or {}).get("missingValues") or ()
    return tuple(dict.fromkeys(str(text) for text in stated if text is not None))


def _bounds(prop: SchemaProperty) -> Bounds:
    options = prop.logicalTypeOptions or {}
    is_time = prop.logicalType in ("date", "timestamp", "time")
    written = options.get("format")
    return Bounds(
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        exclusive_minimum=options.get("exclusiveMinimum"),
        exclusive_maximum=options.get("exclusiveMaximum"),
        multiple_of=options.get("multipleOf"),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        format=strptime_format(str(written)) if is_time and _is_own_format(written) else None,
        zone=options.get("defaultTimezone") or "UTC",
        width=None if is_time else written,
    )


def _is_own_format(written: str | None) -> bool:
    # ISO 8601 is what is read without a format; strptime would refuse its variants.
    return bool(written) and written not in ("yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'")


def _references(table: SchemaObject) -> Iterator[Reference]:
    for prop in table.properties or ():
        for relation in prop.relationships or ():
            yield from _reference(relation, (_name(prop),))
    for relation in table.relationships or ():
        yield from _reference(relation, tuple(_last(c) for c in _listed(relation.from_)))


def _reference(relation: Relationship, columns: tuple[str, ...]) -> Iterator[Reference]:
    targets = _listed(relation.to)
    if (relation.type or "foreignKey") != "foreignKey" or not targets:
        return
    dataset = targets[0].rsplit(".", 1)[0].rsplit("/", 1)[-1]
    yield Reference(columns, DatasetName(dataset), tuple(_last(t) for t in targets))


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _last(path: str) -> str:
    return path.replace("/", ".").rsplit(".", 1)[-1]


def _rule(rule: DataQuality, column: str | None) -> QualityRule:
    metric = rule.metric or rule.rule
    arguments = dict(rule.arguments or {})
    if rule.type == "custom":
        arguments = {"engine": rule.engine, "implementation": rule.implementation}
    return QualityRule(
        name=rule.name or metric or rule.type or "rule",
        kind=rule.type or "library",
        column=column,
        metric=metric,
        arguments=arguments,
        query=rule.query,
        unit=rule.unit or "rows",
        limits={name: getattr(rule, name) for name in _LIMITS if getattr(rule, name) is not None},
        dimension=_DIMENSIONS.get((rule.dimension or "").lower()),
        severity=rule.severity,
        description=rule.description or "",
    )


def _custom(properties: list[CustomProperty] | None) -> dict[str, Any]:
    return {p.property: p.value for p in properties or () if p.property}


def _name(prop: SchemaProperty) -> str:
    return prop.name or prop.physicalName or ""
