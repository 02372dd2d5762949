"""From a declaration to subjects: trained, accepted, run, reviewed, explained (made-up people)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from math import log2
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.kernel.documents import DocumentError
from shuzhi.share.linkage import (
    LinkageError,
    LinkageRan,
    ModelAccepted,
    ModelState,
    PairDecided,
    Record,
    Verdict,
    accept,
    decide,
    last_run,
    lines,
    models,
    pair_as_it_stands,
    parse_linkage,
    records,
    review,
    run,
    sample,
    subject_of,
    train,
    why,
)
from shuzhi.share.linkage.store import member_table, read_links

R7, C7 = Record("register", "r7"), Record("clinic", "c7")
R3, T3 = Record("register", "r3"), Record("clinic", "t3")


def entries(world: Any) -> list[str]:
    with world.control.transaction() as connection:
        rows = connection.execute(select(outbox_table.c.content)).scalars().all()
    return [row.decode() for row in rows]


def test_everybody_is_found_and_nobody_is_mistaken(linked: Any) -> None:
    with linked.control.transaction() as connection:
        found = set(read_links(connection, "residents"))
    assert found <= linked.truth
    assert len(found) >= 0.85 * len(linked.truth)


def test_a_subject_is_its_records_and_the_table_holds_keys_only(linked: Any) -> None:
    subject = subject_of(linked.office, "residents", R7)
    assert records(linked.office, "residents", subject or "") == (C7, R7)
    assert {c.name for c in member_table.columns} == {"linkage", "dataset", "key", "subject"}


def test_a_model_says_what_it_stands_on_and_what_could_not_be_estimated(linked: Any) -> None:
    kept = models(linked.office, "residents")[0]
    assert kept.state is ModelState.ACCEPTED
    assert (kept.trained.versions, kept.trained.seed) == ({"register": 0, "clinic": 0}, 7)
    assert kept.trained.rows["register"] == 150
    assert set(kept.trained.software) == {"splink", "duckdb"}
    assert "phone: last 7.0: m" in kept.trained.untrained


def test_the_same_data_and_seed_give_the_same_model_which_waits_to_be_accepted(
    copied: Any,
) -> None:
    made = train(copied.office, "residents", by="li")
    assert made.before is not None
    assert made.model.number == 2
    assert made.model.state is ModelState.TRAINED
    assert asdict(made.model.trained) == asdict(made.before.trained)
    assert made.model.figures == made.before.figures
    assert [m.state for m in models(copied.office, "residents")] == ["trained", "accepted"]
    accept(copied.office, "residents", 2, by="wang")
    assert [m.state for m in models(copied.office, "residents")] == ["accepted", "retired"]
    assert isinstance(copied.events[-1], ModelAccepted)


def test_a_model_is_not_used_before_it_is_accepted(copied: Any, yaml: str) -> None:
    office = copied.declare(yaml.replace("residents", "others"))
    with pytest.raises(LinkageError, match="no accepted model"):
        run(office, "others", by="li")


def test_a_model_for_another_declaration_is_refused(copied: Any, yaml: str) -> None:
    office = copied.declare(yaml.replace("seed: 7", "seed: 8"))
    with pytest.raises(LinkageError, match="declared before"):
        run(office, "residents", by="li")


def test_a_decision_binds_later_runs_and_ids_stay(copied: Any) -> None:
    office = copied.office
    before = subject_of(office, "residents", R7)
    waiting = review(office, "residents", limit=50)
    assert (T3, R3) in {(w.placed.pair.left, w.placed.pair.right) for w in waiting}
    decide(office, "residents", R7, C7, Verdict.DIFFERENT, by="li", reason="father and son")
    decide(office, "residents", T3, R3, Verdict.SAME, by="li", reason="the name was changed")
    done = run(office, "residents", by="li")
    assert subject_of(office, "residents", R7) is None
    assert subject_of(office, "residents", R3) == subject_of(office, "residents", T3) is not None
    decide(office, "residents", R7, C7, Verdict.SAME, by="wang", reason="one person")
    run(office, "residents", by="li")
    assert subject_of(office, "residents", R7) not in (None, before)
    assert review(office, "residents")[0].is_disputed
    assert [type(e) for e in copied.events] == [
        PairDecided, PairDecided, LinkageRan, PairDecided, LinkageRan,
    ]  # fmt: skip
    assert done.figures.refused == {"different": 1}


def test_subjects_keep_their_ids_when_rows_come_and_versions_are_told(copied: Any) -> None:
    before = subject_of(copied.office, "residents", R7)
    fresh = {
        "id": ["r999"], "full_name": ["欧阳晓"], "born": ["1999-09-09"],
        "mobile": ["13900000000"], "home": ["杭州市新街1号"], "updated": ["2026-03-01"],
    }  # fmt: skip
    copied.lake.append("register", pa.table(fresh))
    done = run(copied.office, "residents", by="li")
    assert done.versions == {"register": 1, "clinic": 0}
    assert subject_of(copied.office, "residents", R7) == before
    assert last_run(copied.office, "residents") == done


def test_a_sample_tells_how_right_the_links_are(copied: Any) -> None:
    office = copied.office
    known, waiting = sample(office, "residents", size=5, seed=2)
    assert (known.sampled, known.share, len(waiting)) == (5, None, 5)
    for each in waiting:
        ends = (each.placed.pair.left, each.placed.pair.right)
        decide(office, "residents", *ends, Verdict.SAME, by="li", reason="both files seen")
    known, waiting = sample(office, "residents", size=5, seed=2)
    assert (known.same, known.share, known.high, waiting) == (5, 1.0, 1.0, ())
    assert known.low == pytest.approx(0.5655, abs=1e-3)


def test_the_waterfall_runs_from_the_odds_before_to_the_odds_after(linked: Any) -> None:
    shown = why(linked.office, "residents", R7, C7, by="li")
    kept = models(linked.office, "residents")[0]
    assert shown.prior == pytest.approx(log2(kept.trained.prior / (1 - kept.trained.prior)))
    assert shown.total == pytest.approx(shown.pair.weight)
    assert [bar.part for bar in shown.bars] == ["name", "birth", "phone", "address"]
    assert shown.bars[-1].probability == pytest.approx(shown.pair.probability)
    zh, en = "\n".join(lines(shown, "zh")), "\n".join(lines(shown, "en"))
    assert "电话（phone）相同" in zh
    assert "phone: the same; weight +" in en
    assert "date (birth): the same; weight +" in en
    # Levels and weights are told, values never.
    assert "13" not in "".join(bar.finding.zh for bar in shown.bars)


def test_every_act_is_audited_without_a_key_of_a_record(copied: Any) -> None:
    decide(copied.office, "residents", R7, C7, Verdict.SAME, by="li", reason="seen")
    why(copied.office, "residents", R7, C7, by="wang")
    log = entries(copied)
    for kind in ("trained", "accepted", "ran", "decided", "explained"):
        assert any(f'"linkage.{kind}"' in line for line in log)
    assert not any('"r7"' in line or '"c7"' in line for line in log)


def test_a_verdict_needs_a_reason_and_records_that_take_part(linked: Any) -> None:
    for reason in (" ", "seen\x00", "\udfff", "x" * 4001):
        with pytest.raises(LinkageError, match="needs a reason"):
            decide(linked.office, "residents", R7, C7, Verdict.SAME, by="li", reason=reason)
    with pytest.raises(LinkageError, match="keeps no pair"):
        stranger = Record("tax", "1")
        decide(linked.office, "residents", R7, stranger, Verdict.SAME, by="li", reason="seen")


@pytest.mark.parametrize("key", ["r99999", "", "r7' OR 1 = 1 --", "r\x00", "\ud800", "r" * 301])
def test_a_verdict_on_a_record_that_is_not_there_is_refused(linked: Any, key: str) -> None:
    forged = Record("register", key)
    with pytest.raises(LinkageError, match="keeps no pair") as refusal:
        decide(linked.office, "residents", C7, forged, Verdict.SAME, by="li", reason="seen")
    assert refusal.value.code == "share.linkage_pair_unknown"


def test_a_pair_that_no_run_kept_can_be_decided_and_the_next_run_keeps_to_it(copied: Any) -> None:
    lone = Record("register", "r0")
    assert pair_as_it_stands(copied.office, "residents", lone, T3) is None
    decide(copied.office, "residents", lone, T3, Verdict.SAME, by="li", reason="moved and married")
    run(copied.office, "residents", by="li")
    one, other = (subject_of(copied.office, "residents", r) for r in (lone, T3))
    assert one == other is not None


def test_who_decides_hears_first_of_what_was_said_since_they_looked(copied: Any) -> None:
    office, (first, *_) = copied.office, review(copied.office, "residents")
    ends = (first.placed.pair.left, first.placed.pair.right)

    def say(verdict: Verdict, by: str, seen: str | None) -> None:
        decide(office, "residents", *ends, verdict, by=by, reason="seen", seen=seen)

    say(Verdict.SAME, "li", first.seen)
    with pytest.raises(LinkageError) as refusal:
        say(Verdict.DIFFERENT, "wang", first.seen)
    assert refusal.value.code == "share.changed_meanwhile"
    now = pair_as_it_stands(office, "residents", *ends)
    assert now
    assert [(d.by, d.verdict) for d in now.decisions] == [("li", "same")]
    say(Verdict.DIFFERENT, "wang", now.seen)
    after = pair_as_it_stands(office, "residents", *ends)
    assert after
    assert (after.is_disputed, len({first.seen, now.seen, after.seen})) == (True, 3)


def test_two_who_accept_at_once_leave_one_model_in_use(copied: Any) -> None:
    train(copied.office, "residents", by="li")
    both = [Thread(target=accept, args=(copied.office, "residents", n), kwargs={"by": "wang"})
            for n in (1, 2)]  # fmt: skip
    for each in both:
        each.start()
    for each in both:
        each.join()
    states = [kept.state for kept in models(copied.office, "residents")]
    assert states.count(ModelState.ACCEPTED) == 1


def test_what_is_not_there_is_refused(linked: Any) -> None:
    office = linked.office
    refusals: tuple[tuple[Callable[[], object], str], ...] = (
        (lambda: train(office, "nobody", by="li"), "share.linkage_unknown"),
        (lambda: accept(office, "residents", 9, by="li"), "share.linkage_model_unknown"),
        (lambda: why(office, "residents", R7, T3, by="li"), "share.linkage_pair_unknown"),
        (lambda: records(office, "residents", "no"), "share.linkage_subject_unknown"),
        (lambda: records(office, "residents", "\x00"), "share.linkage_subject_unknown"),
    )
    odd = Record("register", "\x00")
    assert pair_as_it_stands(office, "residents", odd, C7) is None
    assert subject_of(office, "residents", odd) is None
    for act, code in refusals:
        with pytest.raises(LinkageError) as refusal:
            act()
        assert refusal.value.code == code


def test_columns_that_are_not_there_and_keys_that_stand_twice_are_refused(
    copied: Any, yaml: str
) -> None:
    wrong = copied.declare(yaml.replace("phone: mobile", "phone: mobil"))
    with pytest.raises(LinkageError, match="register has no column mobil"):
        train(wrong, "residents", by="li")
    twice = copied.declare(yaml.replace("key: id", "key: updated", 1))
    with pytest.raises(LinkageError, match=r"used twice or longer than 300 .* in: register \(1\)"):
        train(twice, "residents", by="li")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("seed: 7", "sed: 7", "unknown key; did you mean seed"),
        ("review: 0.05", "review: 0.9999", "review must not lie above link"),
        ("phone: mobile", "shoe: mobile", "has no form; declare one under `forms`"),
        ("dataset: clinic", "dataset: register", "is named twice"),
        ("kind: person", "kind: person\nblocking: [{rare: birth}]", "birth has no words"),
        ("kind: person", "kind: person\nblocking: [{equal: [shoe]}]", "shoe is no part"),
        ("kind: person", "kind: person\nblocking: [{}]", "name either equal parts"),
        ("kind: person", "kind: person\nforms: {name: {form: nam}}", "is none of"),
        ("kind: person", "kind: thing", "the data sets share fewer than two parts"),
    ],
)
def test_a_linkage_that_is_written_wrongly_is_refused(
    yaml: str, old: str, new: str, problem: str
) -> None:
    with pytest.raises(DocumentError, match=problem):
        parse_linkage(yaml.replace(old, new).encode(), file="residents.yaml")
