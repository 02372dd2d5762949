"""Entries: the same fact is always the same bytes, and what does not belong in a log is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.audit import AuditError, Entry
from shuzhi.audit.model import MOST_BYTES, canonical_json, number_of, numbered
from shuzhi.kernel.instant import Instant, to_instant

AT = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))

texts = st.text(st.characters(codec="utf-8"), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def test_an_entry_is_canonical_json() -> None:
    entry = Entry("rule.version_made", AT, "系统", "rule:1", {"b": [1, None], "a": "é\n"})
    assert entry.canonical().decode() == (
        '{"at":"2026-03-02T08:00:00+00:00","by":"系统","facts":{"a":"é\\n","b":[1,null]},'
        '"kind":"rule.version_made","subject":"rule:1"}'
    )


def test_the_zone_in_which_it_was_written_changes_nothing() -> None:
    beijing = to_instant(datetime(2026, 3, 2, 16, tzinfo=timezone(timedelta(hours=8))))
    one, other = (Entry("a.b", at, "x", "y").canonical() for at in (AT, beijing))
    assert one == other


@given(st.dictionaries(texts, plain, max_size=6))
def test_the_same_facts_are_the_same_bytes_and_are_read_back(facts: dict[str, Any]) -> None:
    one = Entry("a.b", AT, "x", "y", facts).canonical()
    turned = dict(reversed(facts.items()))
    assert Entry("a.b", AT, "x", "y", turned).canonical() == one
    assert json.loads(one)["facts"] == facts
    assert canonical_json(json.loads(one)) == one


@given(st.integers(1, 2**62), st.dictionaries(texts, plain, max_size=3))
def test_the_number_is_read_back(number: int, facts: dict[str, Any]) -> None:
    raw = numbered(Entry("a.b", AT, "x", "y", facts).canonical(), number)
    assert number_of(raw) == number
    assert canonical_json(json.loads(raw)) == raw


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_bytes_that_are_no_entry_have_no_number(raw: bytes) -> None:
    assert number_of(raw) == 0


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"a": 1.5}, "a fact is a float; write numbers with decimals as texts"),
        ({"a": {"b": [AT]}}, "a fact is a datetime; write numbers with decimals as texts"),
        ({1: "a"}, "a key of its facts is no text but int"),
        ({"a": "\ud800"}, "a text in it is not Unicode"),
        ({"a": "x" * MOST_BYTES}, "it is longer than 65,535 bytes"),
    ],
)
def test_what_does_not_belong_is_refused(facts: Any, why: str) -> None:
    with pytest.raises(AuditError) as refused:
        Entry("a.b", AT, "x", "y", facts)
    assert str(refused.value) == (
        f"audit.bad_entry: This cannot be an entry of the audit log: {why}. Correct the entry; "
        "the change that it belongs to was not made either."
    )


@pytest.mark.parametrize("kind", ["", "opened", "Case.opened", "case.opened.twice", "case opened"])
def test_a_kind_is_room_and_verb(kind: str) -> None:
    with pytest.raises(AuditError, match=r"is not written `room\.verb_past`"):
        Entry(kind, AT, "x", "y")


def test_facts_that_nest_without_end_are_refused() -> None:
    facts: dict[str, Any] = {}
    facts["again"] = facts
    with pytest.raises(AuditError, match="nest more than 20 levels deep"):
        Entry("a.b", AT, "x", "y", facts)
