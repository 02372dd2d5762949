"""Names that people write and ids that the software makes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import dataset_name, new_run_id, party_id, source_name

_words = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_names = st.lists(_words, min_size=1, max_size=8).map("_".join)


@given(_names)
def test_snake_case_words_are_names_of_anything(name: str) -> None:
    assert dataset_name(name) == source_name(name) == party_id(name) == name


def test_a_quarantine_table_has_a_name_too() -> None:
    assert dataset_name("flights__quarantine") == "flights__quarantine"


@given(st.text().filter(lambda text: not re.fullmatch(r"[a-z0-9_]{1,120}", text)))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        dataset_name(text)
    assert caught.value.code == "kernel.bad_name"


@pytest.mark.parametrize(
    "text", ["", "2020", "_a", "a_", "a b", "A", "a\n", "流量", "a" * 121, "../a"]
)
def test_awkward_texts_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=r"^kernel\.bad_name: "):
        source_name(text)


def test_the_refusal_says_what_to_write() -> None:
    with pytest.raises(RefusedError) as caught:
        party_id("Housing Office")
    assert str(caught.value) == (
        "kernel.bad_name: 'Housing Office' cannot name a party. Use lower-case letters, digits "
        "and underscores, at most 120, starting with a letter: air_quality_hourly."
    )


def test_run_ids_differ() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
