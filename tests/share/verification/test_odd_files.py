"""Files of lists as spreadsheets and copied texts make them, and names with rare characters."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Refusal
from shuzhi.share.agreements import Actor, AgreementId, Deed, Verb, deal
from shuzhi.share.verification import (
    Asking,
    Block,
    Claim,
    ClaimColumn,
    Desk,
    How,
    Question,
    Sheet,
    VerificationError,
    answer_sheet,
    comparing,
    read_sheet,
)
from shuzhi.share.verification.comparing import Likeness
from shuzhi.share.verification.spelling import spellings

ZHANG, LI = "11010119900307721X", "110101197001010011"
ASKING = ("data_user", "rent_aid")


def read(path: Path, content: bytes) -> tuple[list[list[Any]], set[int]]:
    """Return the rows of a file as numbers, subjects and cells, and those that cannot be read."""
    path.write_bytes(content)
    sheet = read_sheet(path)
    rows = [
        [*row]
        for block in sheet.blocks
        for row in zip(block.numbers, block.subjects, *block.cells, strict=True)
    ]
    return rows, sheet.unread


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_in_both_encodings(tmp_path: Path, encoding: str, end: str) -> None:
    lines = ("subject,name", f"{ZHANG},张三丰", '"b","李,四"', "c,𠮷䶮", "")
    rows, unread = read(tmp_path / "list.csv", end.join(lines).encode(encoding))
    assert rows == [[1, ZHANG, "张三丰"], [2, "b", "李,四"], [3, "c", "𠮷䶮"]]
    assert unread == set()


def test_a_break_in_a_cell_is_part_of_it_wherever_the_file_is_cut(tmp_path: Path) -> None:
    wide = 'a,"张\n三"\n' * 700_000
    rows, unread = read(tmp_path / "list.csv", f"subject,name\n{wide}".encode())
    assert (len(rows), unread) == (700_000, set())
    assert {name for _, _, name in rows} == {"张\n三"}


def test_a_mark_that_is_never_closed_hides_no_rows(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="a quotation mark is not closed"):
        read(tmp_path / "list.csv", f'subject,name\na,"张三\n{ZHANG},李\n'.encode())


def test_what_a_spreadsheet_has_rounded_is_not_asked(registry: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"subject,phone\n1.10101E+17,1\n{ZHANG},1.38E+10\n{ZHANG},1\n", "utf-8")
    (block,) = answer_sheet(registry.desk, Asking(registry.user, 1, *ASKING), read_sheet(path))
    assert [(a.number, a.reason, a.title) for a in block.aside] == [
        (1, "share.bad_question", "subject"),
        (2, "share.bad_claim", "phone"),
    ]
    assert block.answers.column("row").to_pylist() == [3]


def test_an_agreement_that_ends_in_the_midst_of_a_list_answers_no_further_block(
    registry: Any,
) -> None:
    claims = (ClaimColumn("rooms", "rooms"),)

    def blocks() -> Iterator[Block]:
        yield Block([1], [ZHANG], [[3]])
        ended = Deed(Verb.SUSPEND, Actor("c.he", PartyId("city")), text="Misuse")
        deal(registry.sharing, AgreementId(1), ended)
        yield Block([2], [LI], [[1]])

    asking = Asking(registry.user, 1, *ASKING)
    first, second = answer_sheet(registry.desk, asking, Sheet(claims, blocks(), set()))
    assert not isinstance(first, Refusal)
    assert isinstance(second, Refusal)
    assert second.reason == "no_grant"


def test_an_answer_leaves_until_the_last_moment_of_the_agreement_and_not_after(
    registry: Any,
) -> None:
    asking = Asking(registry.user, 1, *ASKING)
    permit = registry.desk.look_up(asking)
    last = permit.grant.until
    asked = Question(1, "rent_aid", "data_user", ZHANG, (Claim("rooms", 3),))
    told = []
    for seconds in (-0.001, 0):
        registry.now = last
        registry.later(seconds=seconds)
        answered = registry.desk.answer(permit, asked)
        (result,) = registry.desk.settle([answered])
        told.append(result.reason if isinstance(result, Refusal) else result.answer.told)
    assert told == ["yes", "no_grant"]


def test_of_lists_that_many_processes_begin_at_once_only_those_begin_that_may(
    registry: Any,
) -> None:
    registry.declare("limits: {lists: {per_second: 0.001, at_once: 20}, guessing: null}\n")
    claims, asking = (ClaimColumn("rooms", "rooms"),), Asking(registry.user, 1, *ASKING)

    def send(desk: Desk) -> bool:
        blocks = iter([Block([1, 2, 3, 4, 5], [ZHANG] * 5, [[3] * 5])])
        (done,) = answer_sheet(desk, asking, Sheet(claims, blocks, set()))
        return not isinstance(done, Refusal)

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(send, [Desk(registry.office) for _ in range(12)]))
    assert sum(done) == 4


_LIKENESS = Likeness(90, 75)


def told(how: How, held: str, said: str) -> str:
    claim = Claim("name", said, how)
    return comparing.test_of(claim, LogicalType.STRING, _LIKENESS)(held).told.value


@pytest.mark.parametrize(
    ("held", "said", "exact", "name"),
    [
        ("龚䶮", "龚䶮", "yes", "yes"),
        ("𠮷田", "𠮷 田", "no", "yes"),
        ("𠮷田", "吉田", "no", "no"),
        ("葛\U000e0100城", "葛城", "yes", "yes"),
        ("阿卜杜拉·买买提", "阿卜杜拉•买买提", "no", "yes"),
        ("张三丰", "\u202d张三丰\u202c", "yes", "yes"),
        ("张三丰", "张\u200b三丰", "yes", "yes"),
        ("羅\u3000大", "羅 大", "yes", "yes"),
        ("José", "Jose\u0301", "yes", "yes"),
        ("〇一", "○一", "no", "no"),
    ],
)
def test_names_with_rare_characters_are_compared_as_they_are_read(
    held: str, said: str, exact: str, name: str
) -> None:
    assert [told(how, held, said) for how in (How.EXACT, How.NAME)] == [exact, name]


_UNSEEN = st.sampled_from(
    ["\u200b", "\u202a", "\u202c", "\ufeff", "\ufe00", "\U000e0100", "\u2066"]
)
_CHARACTERS = st.characters(codec="utf-8", categories=("Lo", "Lu", "Ll", "Nd"))


@given(name=st.text(_CHARACTERS, min_size=1, max_size=8), mark=_UNSEEN, at=st.integers(0, 8))
def test_what_cannot_be_seen_changes_no_answer(name: str, mark: str, at: int) -> None:
    said = name[:at] + mark + name[at:]
    assert told(How.EXACT, name, said) == "yes"
    assert told(How.NAME, said, name) == "yes"
    assert spellings(said) == spellings(name)


@given(parts=st.lists(st.text("0123456789Xx", min_size=1), min_size=1, max_size=4))
def test_an_id_is_sought_as_it_was_written_first_then_without_spaces(parts: list[str]) -> None:
    ways = spellings(" ".join(parts))
    assert ways[0] == " ".join(parts)
    assert {"".join(parts), "".join(parts).upper()} <= set(ways)
    assert all(first != second for first, second in pairwise(ways))
