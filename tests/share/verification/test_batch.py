"""Lists of questions: the same answers as one by one, bad rows set aside, budgets kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.share.access import Refusal
from shuzhi.share.receipts import receipt, uses_of
from shuzhi.share.verification import (
    AnsweredBlock,
    Asking,
    Desk,
    Slowed,
    answer_sheet,
    lift,
    read_sheet,
)
from shuzhi.share.verification import findings as noticed

ZHANG, ABDULLA, LI = "11010119900307721X", "110101198512120023", "110101197001010011"


def answered(registry: Any, path: Path) -> list[AnsweredBlock | Refusal]:
    asking = Asking(registry.user, 1, "data_user", "rent_aid")
    return list(answer_sheet(registry.desk, asking, read_sheet(path)))


def rows_of(blocks: list[AnsweredBlock | Refusal]) -> list[dict[str, Any]]:
    return [row for b in blocks if isinstance(b, AnsweredBlock) for row in b.answers.to_pylist()]


def test_a_list_is_answered_with_one_receipt_for_all_its_subjects(
    registry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        f"subject,name:name,born:date:2,phone:last\n{ZHANG.lower()},张三丰,1990-03-09,5678\n"
        f"{ABDULLA},阿卜杜拉买买提,1985-01-01,1234\nnobody,X,1985-01-01,1234\n"
        f"{LI},Li Si,19700101,0000\n",
        encoding="utf-8",
    )
    (block,) = answered(registry, path)
    assert isinstance(block, AnsweredBlock), block
    assert block.answers.column("answer").to_pylist() == ["yes", "differs", "no", "differs"]
    assert block.answers.column("row").to_pylist() == [1, 2, 3, 4]
    kept = receipt(registry.receipts, block.receipt)
    assert (kept.subjects, kept.what.rows, kept.what.lake_version) == (4, 4, 0)
    assert uses_of(registry.receipts, "person", ZHANG) == (kept,)


def test_rows_that_cannot_be_asked_are_set_aside_with_reasons(
    registry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        f"subject,born:date\n{ZHANG},1990-03-07\n{ABDULLA},soon\n,1990-03-07\n{LI},a,b,c\n"
        f"{LI},\n{LI},1970-01-01\n",
        encoding="utf-8",
    )
    sheet = read_sheet(path)
    asking = Asking(registry.user, 1, "data_user", "rent_aid")
    (block,) = answer_sheet(registry.desk, asking, sheet)
    assert isinstance(block, AnsweredBlock)
    assert block.answers.column("row").to_pylist() == [1, 6]
    reasons = [(aside.number, aside.reason) for aside in block.aside]
    assert reasons == [(2, "share.bad_claim"), (3, "share.bad_question"), (5, "share.bad_question")]
    assert sheet.unread == {4}


def test_every_kind_of_file_gives_the_same(registry: Any, tmp_path: Path) -> None:
    table = pa.table({"subject": [ZHANG, LI], "rooms": ["3", "7"]})
    pyarrow.csv.write_csv(table, tmp_path / "a.csv")
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table)
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    kinds = [rows_of(answered(registry, path)) for path in sorted(tmp_path.glob("a.*"))]
    assert len(kinds) == 4
    assert kinds == [kinds[0]] * 4
    assert [row["answer"] for row in kinds[0]] == ["yes", "no"]


def test_a_list_beyond_the_budget_is_refused_and_leaves_no_receipt(
    registry: Any, tmp_path: Path
) -> None:
    registry.declare("limits: {most_a_day: 2}\n")
    path = tmp_path / "list.csv"
    path.write_text(f"subject,rooms\n{ZHANG},3\n{LI},1\n{ABDULLA},2\n", encoding="utf-8")
    (refusal,) = answered(registry, path)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "day_spent"
    assert uses_of(registry.receipts, "person", ZHANG) == ()
    path.write_text(f"subject,rooms\n{ZHANG},3\n{LI},1\n", encoding="utf-8")
    assert [row["answer"] for row in rows_of(answered(registry, path))] == ["yes", "yes"]


_SUBJECTS = st.sampled_from([ZHANG, ZHANG.lower(), ABDULLA, LI, "twice", "Twice", "110", " x "])
_DAYS = st.dates(date(1985, 12, 10), date(1985, 12, 15)) | st.dates()
_TEXTS = st.sampled_from(
    [
        "张三丰",
        "张 三 丰",
        "阿卜杜拉·买买提",
        "阿卜杜拉买买題",
        "LI SI",
        "li  sj",
        "Ｌi Si",
        "*丰",
        "*",
    ]
) | st.text(max_size=6)
_CLAIMS = {
    "name": _TEXTS,
    "name:name": _TEXTS,
    "name:masked": _TEXTS,
    "born": _DAYS.map(date.isoformat) | st.just("1985"),
    "born:date:2": _DAYS.map(date.isoformat),
    "phone:first": st.sampled_from(["138", "139", "13800005678", "*"]),
    "phone:last": st.sampled_from(["5678", "1234", "4", ""]),
    "phone:masked": st.sampled_from(["138****5678", "1*0*4", "13800005678", "***", "1*"]),
    "district": st.sampled_from(["d1", "D1", "d9"]),
    "rooms": st.sampled_from(["1", "2", "3", "3.0", "x"]),
}


@given(
    columns=st.lists(
        st.sampled_from(sorted(_CLAIMS)),
        min_size=1,
        max_size=4,
        unique_by=lambda title: title.partition(":")[0],
    ),
    data=st.data(),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_list_gives_what_each_question_gives(
    loose: Any, tmp_path_factory: pytest.TempPathFactory, columns: list[str], data: Any
) -> None:
    cells = st.tuples(_SUBJECTS, *(_CLAIMS[title] for title in columns))
    rows = data.draw(st.lists(cells, min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("lists") / "list.arrow"
    given_columns = map(list, zip(*rows, strict=True))
    table = pa.table(dict(zip(("subject", *columns), given_columns, strict=True)))
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    (block,) = answered(loose, path)
    assert isinstance(block, AnsweredBlock), block
    told = {a.number: [a.reason] for a in block.aside}
    for row in block.answers.to_pylist():
        told[row["row"]] = [row["answer"], *(row[title] for title in columns)]
    for number, (subject, *values) in enumerate(rows, 1):
        claims = {
            title.split(":")[0]: loose.claim(title, value)
            for title, value in zip(columns, values, strict=True)
        }
        assert told[number] == loose.alone(subject, claims)


def test_who_guesses_within_one_list_is_stopped_before_it_is_found(
    registry: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    days = "".join(f"{ZHANG},1990-03-{n:02}\n" for n in range(1, 10))
    path.write_text(f"subject,born:exact\n{days}{LI},1970-01-01\n", encoding="utf-8")
    (block,) = answered(registry, path)
    assert isinstance(block, AnsweredBlock), block
    assert block.answers.column("answer").to_pylist() == ["no"] * 5 + ["yes"]
    assert [(a.number, a.reason) for a in block.aside] == [(n, "suspended") for n in range(6, 10)]


def listed(path: Path, rows: int, subject: str = ZHANG, rooms: int = 3) -> Path:
    """Write a list that asks so many times the same."""
    path.write_text("subject,rooms\n" + f"{subject},{rooms}\n" * rows, encoding="utf-8")
    return path


def told(registry: Any, path: Path) -> list[int | str]:
    """Return of each block how many rows were answered, or why none."""
    return [
        block.reason if isinstance(block, Refusal) else block.answers.num_rows
        for block in answered(registry, path)
    ]


def test_the_next_list_waits_until_the_rows_of_those_before_are_made_up_for(
    registry: Any, tmp_path: Path
) -> None:
    registry.declare("limits: {lists: {per_second: 0.5, at_once: 10}}\n")
    path = listed(tmp_path / "list.csv", 6)
    assert [told(registry, path) for _ in range(3)] == [[6], [6], ["list_too_soon"]]
    (refusal,) = answered(registry, path)
    assert isinstance(refusal, Slowed)
    # Two rows too many were taken, and one has to be there: six seconds, at 9 o'clock in China.
    assert refusal.retry_after_s == 6
    assert "2026-03-02 09:00:06" in refusal.zh
    assert "2026-03-02 09:00:06" in refusal.en
    registry.later(seconds=5)
    assert told(registry, path) == ["list_too_soon"]
    registry.later(seconds=1)
    assert told(registry, path) == [6]


def test_lists_and_single_questions_do_not_wait_for_each_other(
    registry: Any, tmp_path: Path
) -> None:
    registry.declare("""
