"""The description of the interface: what FastAPI says of it, with examples and how to sign in.

Examples are real answers of a small city; a test makes them anew and compares their shapes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_Document = dict[str, Any]
# Among the examples, what a request was refused with.
REFUSED = "refused"
_ABOUT = """数治平台的程序接口。 The platform for programs: what its pages show and do.

Errors are problem details (RFC 9457); lists go on by `cursor` and `Link`; whatever changes
something bears an `Idempotency-Key`, and where others may change it too the `ETag` that was seen.
"""


def described(document: _Document, tags: list[_Document], prefix: str) -> _Document:
    """Return the description with tags, ways to sign in, and an example wherever one is known."""
    document = _shortly_named(document)
    document["info"]["description"] = _ABOUT
    document["servers"] = [{"url": prefix}]
    document["tags"] = tags
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "session": {"type": "apiKey", "in": "cookie", "name": "shuzhi_session"},
    }
    document["security"] = [{"key": []}, {"session": []}, {}]
    for operation in operations(document):
        _tell(operation)
        example = examples().get(operation["operationId"])
        if example is not None:
            _exemplify(document, operation, example)
    _spread(document, {"$ref": "#/components/schemas/Problem"}, examples().get(REFUSED, {}))
    return document


def operations(document: _Document) -> Iterator[_Document]:
    """Yield every operation of a description."""
    for path in document["paths"].values():
        yield from path.values()


@cache
def examples() -> Mapping[str, _Document]:
    """Return by operation what was sent and answered once in a small city."""
    text = (files("shuzhi.web.api") / "examples.json").read_text(encoding="utf-8")
    found: dict[str, _Document] = json.loads(text)
    return found


def _shortly_named(document: _Document) -> _Document:
    """Call what two rooms have the same word for by room and word: `CasesVerb`."""
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        if "__" in name:
            *_, room, _module, word = name.split("__")
            text = text.replace(f'{name}"', f'{room.title()}{word}"')
    short: _Document = json.loads(text)
    return short


def _tell(operation: _Document) -> None:
    """Say what an operation does in the first line of what its function promises."""
    summary, _, more = operation.get("description", "").strip().partition("\n")
    operation["summary"] = summary.rstrip(".")
    operation["description"] = f"{summary}\n{more}".strip()
    # What FastAPI says of faults of its own shape never leaves here.
    for answer in operation["responses"].values():
        for media_type, content in answer.get("content", {}).items():
            if media_type == "application/problem+json" and not content:
                content["schema"] = {"$ref": "#/components/schemas/Problem"}
        if "application/problem+json" in answer.get("content", {}):
            answer["content"].pop("application/json", None)


def _exemplify(document: _Document, operation: _Document, example: _Document) -> None:
    if "bodies" in example:
        (content,) = operation["requestBody"]["content"].values()
        content["examples"] = {name: {"value": body} for name, body in example["bodies"].items()}
        for body in example["bodies"].values():
            _spread(document, content["schema"], body)
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]
    answer = operation["responses"][str(example["status"])]
    is_text = isinstance(example["answer"], str)
    for content in answer.get("content", {}).values():
        # Of forms that are no JSON there is no example beside one that is.
        if is_text or content.get("schema", {}).get("type") != "string":
            _put(document, content, example["answer"])


def _put(document: _Document, content: _Document, value: Any) -> None:
    content["example"] = value
    _spread(document, content.get("schema", {}), value)


def _spread(document: _Document, schema: _Document, value: Any) -> None:
    """Give each field below `schema` what it is in `value` as its example."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in (each for each in schema.get("anyOf", ()) if _fits(each, value)):
        _spread(document, choice, value)
    for each in value if isinstance(value, list) else ():
        _spread(document, schema.get("items", {}), each)
    known = value if isinstance(value, dict) else {}
    if isinstance(keyed := schema.get("additionalProperties"), dict):
        for each in known.values():
            _spread(document, keyed, each)
    for name, field in schema.get("properties", {}).items():
        if name in known:
            _example(field, known[name])
            _spread(document, field, known[name])


def _example(field: _Document, value: Any) -> None:
    # Something says more than nothing does.
    if field.get("examples", [None]) in ([None], [[]], [""], [{}]):
        field["examples"] = [value]


def _fits(choice: _Document, value: Any) -> bool:
    if "$ref" in choice:
        return isinstance(value, dict)
    kinds = {"array": list, "object": dict}
    return isinstance(value, kinds.get(choice.get("type", ""), ()))
