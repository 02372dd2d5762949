"""Strict YAML documents whose every value still knows its line.

Packs, sources, contracts and law parameters are read through here: duplicate keys, alias bombs and
unknown keys are refused, and a finding can point at file and line. A plain scalar is a number only
when it is written as JSON writes numbers, so that `010`, `12:30`, `no` and `0x1F` stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import SafeConstructor

from shuzhi.kernel.errors import RefusedError

Where = tuple[str | int, ...]
_REMOVE = "remove it or correct its spelling"
_MOST_BYTES = 4_000_000
_MOST_VALUES = 400_000
_MOST_DEPTH = 100
Shape = TypeVar("Shape", bound=BaseModel)


@dataclass(frozen=True)
class Finding:
    """One thing wrong in a document: where it stands, what is wrong, what to write instead."""

    file: str
    line: int
    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path or 'document'}: {self.problem}"


@dataclass(frozen=True)
class Document:
    """A parsed document: `content` as plain values, `lines` from a path inside it to its line."""

    file: str
    content: dict[str, Any]
    lines: dict[Where, int]

    def line_of(self, where: Where) -> int:
        """Return the line of the nearest thing that stands at or above `where`; 1 at worst."""
        return next((self.lines[w] for w in _upwards(where) if w in self.lines), 1)

    def finding(self, where: Where, problem: str) -> Finding:
        """Return a finding at `where`."""
        return Finding(self.file, self.line_of(where), ".".join(map(str, where)), problem)


class DocumentError(RefusedError):
    """A document cannot be used; `findings` lists everything wrong with it, not just the first."""

    def __init__(self, code: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(
            code,
            "; ".join(map(str, findings)),
            next_step="Mend the lines named and run the command again.",
        )
        self.findings = findings


class StrictModel(BaseModel):
    """Base of the shapes of our own YAML: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def read_document(path: Path) -> Document:
    """Read the YAML mapping in the file at `path`.

    Raises:
        DocumentError: `kernel.bad_document` when the file is missing, too large, not UTF-8, not
            YAML, no mapping, or repeats a key.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _bad(path.name, 1, f"cannot be read ({error.strerror})") from None
    return parse_document(raw, file=str(path))


def parse_document(raw: bytes, *, file: str) -> Document:
    """Parse the bytes of a YAML mapping; `file` is how findings name it. Raises as above."""
    if len(raw) > _MOST_BYTES:
        raise _bad(file, 1, f"is larger than {_MOST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _bad(file, line, "is not UTF-8; save the file as UTF-8") from None
    node = _compose(text, file)
    if not isinstance(node, yaml.MappingNode):
        raise _bad(file, 1, "is not a mapping of keys to values")
    builder = _Builder(file)
    return Document(file, builder.build(node, ()), builder.lines)


def shape(document: Document, model: type[Shape], *, code: str) -> Shape:
    """Return the document's content as `model`, or refuse it with all findings under `code`."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        findings = tuple(
            document.finding(tuple(e["loc"]), _problem(model, e)) for e in error.errors()
        )
        raise DocumentError(code, findings) from None


def _compose(text: str, file: str) -> yaml.Node | None:
    try:
        depth = 0
        # The composer recurses in C and would end the process where a document nests too deep.
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MOST_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise _bad(file, line, f"nests more than {_MOST_DEPTH} levels deep")
        return yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise _bad(file, mark.line + 1 if mark else 1, f"is not YAML: {problem}") from None


def _problem(model: type[BaseModel], error: ErrorDetails) -> str:
    where, given = error["loc"], error["input"]
    if error["type"] == "string_type" and isinstance(given, int | float | date):
        return f"is {given}, which is no text; put it in quotes"
    if error["type"] != "extra_forbidden":
        return error["msg"]
    close = get_close_matches(str(where[-1]), _keys(model, where[:-1]), 1)
    return f"unknown key; {f'did you mean {close[0]}?' if close else _REMOVE}"


def _keys(model: type[BaseModel], path: Where) -> set[str]:
    """Return the keys that may stand at `path` of a document of that shape."""
    here: set[type[BaseModel]] = {model}
    for step in path:
        fields = [f for m in here for name, f in m.model_fields.items() if step in (name, f.alias)]
        # A number counts in a list, another word is a key that the shape leaves open.
        here = {m for f in fields for m in _models(f.annotation)} or here
    return {field.alias or name for m in here for name, field in m.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _bad(file: str, line: int, problem: str) -> DocumentError:
    return DocumentError("kernel.bad_document", (Finding(file, line, "", problem),))


def _upwards(where: Where) -> Iterator[Where]:
    for length in range(len(where), -1, -1):
        yield where[:length]


class _Loader(yaml.CSafeLoader):
    """Composes nodes; its plain scalars are those of JSON plus ISO dates, and all else is text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (the library's own class attribute)


_TAG = "tag:yaml.org,2002:"
_DIGITS = "-+.0123456789"
_PLAIN = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list(_DIGITS)),
    ("float", r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", list(_DIGITS)),
    (
        "timestamp",
        r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?\s*(Z|[-+]\d\d(:?\d\d)?)?)?",
        list(_DIGITS),
    ),
)
for _kind, _pattern, _first in _PLAIN:
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)
_SCALARS = {_TAG + kind for kind, _, _ in _PLAIN} | {_TAG + "str"}
_COLLECTIONS = {_TAG + "map", _TAG + "seq"}


class _Builder:
    """Turns composed nodes into plain values and notes the line of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Where, int] = {}
        self._scalars = SafeConstructor()
        self._open: set[int] = set()

    def build(self, node: yaml.Node, where: Where) -> Any:
        self.lines.setdefault(where, node.start_mark.line + 1)
        # Aliases share nodes: without these bounds a few lines could unfold without end.
        if len(self.lines) > _MOST_VALUES or len(where) > _MOST_DEPTH or id(node) in self._open:
            raise self._bad(node, "unfolds into too many values or into itself")
        if node.tag not in (_SCALARS if isinstance(node, yaml.ScalarNode) else _COLLECTIONS):
            raise self._bad(node, f"has the tag {node.tag!r}; remove it")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        built = self._collection(node, where)
        self._open.discard(id(node))
        return built

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (ValueError, LookupError, AttributeError, ArithmeticError):
            kind = node.tag.removeprefix(_TAG)
            raise self._bad(
                node, f"{node.value[:40]!r} is no {kind}; quote it if it is text"
            ) from None

    def _collection(self, node: yaml.Node, where: Where) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        return [self.build(item, (*where, i)) for i, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in content:
                raise self._bad(key_node, f"repeats the key {key!r}")
            self.lines[(*where, key)] = key_node.start_mark.line + 1
            content[key] = self.build(value_node, (*where, key))
        return content

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._bad(node, "has a key that is no plain word")
        return str(node.value)

    def _bad(self, node: yaml.Node, problem: str) -> DocumentError:
        return _bad(self.file, node.start_mark.line + 1, problem)