limits: {lists: {per_second: 0.001, at_once: 1}, asker: {per_second: 0.001, at_once: 1}}
""")
    path = listed(tmp_path / "list.csv", 4)
    assert [told(registry, path) for _ in range(2)] == [[4], ["list_too_soon"]]
    assert [registry.told(ZHANG, {"rooms": 3}) for _ in range(2)] == ["yes", "too_fast"]


def test_a_list_that_is_refused_or_of_which_nothing_can_be_asked_takes_nothing(
    registry: Any, tmp_path: Path
) -> None:
    registry.declare("limits: {most_a_day: 6, lists: {per_second: 0.001, at_once: 5}}\n")
    few, many = listed(tmp_path / "few.csv", 4), listed(tmp_path / "many.csv", 7)
    blank = listed(tmp_path / "blank.csv", 9, rooms="x")
    assert told(registry, many) == ["day_spent"]
    assert told(registry, blank) == [0]
    assert [told(registry, few) for _ in range(2)] == [[4], ["day_spent"]]


def test_what_another_process_took_of_the_rate_of_lists_counts(
    registry: Any, tmp_path: Path
) -> None:
    registry.declare("limits: {lists: {per_second: 0.001, at_once: 10}}\n")
    path, other = listed(tmp_path / "list.csv", 5), Desk(registry.office)
    assert told(registry, path) == [5]
    one, registry.desk = registry.desk, other
    assert told(registry, path) == [5]
    registry.desk = one
    assert told(registry, path) == ["list_too_soon"]


def blocks_of(path: Path, rows: int, rooms: int) -> Path:
    """Write a list of three blocks with so many rows each."""
    block = pa.record_batch({"subject": [ZHANG] * rows, "rooms": [rooms] * rows})
    with pa.ipc.new_file(path, block.schema) as writer:
        for _ in range(3):
            writer.write_batch(block)
    return path


def test_a_list_that_began_ends_but_not_where_it_is_slowed(registry: Any, tmp_path: Path) -> None:
    registry.declare("limits: {lists: {per_second: 1, at_once: 10}}\n")
    wrong, right = blocks_of(tmp_path / "w.arrow", 60, 9), blocks_of(tmp_path / "r.arrow", 60, 3)
    assert told(registry, wrong) == [60, "list_too_soon"]
    (found,) = noticed(registry.office)
    assert found.what.kind == "misses"
    # Slowed, what lacks comes back at a tenth of the rate.
    registry.later(seconds=60)
    assert told(registry, right) == ["list_too_soon"]
    lift(registry.desk, found.id, by="c.he")
    assert told(registry, right) == [60, 60, 60]
