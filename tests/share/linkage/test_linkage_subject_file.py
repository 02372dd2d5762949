"""One file per subject: each asker sees what their grants say, and no more (made-up people)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import select

from shuzhi.audit.outbox import outbox_table
from shuzhi.gather.contracts import LogicalType
from shuzhi.kernel.ids import DatasetName, PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import (
    Allowed,
    ColumnFacts,
    DatasetFacts,
    Form,
    Grant,
    Keep,
    Limits,
    MaskRule,
    MaskTable,
    Operator,
    Partial,
    Term,
    User,
)
from shuzhi.share.linkage import (
    Asker,
    Door,
    Leaving,
    LinkageError,
    Record,
    Source,
    SubjectFile,
    subject_file,
    subject_of,
)

R7, C7 = Record("register", "r7"), Record("clinic", "c7")
COLUMNS = {
    "register": ("id", "full_name", "born", "mobile", "home", "updated"),
    "clinic": ("id", "patient", "birthday", "phone", "address", "visited"),
}
ASKER = Asker(User("zhou", PartyId("welfare"), frozenset({"clerk"})), "clerk", "aid")
MASKS = MaskTable(
    "test",
    (
        MaskRule(Keep(), frozenset({"general"}), None, None),
        MaskRule(Partial(1, 0), frozenset({"personal"}), None, None),
    ),
)


def source(world: Any, dataset: str, *columns: str, **terms: Any) -> Source:
    """Return a data set of which the asker's party may see `columns`; none means no grant."""
    kinds = {"full_name": "personal", "patient": "personal", "mobile": "secret"}
    facts = DatasetFacts(
        DatasetName(dataset),
        "1.0.0",
        {c: ColumnFacts(c, LogicalType.STRING, kinds.get(c, "general")) for c in COLUMNS[dataset]},
    )
    if not columns:
        return Source(facts, ())
    now, day = world.office.clock(), timedelta(days=1)
    base = {
        "id": f"agreement:{dataset}",
        "assigner": PartyId("owner"),
        "assignee": PartyId("welfare"),
        "dataset": DatasetName(dataset),
        "contract_version": "1.0.0",
        "columns": columns,
        "purposes": frozenset({"aid"}),
        "roles": frozenset({"clerk"}),
        "since": Instant(now - day),
        "until": Instant(now + day),
    }
    return Source(facts, (Grant(**(base | terms)),))


def shown(
    world: Any,
    *sources: Source,
    subject: str | Record | None = None,
    narrowed: Callable[[Allowed], Allowed] = lambda allowed: allowed,
    left: list[Leaving] | None = None,
) -> SubjectFile:
    named = {str(s.facts.name): s for s in sources}
    kept: list[Leaving] = [] if left is None else left
    key = b"the key of a city that is a test"
    door = Door(world.lake, named, MASKS, key, Limits(), narrowed, kept.append)
    which = subject or subject_of(world.office, "residents", R7) or ""
    return subject_file(world.office, door, "residents", which, asker=ASKER)


def test_each_source_shows_what_is_granted_masked_where_a_mask_says_so(linked: Any) -> None:
    register = source(linked, "register", "full_name", "born", "mobile")
    file = shown(linked, register, source(linked, "clinic", "birthday"))
    first, second = file.sheets
    assert (first.columns, first.masked) == (("full_name", "born"), ("full_name",))
    # No rule says how a secret may be shown.
    assert first.withheld == ("mobile",)
    ((name, born),) = first.rows
    assert name[1:].strip("*") == ""
    assert second.rows == ((born.replace("-", "/"),),)


def test_without_a_grant_nothing_is_told_not_even_whether_there_is_a_row(linked: Any) -> None:
    sources = source(linked, "register", "updated"), source(linked, "clinic")
    known, alone = (shown(linked, *sources, subject=r) for r in (R7, Record("register", "r9")))
    assert known.sheets[1].refusal is not None
    assert (known.sheets[1].refusal.reason, known.sheets[1].rows) == ("no_grant", ())
    # r7 is known to the clinic, r9 is not: the asker sees no difference.
    assert subject_of(linked.office, "residents", R7) is not None
    assert subject_of(linked.office, "residents", Record("register", "r9")) is None
    assert known == alone


def test_a_row_that_a_grant_leaves_out_is_one_that_is_not_there(linked: Any) -> None:
    never = Term("visited", Operator.ONE_OF, ("1900-01-01",))
    clinic = source(linked, "clinic", "birthday", rows=never)
    sources = source(linked, "register", "updated"), clinic
    known, alone = (shown(linked, *sources, subject=r) for r in (R7, Record("register", "r9")))
    assert known == alone


