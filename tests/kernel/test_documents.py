"""Strict documents: values know their lines, and bad ones end in a DocumentError only."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shuzhi.kernel.documents import (
    Document,
    DocumentError,
    StrictModel,
    parse_document,
    read_document,
    shape,
)

_TEXT = b"""\
name: flights
columns:
  - id: dep_delay
    unit: min
  - {id: origin, unit: null}
since: 2026-03-01
"""


class _Column(StrictModel):
    id: str
    unit: str | None


class _Shape(StrictModel):
    name: str
    columns: tuple[_Column, ...]
    since: date


def _parse(raw: bytes) -> Document:
    return parse_document(raw, file="a.yaml")


def _problem(raw: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        _parse(raw)
    assert caught.value.code == "kernel.bad_document"
    return str(caught.value.findings[0])


def _outcome(raw: bytes) -> Document | DocumentError:
    try:
        return _parse(raw)
    except DocumentError as error:
        return error


def test_values_know_their_lines() -> None:
    document = _parse(_TEXT)
    wheres = [("name",), ("columns",), ("columns", 0, "unit"), ("columns", 1), ("since",)]
    assert [document.line_of(where) for where in wheres] == [1, 2, 4, 5, 6]


def test_the_line_of_what_is_missing_is_the_line_above_it() -> None:
    assert _parse(_TEXT).line_of(("columns", 0, "title")) == 3


def test_a_document_takes_the_shape_of_its_model() -> None:
    taken = shape(_parse(_TEXT), _Shape, code="kernel.example")
    assert taken.columns[1] == _Column(id="origin", unit=None)
    assert taken.since == date(2026, 3, 1)


def test_all_findings_are_listed_with_file_and_line() -> None:
    raw = _TEXT.replace(b"unit: min", b"unti: min").replace(b"since:", b"sinse:")
    with pytest.raises(DocumentError) as caught:
        shape(_parse(raw), _Shape, code="kernel.example")
    assert caught.value.code == "kernel.example"
    assert [str(finding) for finding in caught.value.findings] == [
        "a.yaml:3: columns.0.unit: Field required",
        "a.yaml:4: columns.0.unti: unknown key; did you mean unit?",
        "a.yaml:1: since: Field required",
        "a.yaml:6: sinse: unknown key; did you mean since?",
    ]


def test_a_number_where_a_text_belongs_is_to_be_quoted() -> None:
    with pytest.raises(DocumentError, match=r"a\.yaml:1: name: is 500, which is no text"):
        shape(_parse(_TEXT.replace(b"name: flights", b"name: 500")), _Shape, code="x.y")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"a: 1\nb: 2\na: 3", "a.yaml:3: document: repeats the key 'a'"),
        (b"a: 1\nb: \xff", "a.yaml:2: document: is not UTF-8; save the file as UTF-8"),
        (b"a: [1\nb: 2", "a.yaml:2: document: is not YAML: did not find expected ',' or ']'"),
        (b"- 1", "a.yaml:1: document: is not a mapping of keys to values"),
        (b"", "a.yaml:1: document: is not a mapping of keys to values"),
        (b"? [a]\n: 1", "a.yaml:1: document: has a key that is no plain word"),
        (b"a: &x [*x]", "a.yaml:1: document: unfolds into too many values or into itself"),
        (b"a: " + b"[" * 200_000, "a.yaml:1: document: nests more than 100 levels deep"),
        (
            b"a: 1\nb: !!bool perhaps",
            "a.yaml:2: document: 'perhaps' is no bool; quote it if it is text",
        ),
        (
            b"a: 2026-02-30",
            "a.yaml:1: document: '2026-02-30' is no timestamp; quote it if it is text",
        ),
        (b"a: !run {x: 1}", "a.yaml:1: document: has the tag '!run'; remove it"),
        (b"a: " + b" " * 4_000_000, "a.yaml:1: document: is larger than 4000000 bytes"),
        (b"a: 1\n---\nb: 2", "a.yaml:2: document: is not YAML: but found another document"),
    ],
)
def test_bad_documents_are_refused_at_their_line(raw: bytes, problem: str) -> None:
    assert _problem(raw) == problem


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "unfolds into too many values" in _problem("\n".join(lines).encode())


def test_a_long_chain_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 x"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000)]
    assert "unfolds into too many values or into itself" in _problem("\n".join(lines).encode())


@pytest.mark.parametrize(
    "text", ["010", "12:30", "0x1F", "1_000", "no", "on", "yes", "=", "<<", "1.2.3"]
)
def test_what_json_does_not_call_a_number_or_truth_stays_text(text: str) -> None:
    assert _parse(f"a: {text}".encode()).content == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-5", -5),
        ("0", 0),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("~", None),
    ],
)
def test_numbers_truths_and_nothing_are_read(text: str, value: object) -> None:
    assert _parse(f"a: {text}".encode()).content == {"a": value}


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert _parse(b"\xef\xbb\xbfname: x").content == {"name": "x"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "pack.yaml")
    assert str(caught.value) == (
        "kernel.bad_document: pack.yaml:1: document: cannot be read (No such file or directory) "
        "Mend the lines named and run the command again."
    )


@given(st.binary(max_size=200))
@example(b"a: !!timestamp x")
@example(b"a: " + b"9" * 5000)
@example(b'a: "\\ud800"')
@example(b"a: !!seq x")
@example(b"a: 2026-01-01T00:00:00+99:99")
def test_any_bytes_are_a_document_or_a_document_error(raw: bytes) -> None:
    assert isinstance(_outcome(raw), Document | DocumentError)


_yamlish = st.text(alphabet="ab01:-[]{}&*!?|>'\"%@`#,. \n\t~<=_\\x{feff}", max_size=80)


@given(_yamlish)
def test_text_that_looks_like_yaml_is_a_document_or_a_document_error(text: str) -> None:
    assert isinstance(_outcome(text.encode()), Document | DocumentError)


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1), _plain))
def test_json_reads_as_it_was_written(content: dict[str, object]) -> None:
    assert _parse(json.dumps(content).encode()).content == content
