"""Spans of time as packs write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.spans import parse_span, span_text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90 minutes", timedelta(minutes=90)),
        ("3h", timedelta(hours=3)),
        (" 2 Days ", timedelta(days=2)),
        ("1 w", timedelta(weeks=1)),
    ],
)
def test_spans_are_read(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "h", "3", "0 h", "-1 h", "1.5 h", "3 months", "3 parsecs"])
def test_what_is_no_exact_span_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_span(text)
    assert refused.value.code in {
        "kernel.bad_span",
        "kernel.unit_unknown",
        "kernel.unit_inexact",
    }
    assert refused.value.next_step


@given(st.integers(min_value=1, max_value=999_999))
def test_what_is_written_is_read_back(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_span(span_text(span)) == span