def test_who_sees_two_records_of_a_subject_is_told_its_id_and_may_ask_by_it(linked: Any) -> None:
    sources = source(linked, "register", "born"), source(linked, "clinic", "birthday")
    file = shown(linked, *sources, subject=R7)
    assert file.subject == subject_of(linked.office, "residents", R7)
    assert shown(linked, *sources, subject=file.subject) == file
    # Whoever knows the id from before is told it, whatever they see now.
    later = shown(linked, sources[0], source(linked, "clinic"), subject=file.subject)
    assert (later.subject, len(later.sheets[0].rows)) == (file.subject, 1)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"purposes": frozenset({"tax"})}, "purpose_not_covered"),
        ({"roles": frozenset({"analyst"})}, "role_not_covered"),
        ({"assignee": PartyId("others")}, "not_the_assignee"),
    ],
)
def test_a_grant_for_something_else_opens_nothing(
    linked: Any, terms: dict[str, Any], reason: str
) -> None:
    register = source(linked, "register", "born", **terms)
    refusal = shown(linked, register, source(linked, "clinic")).sheets[0].refusal
    assert refusal is not None
    assert refusal.reason == reason


def test_a_grant_of_figures_shows_no_rows(linked: Any) -> None:
    terms = {"form": Form.AGGREGATE, "minimum_group": 5, "budget": 9}
    register = source(linked, "register", "born", **terms)
    assert shown(linked, register, source(linked, "clinic")).sheets[0].refusal is not None


def test_sources_that_differ_are_shown_with_source_and_time(copied: Any, tables: Any) -> None:
    def born(value: str) -> SubjectFile:
        clinic = tables["clinic"]
        place = clinic.column_names.index("birthday")
        days = clinic["birthday"].to_pylist()
        days[clinic["id"].to_pylist().index("c7")] = value
        copied.lake.overwrite("clinic", clinic.set_column(place, "birthday", pa.array(days)))
        register = source(copied, "register", "born", "updated")
        return shown(copied, register, source(copied, "clinic", "birthday", "visited"))

    (differs,) = born("1901/02/03").differs
    assert differs.part == "birth"
    assert [(t.dataset, t.seen_at) for t in differs.told] == [
        ("clinic", "2026-02-01"),
        ("register", "2026-01-05"),
    ]
    assert differs.told[0].value == "1901/02/03"
    # To write the same day in another way is not to say another day.
    (day,) = {row[0] for row in shown(copied, source(copied, "register", "born"),
                                      source(copied, "clinic")).sheets[0].rows}  # fmt: skip
    for same in (day.replace("-", "/"), day.replace("-", ""), f" {day} "):
        assert born(same).differs == ()


def test_a_masked_value_is_not_held_against_another(linked: Any) -> None:
    register = source(linked, "register", "full_name")
    assert shown(linked, register, source(linked, "clinic", "patient")).differs == ()


def test_a_record_opens_the_file_only_to_whoever_may_see_it(linked: Any) -> None:
    sources = (source(linked, "register", "born"), source(linked, "clinic"))
    assert shown(linked, *sources, subject=R7).sheets == shown(linked, *sources).sheets
    told = []
    for hidden in (C7, Record("register", "r_none"), Record("clinic", "none")):
        with pytest.raises(LinkageError) as refusal:
            shown(linked, *sources, subject=hidden)
        told.append(refusal.value.code)
    assert told == ["share.linkage_subject_unknown"] * 3


def test_what_must_not_leave_is_taken_out_and_what_leaves_is_told_first(linked: Any) -> None:
    left: list[Leaving] = []
    sources = (source(linked, "register", "born"), source(linked, "clinic", "birthday"))
    shown(linked, *sources, left=left)
    assert [(x.member.dataset, x.keys, len(x.rows)) for x in left] == [
        ("register", ("r7",), 1),
        ("clinic", ("c7",), 1),
    ]

    def objected(allowed: Allowed) -> Allowed:
        others = Term(allowed.grant.columns[0], Operator.NONE_OF, (left[0].rows[0][0],))
        return replace(allowed, rows=others)

    file = shown(linked, *sources[:1], source(linked, "clinic"), narrowed=objected)
    assert file.sheets[0].rows == ()


def test_every_look_is_audited_with_its_purpose_and_without_keys(copied: Any) -> None:
    shown(copied, source(copied, "register", "born"), source(copied, "clinic"))
    with copied.control.transaction() as connection:
        last = select(outbox_table.c.content).order_by(outbox_table.c.no.desc()).limit(1)
        entry = json.loads(connection.execute(last).scalar_one())
    assert entry["kind"] == "linkage.subject_shown"
    assert entry["by"] == "zhou"
    assert entry["facts"] == {
        "party": "welfare",
        "role": "clerk",
        "purpose": "aid",
        "subject": subject_of(copied.office, "residents", R7),
        "rows": {"register": 1},
        "refused": {"clinic": "no_grant"},
    }


def test_a_text_is_no_key_of_whole_numbers_and_nothing_breaks(linked: Any) -> None:
    held = source(linked, "register", "id", "full_name")
    columns = {**held.facts.columns, "id": ColumnFacts("id", LogicalType.INTEGER, "general")}
    whole = replace(held, facts=replace(held.facts, columns=columns))
    for key in ("r7", "007", "7 ", "-0", "٧", "7" * 500, ""):
        with pytest.raises(LinkageError, match="linkage_subject_unknown"):
            shown(linked, whole, source(linked, "clinic"), subject=Record("register", key))
