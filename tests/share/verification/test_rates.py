"""Rates of single questions and of lists, whatever comes when."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from shuzhi.share.verification.rates import LISTS, Buckets, Pace

PACES = {LISTS: Pace(2.0, 10.0)}
# How many seconds after the one before, and with how many rows, a list comes.
_LISTS = st.lists(st.tuples(st.floats(0, 60), st.integers(1, 200)), min_size=1, max_size=30)


@given(lists=_LISTS)
def test_lists_together_get_what_the_rate_gives_and_the_last_of_them(
    lists: list[tuple[float, int]],
) -> None:
    buckets, now_s = Buckets[str](), accumulate(seconds for seconds, _ in lists)
    waits = [
        (at_s, rows, buckets.take(PACES, at_s, rows))
        for at_s, (_, rows) in zip(now_s, lists, strict=True)
    ]
    begun = [(at_s, rows) for at_s, rows, wait_s in waits if not wait_s]
    since_s = lists[0][0]
    for n, (at_s, _) in enumerate(begun):
        before = sum(rows for _, rows in begun[:n])
        assert before + 1 <= 10 + 2 * (at_s - since_s) + 1e-6


@given(rows=st.integers(10, 10_000), at_s=st.floats(0, 1e9))
def test_who_waits_as_long_as_was_told_may_begin_and_not_much_sooner(
    rows: int, at_s: float
) -> None:
    buckets = Buckets[str]()
    assert buckets.take(PACES, at_s, rows) == 0
    wait_s = buckets.take(PACES, at_s, 1)
    assert buckets.take(PACES, at_s + wait_s - 0.001, 1) > 0
    assert buckets.take(PACES, at_s + wait_s + 0.001, 1) == 0


@given(rows=st.lists(st.integers(0, 500), min_size=1))
def test_what_is_owed_is_asked_for_by_the_next(rows: list[int]) -> None:
    buckets = Buckets[str]()
    for each in rows:
        buckets.owe(PACES, 0.0, each)
    assert buckets.take(PACES, 0.0, 1) == max(0.0, (1 - (10 - sum(rows))) / 2)
