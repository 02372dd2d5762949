"""What the HTTP reader parses: dotted paths, Link headers, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.gather.sources.dotted_path import find, steps
from shuzhi.gather.sources.http_pages import links
from shuzhi.gather.sources.http_rows import Number, batch, json_text, parse_page

KEYS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=9)
TARGETS = st.text("abc/?=&;,:%\" '", max_size=20)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(KEYS)
def test_an_escaped_path_finds_what_was_nested_under_it(keys: list[str]) -> None:
    content: Any = 42
    for key in reversed(keys):
        content = {key: content}
    path = ".".join(key.replace("\\", "\\\\").replace(".", "\\.") for key in keys)
    assert steps(path) == tuple(keys)
    assert find(content, path) == 42


def test_a_path_goes_into_lists_by_number() -> None:
    assert find({"result": [{"rows": [7]}]}, "result.0.rows.0") == 7
    with pytest.raises(LookupError):
        find({"result": []}, "result.0")


@pytest.mark.parametrize("path", [".", "a.", ".a", "a..b", "a\\"])
def test_an_empty_step_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match=r"is not a dotted path such as data\.items"):
        steps(path)


@given(st.lists(st.tuples(TARGETS, WORDS, VALUES), max_size=6))
def test_a_link_header_reads_back_as_it_was_written(written: list[tuple[str, str, str]]) -> None:
    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    header = ", ".join(
        f'<{target}>; rel={rel} ; title="{quoted(title)}"' for target, rel, title in written
    )
    read_back = [
        (link.target, link.parameters["rel"], link.parameters["title"]) for link in links(header)
    ]
    assert read_back == [(target.strip(), rel, title) for target, rel, title in written]


@given(st.text('<>;,="\\ relnxt', max_size=200))
def test_any_text_as_link_header_ends(header: str) -> None:
    assert sum(1 for _ in links(header)) <= header.count("<")


def test_a_link_of_another_page_is_not_our_next() -> None:
    [link] = links('</p?2>; rel="NEXT prev"; rel=last')
    assert link.relations == ("next", "prev")
    [foreign] = links('</p?2>; rel=next; anchor="#foo"')
    assert foreign.relations == ()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab文", max_size=3), inner),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_text_means_what_was_read(value: Any) -> None:
    assert json.loads(json_text(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_numbers_keep_their_digits(number: Any) -> None:
    text = f"{number:f}"
    [read_back] = parse_page(f"[{text}]".encode(), "", page="p")
    assert isinstance(read_back, Number)
    assert json_text(read_back) == text


@given(st.lists(JSON_VALUES, max_size=8))
def test_every_record_is_a_row_or_set_apart(found: list[Any]) -> None:
    table, no_rows = batch(found)
    assert table.num_rows + len(no_rows) == len(found)
