"""What a training could not do, said in words with what to do; and data that are hardly any."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from shuzhi.share.linkage import (
    Linkage,
    LinkageError,
    Record,
    accept,
    models,
    parse_linkage,
    run,
    shortcomings,
    train,
    why,
)
from shuzhi.share.linkage.model import Trained
from shuzhi.share.linkage.presets import presets

from .conftest import YAML

_KNOWN = Trained({}, "", {}, {"register": 150, "clinic": 113}, 7, {}, 0.01, "certain", ())


def residents(text: str = YAML) -> Linkage:
    return parse_linkage(text.encode(), file="residents.yaml")


def told(linkage: Linkage, **lacking: Iterable[str]) -> list[tuple[str, str, str]]:
    given = {name: tuple(each) for name, each in lacking.items()}
    found = shortcomings(linkage, replace(_KNOWN, **given))
    assert all(each.advice.zh and each.advice.en for each in found)
    return [(each.code, each.said.zh, each.said.en) for each in found]


def test_a_model_that_lacks_nothing_says_nothing() -> None:
    assert told(residents()) == []


def test_findings_that_were_not_seen_are_told_part_by_part_in_both_languages() -> None:
    untrained = (
        "name: similar 0.92: m", "name: similar 0.85: m", "name: similar 0.85: u",
        "phone: last 7.0: u",
    )  # fmt: skip
    assert told(residents(), untrained=untrained) == [
        (
            "findings",
            "姓名（name）：数据中没有出现：写法相近（相似度不低于 0.85）。"
            "同一主体的记录之间没有出现：写法相近（相似度不低于 0.92）。",
            "name: The data do not show: spelt alike (similarity at least 0.85). "
            "Not seen between records of one subject: spelt alike (similarity at least 0.92).",
        ),
        (
            "findings",
            "电话（phone）：任意两条记录之间没有出现：后 7 位相同。",
            "phone: Not seen between any two records: the last 7 characters are the same.",
        ),
    ]


def test_a_part_of_which_nothing_was_learnt_and_one_that_is_always_the_same_are_told() -> None:
    levels = ("same", "edits 1.0", "edits 2.0", "first 4.0", "other")
    nothing = [f"birth: {level}: {side}" for level in levels for side in "mu"]
    always = [f"name: {v}: {s}" for v in ("similar 0.92", "other") for s in "mu"]
    found = told(residents(), untrained=[*nothing, *always])
    assert [(code, zh.partition("：")[0]) for code, zh, _ in found] == [
        ("constant", "姓名（name）"),
        ("part", "日期（birth）"),
    ]


def test_what_went_wrong_names_the_parts_and_never_what_a_library_said() -> None:
    problems = ("session_none: birth", "session_failed: name", "certain_none", "certain_many")
    left_out = ("name, birth[:4]: 3000000", "rare words of address: 2000001")
    found = told(residents(), problems=problems, left_out=left_out)
    assert [code for code, _, _ in found] == [
        "session_none", "session_failed", "certain_none", "certain_many", "left_out", "left_out",
    ]  # fmt: skip
    assert found[0][1:] == (
        "没有两条记录的日期（birth）一致，从中学不到东西。",
        "No two records agree in date (birth), so that nothing is learnt from those.",
    )
    assert found[4][1].startswith("姓名（name）、日期（birth）前 4 位一致的记录对有 3,000,000 对")
    assert found[5][2].startswith("2,000,001 pairs agree in rare words of address")


def test_few_rows_come_first_and_what_was_kept_before_there_were_codes_is_told_as_it_was() -> None:
    rows = {"register": 150, "clinic": 99}
    found = shortcomings(residents(), replace(_KNOWN, rows=rows, problems=("l.x = r.x: why",)))
    assert [(each.code, each.said.en) for each in found] == [
        ("few_rows", "clinic has 99 rows only: what is learnt of so few cannot be relied on."),
        ("other", "l.x = r.x: why"),
    ]


@pytest.mark.parametrize("code", sorted(presets().lacks))
def test_every_shortcoming_has_its_words_in_both_languages(code: str) -> None:
    lack = presets().lacks[code]
    assert lack.said.zh.count("{") == lack.said.en.count("{")
    assert lack.said.en.endswith((".", "}"))
    assert lack.advice.en.endswith(".")
    assert not lack.advice.zh.isascii()


def with_column(table: pa.Table, name: str, value: str | None) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array([value] * len(table), pa.string()))


def test_a_data_set_without_rows_trains_no_model_and_is_named(copied: Any, tables: Any) -> None:
    copied.lake.overwrite("clinic", tables["clinic"].slice(0, 0))
    with pytest.raises(LinkageError, match=r"could be learnt: clinic holds no rows\.") as refusal:
        train(copied.office, "residents", by="li")
    assert refusal.value.code == "share.linkage_untrainable"
    assert refusal.value.next_step == "Look whether its rows have come; train when they have."
    # What was trained before still runs; nobody is linked to anybody.
    assert run(copied.office, "residents", by="li").figures.subjects == 0


def test_records_of_nobody_in_common_train_no_model(copied: Any, tables: Any) -> None:
    copied.lake.overwrite("clinic", tables["clinic"].slice(0, 1))
    copied.lake.overwrite("register", tables["register"].slice(9, 1))
    with pytest.raises(LinkageError, match="No two records agree in date") as refusal:
        train(copied.office, "residents", by="li")
    assert "declare other blocks" in refusal.value.next_step
    assert "rule" not in refusal.value.message


def test_a_column_without_values_leaves_its_part_at_a_guess_and_the_rest_links(
    copied: Any, tables: Any
) -> None:
    copied.lake.overwrite("register", with_column(tables["register"], "full_name", None))
    made = train(copied.office, "residents", by="li").model
    found = {each.code: each.said.en for each in shortcomings(residents(), made.trained)}
    assert found["session_none"].startswith("No two records agree in name,")
    assert "how much it tells could not be learnt" in found["part"]
    accept(copied.office, "residents", made.number, by="wang")
    assert run(copied.office, "residents", by="li").figures.linked > 80
    pair = (Record("clinic", "c7"), Record("register", "r7"))
    bars = {bar.part: bar for bar in why(copied.office, "residents", *pair, by="li").bars}
    assert (bars["name"].finding.en, bars["name"].weight) == ("missing on one side", 0)


def test_a_model_of_few_rows_says_so(copied: Any, tables: Any) -> None:
    for name, table in tables.items():
        copied.lake.overwrite(name, table.slice(0, 5))
    train(copied.office, "residents", by="li")
    trained = models(copied.office, "residents")[0].trained
    assert dict(trained.rows) == {"clinic": 5, "register": 5}
    assert [each.code for each in shortcomings(residents(), trained)][:2] == ["few_rows"] * 2


def test_a_name_as_long_as_a_book_is_compared_by_its_beginning(copied: Any, tables: Any) -> None:
    long = "王" * 200_000
    for name, column in (("register", "full_name"), ("clinic", "patient")):
        copied.lake.overwrite(name, with_column(tables[name], column, long))
    assert run(copied.office, "residents", by="li").figures.pairs > 80


def test_keys_that_are_too_long_to_be_kept_are_refused(copied: Any, tables: Any) -> None:
    register = tables["register"]
    long = pa.array([f"r{n:0301}" for n in range(len(register))])
    copied.lake.overwrite("register", register.set_column(0, "id", long))
    with pytest.raises(LinkageError, match=r"longer than 300 characters in: register \(150\)"):
        run(copied.office, "residents", by="li")
