"""What people say of pairs, and groups that hold together: pure, with made-up records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.kernel.instant import Instant
from shuzhi.share.linkage.clusters import Knowledge, grouped, subjects
from shuzhi.share.linkage.em import fitted
from shuzhi.share.linkage.judged import by_pair, constraints, precision, queue, sampled, wilson
from shuzhi.share.linkage.model import Decision, Pair, Place, Placed, Record, Verdict

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
A, B, C, D, E = (Record("a", "1"), Record("b", "1"), Record("c", "1"), Record("c", "2"),
                 Record("d", "1"))  # fmt: skip


def pair(left: Record, right: Record, weight: float = 5.0, probability: float = 0.97) -> Pair:
    return Pair(min(left, right), max(left, right), probability, weight)


def said(left: Record, right: Record, verdict: Verdict, by: str = "li") -> Decision:
    return Decision(left, right, verdict, by, NOW, "looked at both files")


def test_links_join_records_into_one_group() -> None:
    done = grouped([pair(A, B), pair(B, C)], Knowledge())
    assert (done.groups, done.refused) == (((A, B, C),), {})


def test_a_clean_data_set_gives_a_subject_one_row_at_most_the_likelier() -> None:
    links = [pair(A, C, 5.0), pair(A, D, 9.0)]
    done = grouped(links, Knowledge(clean=frozenset({"c"})))
    assert done.groups == ((A, D),)
    assert done.refused == {(A, C): Place.CLEAN}


def test_strong_identifiers_that_differ_are_never_joined_also_along_a_chain() -> None:
    strong = {A: ("X1",), C: ("Y2",)}
    done = grouped([pair(A, B, 9.0), pair(B, C, 5.0)], Knowledge(strong=strong))
    assert done.groups == ((A, B),)
    assert done.refused == {(B, C): Place.STRONG}


def test_what_somebody_saw_to_be_different_stays_apart_also_along_a_chain() -> None:
    done = grouped([pair(A, B, 9.0), pair(B, C, 5.0)], Knowledge(different={(A, C)}))
    assert done.groups == ((A, B),)
    assert done.refused == {(B, C): Place.DIFFERENT}


def test_what_somebody_saw_to_be_the_same_is_joined_without_any_likeness() -> None:
    assert grouped([], Knowledge(same={(A, E)})).groups == ((A, E),)


def test_two_groups_are_not_joined_by_one_bridge() -> None:
    rows = [Record("x", str(i)) for i in range(8)]
    within = [pair(one, other, 9.0) for part in (rows[:4], rows[4:]) for one in part
              for other in part if one < other]  # fmt: skip
    done = grouped([*within, pair(rows[3], rows[4], 5.0)], Knowledge(support=0.25))
    assert done.groups == (tuple(rows[:4]), tuple(rows[4:]))
    assert done.refused == {(rows[3], rows[4]): Place.CHAIN}


@given(st.permutations([pair(A, B, 3.0), pair(B, C, 3.0), pair(C, E, 3.0), pair(A, D, 3.0)]))
def test_the_order_in_which_links_come_does_not_matter(links: Sequence[Pair]) -> None:
    known = Knowledge(clean=frozenset({"c"}))
    assert grouped(links, known) == grouped(sorted(links, key=lambda p: p.left), known)


def test_a_subject_keeps_its_id_when_most_of_its_records_stay() -> None:
    first = subjects("residents", [(A, B, C)], {}, 1)
    again = subjects("residents", [(A, B, E), (C, D)], first, 2)
    assert again[A] == again[B] == again[E] == first[A]
    assert again[C] == again[D] != first[A]
    assert subjects("residents", [(A, B, E), (C, D)], first, 2) == again


def test_of_two_subjects_that_join_the_id_of_the_larger_stays() -> None:
    before = {A: "old", B: "old", C: "other", D: "other", E: "other"}
    assert set(subjects("residents", [(A, B, C, D, E)], before, 2).values()) == {"other"}


def test_two_people_who_disagree_bind_nobody_and_come_first_in_the_queue() -> None:
    unsure, disputed = pair(A, B, 0.1, 0.5), pair(A, C, 9.0, 0.99)
    decisions = [said(A, C, Verdict.SAME), said(A, C, Verdict.DIFFERENT, "wang")]
    assert constraints(decisions) == (frozenset(), frozenset())
    waiting = queue([Placed(unsure, Place.REVIEW), Placed(disputed, Place.LINKED)], decisions)
    assert [(w.placed.pair, w.is_disputed) for w in waiting] == [(disputed, True), (unsure, False)]


def test_the_pair_that_tells_the_most_is_looked_at_first_and_a_decided_one_no_more() -> None:
    pairs = [Placed(pair(A, x, 0.0, p), Place.REVIEW) for x, p in ((B, 0.9), (C, 0.52), (D, 0.2))]
    waiting = queue(pairs, [said(A, D, Verdict.DIFFERENT)])
    assert [w.placed.pair.right for w in waiting] == [C, B]


def test_who_cannot_tell_binds_nobody_and_the_pair_waits_behind_the_others() -> None:
    pairs = [Placed(pair(A, x, 0.0, p), Place.REVIEW) for x, p in ((B, 0.5), (C, 0.9))]
    decisions = [said(A, B, Verdict.CANNOT_TELL)]
    assert constraints(decisions) == (frozenset(), frozenset())
    assert [w.placed.pair.right for w in queue(pairs, decisions)] == [C, B]


def test_the_precision_of_a_sample_has_an_interval() -> None:
    links = [(A, Record("z", str(i))) for i in range(40)]
    drawn = sampled(links, 10, seed=3)
    assert drawn == sampled(reversed(links), 10, seed=3)
    verdicts = [Verdict.SAME] * 8 + [Verdict.DIFFERENT, Verdict.CANNOT_TELL]
    decided = by_pair(said(*ends, v) for ends, v in zip(drawn, verdicts, strict=True))
    found = precision(len(links), drawn, decided)
    assert (found.sampled, found.same, found.different, found.untold) == (10, 8, 1, 1)
    assert found.share == pytest.approx(8 / 9)
    assert (found.low, found.high) == wilson(8, 9)


def test_the_interval_is_that_of_wilson() -> None:
    # 8 of 10: 0.4902 to 0.9433 (Newcombe 1998, table I, method 3 by its formula).
    assert wilson(8, 10) == (pytest.approx(0.49016, abs=1e-4), pytest.approx(0.94332, abs=1e-4))
    assert wilson(0, 10)[0] == 0.0


def test_expectation_maximisation_finds_the_two_sorts_in_a_mixture() -> None:
    # 1,000 matches that agree in 9 of 10 parts, 9,000 others that agree in 1 of 10, exactly.
    patterns = {}
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                agree = a + b + c
                match = 1000 * 0.9**agree * 0.1 ** (3 - agree)
                other = 9000 * 0.1**agree * 0.9 ** (3 - agree)
                patterns[a, b, c] = round(match + other)
    found = fitted(patterns, [2, 2, 2], 0.2)
    assert found.share == pytest.approx(0.1, abs=0.005)
    assert [m[1] for m in found.m] == pytest.approx([0.9] * 3, abs=0.01)
    assert [u[1] for u in found.u] == pytest.approx([0.1] * 3, abs=0.01)
    assert found.likely((1, 1, 1)) > 0.98
    assert found.likely((-1, -1, -1)) == pytest.approx(found.share)
