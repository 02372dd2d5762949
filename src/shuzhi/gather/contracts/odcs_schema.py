"""Whether a document is a contract by the published JSON Schema of ODCS, finding by finding.

The schema of the package `open-data-contract-standard` (3.2.0, which keeps 3.0 and 3.1 valid) is
the judge; what it leaves unsaid about a finding, such as the word that was meant, is added here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError

from shuzhi.kernel.documents import Document, Finding, Where

_CLOSED = ("additionalProperties", "unevaluatedProperties")
_WRITE = {
    "string": "a text, in quotes if it looks like a number or a date",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}
_LIMITS = "mustBe, mustNotBe, mustBeGreaterThan, mustBeLessThan, mustBeBetween, …"
_MOST_LISTED = 12


def schema_findings(document: Document) -> tuple[Finding, ...]:
    """Return everything in `document` that the schema of ODCS 3 does not allow, in line order."""
    version = _version_finding(document)
    if version:
        return (version,)
    found = [
        _said(document, error)
        for whole in _validator().iter_errors(document.content)
        for error in _innermost(whole)
    ]
    found += _unknown(document, [_schema()], document.content, ())
    # 3.0 and 3.1 require a status; the schema of 3.2, which judges all three, no longer does.
    if "status" not in document.content and not str(version_of(document)).startswith("v3.2"):
        found.append(document.finding((), "lacks status; add it"))
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.line))


def version_of(document: Document) -> Any:
    """Return what the document says its `apiVersion` is."""
    return document.content.get("apiVersion")


def _version_finding(document: Document) -> Finding | None:
    version = version_of(document)
    if "dataContractSpecification" in document.content:
        where: Where = ("dataContractSpecification",)
        return document.finding(
            where, "is a Data Contract Specification; write the contract in ODCS, apiVersion v3.1.0"
        )
    if isinstance(version, str) and version.startswith(("v2", "2")):
        return document.finding(
            ("apiVersion",),
            f"{version} is not read; write the contract as v3.1.0 (its `dataset` is `schema` now)",
        )
    return None


@cache
def _schema() -> dict[str, Any]:
    published = files("open_data_contract_standard").joinpath("schema.json")
    schema: dict[str, Any] = json.loads(published.read_text("utf-8"))
    return schema


@cache
def _validator() -> Draft201909Validator:
    """Return the published schema without its closed objects, and one mistake of it mended."""
    # Unknown keys are found by our own walk: it knows the word that was meant, and is ten times
    # faster than `unevaluatedProperties`.
    schema = _opened(_schema())
    # A property without a logicalType meets every condition on one, so that `map` and
    # `dimensions` would be required of it.
    for branch in schema["$defs"]["SchemaBaseProperty"]["allOf"]:
        if "if" in branch:
            branch["if"] = {"allOf": [branch["if"], {"required": ["logicalType"]}]}
    return Draft201909Validator(schema)


def _opened(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _opened(v) for k, v in schema.items() if not (k in _CLOSED and v is False)}
    return [_opened(item) for item in schema] if isinstance(schema, list) else schema


def _innermost(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors of the branch that the writer meant: the one that fails deepest."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    deep = [b for b in branches.values() if not any(_is_wrong_branch(e, error) for e in b)]
    if len(deep) == 1 and len(branches) > 1:
        for inner in deep[0]:
            yield from _innermost(inner)
    else:
        yield error


def _is_wrong_branch(inner: ValidationError, outer: ValidationError) -> bool:
    return inner.validator == "type" and inner.absolute_path == outer.absolute_path


def _said(document: Document, error: ValidationError) -> Finding:
    where = tuple(error.absolute_path)
    instance: Any = error.instance
    if error.validator == "not" and "from" in instance:
        return document.finding((*where, "from"), "is implied under a property; remove it")
    return document.finding(where, _problem(error)[:400])


def _problem(error: ValidationError) -> str:
    stated: Any = error.validator_value
    value: Any = error.instance
    match error.validator:
        case "required":
            missing = [key for key in stated if key not in value]
            return f"lacks {', '.join(missing)}; add it"
        case "type":
            return f"is {shown(value)}; write {_wanted(stated)}"
        case "enum":
            return f"is {shown(value)}; write {_one_of(value, stated)}"
        case "oneOf" if all(e.validator == "required" for e in error.context or ()):
            return f"states no limit or several; write exactly one of {_LIMITS}"
        case "anyOf" | "oneOf" if all(e.validator == "type" for e in error.context or ()):
            kinds = dict.fromkeys(_wanted(e.validator_value) for e in error.context or ())
            return f"is {shown(value)}; write {' or '.join(kinds)}"
        case "pattern" | "anyOf" | "oneOf":
            return f"{shown(value)} does not have the form that the standard asks for"
        case _:
            return error.message


def _wanted(stated: Any) -> str:
    kinds = stated if isinstance(stated, list) else [stated]
    return " or ".join(_WRITE[kind] for kind in kinds)


def shown(value: Any) -> str:
    """Return `value` as a finding shows it: as it would stand in YAML, and short."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _one_of(value: Any, known: list[Any]) -> str:
    meant = get_close_matches(str(value), [str(word) for word in known], n=1)
    listed = ", ".join(str(word) for word in known)
    return f"{meant[0]} (or another of {listed})" if meant else f"one of {listed}"


def _unknown(
    document: Document, schemas: list[dict[str, Any]], value: Any, where: Where
) -> Iterator[Finding]:
    applied = [part for schema in schemas for part in _applied(schema, value)]
    if isinstance(value, list):
        items = [part["items"] for part in applied if "items" in part]
        for position, item in enumerate(value if items else ()):
            yield from _unknown(document, items, item, (*where, position))
    if isinstance(value, dict):
        known = {key for part in applied for key in part.get("properties", ())}
        is_closed = any(part.get(word) is False for part in applied for word in _CLOSED)
        for key, inner in value.items():
            below = [p["properties"][key] for p in applied if key in p.get("properties", ())]
            if below:
                yield from _unknown(document, below, inner, (*where, key))
            elif is_closed:
                yield document.finding((*where, key), unknown_key(key, known))


def unknown_key(key: str, known: set[str]) -> str:
    """Return what is wrong with `key` where only `known` keys may stand, and what was meant."""
    if key == "rule":
        return "unknown key; ODCS 3.1 says `metric`, as in metric: nullValues"
    meant = get_close_matches(key, known, n=1)
    if meant:
        return f"unknown key; did you mean {meant[0]}?"
    if len(known) <= _MOST_LISTED:
        return f"unknown key; what may stand here: {', '.join(sorted(known))}"
    return "unknown key; remove it, or put it under customProperties"


def _applied(schema: dict[str, Any], value: Any) -> Iterator[dict[str, Any]]:
    """Yield each part of `schema` that has a say about `value`: references, conditions, choices."""
    yield schema
    if "$ref" in schema:
        yield from _applied(_referred(schema["$ref"]), value)
    for part in schema.get("allOf", ()):
        yield from _applied(part, value)
    for word in ("anyOf", "oneOf"):
        parts = schema.get(word, ())
        fitting = [part for part in parts if _fits(part, value)]
        for part in fitting or parts:
            yield from _applied(part, value)
    if "if" in schema:
        branch = "then" if _fits(schema["if"], value) else "else"
        yield from _applied(schema.get(branch, {}), value)


def _referred(pointer: str) -> dict[str, Any]:
    schema = _schema()
    for step in pointer.removeprefix("#/").split("/"):
        schema = schema[step]
    return schema


def _fits(schema: dict[str, Any], value: Any) -> bool:
    return bool(_validator().evolve(schema=schema).is_valid(value))
