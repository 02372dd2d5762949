"""One path for each answer: agreement, decision, bytes, receipt; and a page, a file, a figure."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import Operator, Refusal
from shuzhi.share.agreements import Actor, Clock, Deed, RowTerm, Verb, agreement, deal
from shuzhi.share.agreements.clocks import live
from shuzhi.share.catalogue import SharingMethod
from shuzhi.share.delivery import (
    Answer,
    DeliverySetup,
    MediaType,
    answer,
    file,
    page,
    subscribe,
)
from shuzhi.share.receipts import (
    Left,
    Reach,
    answer_objection,
    object_to,
    receipts,
    uses_of,
)


def rows_of(found: Answer | Refusal) -> list[dict[str, Any]]:
    """Read an answer in JSON, and see that its receipt has the hash of what was read."""
    assert isinstance(found, Answer), found
    content = found.content.read()
    assert hashlib.sha256(content).hexdigest() == found.receipt.what.sha256
    assert len(content) == found.receipt.what.size_bytes
    rows: list[dict[str, Any]] = json.loads(content)
    assert len(rows) == found.receipt.what.rows
    return rows


@pytest.mark.parametrize(
    ("method", "may_leave"),
    [
        (SharingMethod.DOCKING, {Left.FILE, Left.PUSH}),
        (SharingMethod.SERVICE, {Left.FILE, Left.PUSH}),
        (SharingMethod.DOWNLOAD, {Left.FILE}),
        (SharingMethod.QUERY, set()),
        (SharingMethod.VIEW, set()),
    ],
)
def test_data_leave_by_the_method_that_was_agreed_on(
    town: Any, method: SharingMethod, may_leave: set[Left]
) -> None:
    held = town.agreed(method=method)
    wanted, asker = town.wanted(held), town.asker()
    url = "http://127.0.0.1:9/hook"
    desk = replace(town.desk, setup=DeliverySetup(push_to=(url,)))
    assert rows_of(page(desk, wanted, asker, limit=3))
    for left, found in (
        (Left.FILE, file(desk, wanted, asker)),
        (Left.PUSH, subscribe(desk, wanted, asker, url)),
    ):
        if left in may_leave:
            assert not isinstance(found, Refusal)
        else:
            assert isinstance(found, Refusal)
            assert found.reason == "not_by_method"
            assert method in found.en


def test_a_page_leaves_with_its_receipt_in_the_audit_log(town: Any) -> None:
    held = town.agreed()
    found = page(town.desk, town.wanted(held), town.asker(), limit=3)
    rows = rows_of(found)
    assert [row["no"] for row in rows] == [0, 1, 2]
    assert rows[1]["name"] == "张***"
    assert rows[0]["income"] is None
    assert rows[0]["person"] == rows[1]["person"] != "p0"
    what = found.receipt.what
    assert (what.left, what.reach, what.lake_version, what.rows) == (Left.ROWS, Reach.LISTED, 0, 3)
    assert what.masks == {"person": "Hashed()", "name": "Partial(first=1, last=0)"}
    assert found.receipt.subjects == 2
    town.city.record()
    entries = town.city.find_entries(
        f"receipt:{found.receipt.id}", found.receipt.at, found.receipt.at
    )
    assert [entry.content["facts"]["sha256"] for entry in entries] == [what.sha256]
    assert "SECRET" not in json.dumps(rows)


def test_a_file_and_a_figure_leave_with_receipts_of_their_own(town: Any) -> None:
    held = town.agreed()
    whole = file(town.desk, town.wanted(held), town.asker())
    assert sorted(row["no"] for row in rows_of(whole)) == list(range(20))
    assert (whole.receipt.what.left, whole.receipt.subjects) == (Left.FILE, 10)
    sql = "SELECT district, COUNT(*) AS n FROM residents GROUP BY district ORDER BY district"
    figures = answer(town.desk, town.wanted(town.agreed("water")), town.asker("water"), sql)
    assert rows_of(figures) == [{"district": "north", "n": 5}, {"district": "south", "n": 15}]
    assert (figures.receipt.what.reach, figures.receipt.subjects) == (Reach.READ, 10)
    # The same rows of the same version: the set of subjects was not made again.
    assert figures.receipt.subject_set == whole.receipt.subject_set
    assert figures.receipt.what.question_sha256 == hashlib.sha256(sql.encode()).hexdigest()


def test_yes_or_no_is_about_the_one_who_was_asked_about(town: Any) -> None:
    held = town.yes_no()
    sql = "SELECT COUNT(*) > 0 FROM residents WHERE person = 'p3' AND district = 'south'"
    refusal = answer(town.desk, town.wanted(held), town.asker(), sql)
    # The number is a pseudonym for this asker, so that a question by number is of no use.
    assert rows_of(refusal) == [{"answer": False}]
    office = town.desk.receipts
    assert [r.id for r in uses_of(office, "person", "p3")] == [refusal.receipt.id]
    assert uses_of(office, "person", "p4") == ()


def test_what_the_platform_holds_is_provided_with_the_agreement(town: Any) -> None:
    held = town.agreed()
    page(town.desk, town.wanted(held), town.asker())
    done = agreement(town.desk.sharing, held.id)
    assert done.agreement.provided_at == held.made_at
    assert [step.verb for step in done.steps] == ["make"]
    assert live(done.agreement.runs, Clock.PROVISION) is None


def test_refusals_are_values_and_stand_in_the_log(town: Any) -> None:
    held = town.agreed()
    desk = town.desk

    def reason(asker: Any, **wanted: Any) -> str:
        found = page(desk, town.wanted(held, **wanted), asker)
        assert isinstance(found, Refusal)
        return found.reason

    assert reason(town.asker("water")) == "not_the_assignee"
    assert reason(town.asker(purpose="curiosity")) == "purpose_not_covered"
    assert reason(town.asker(role="mayor")) == "role_not_held"
    assert reason(town.asker(), columns=("secret",)) == "column_not_granted"
    end = Deed(Verb.END, Actor("h.li", PartyId("housing")), text="Done")
    deal(desk.sharing, held.id, end)
    assert reason(town.asker()) == "no_grant"
    assert receipts(desk.receipts) == ()
    town.city.record()
    entries = town.city.find_entries(f"agreement:{held.id}", held.made_at, desk.clock())
    refused = [
        e.content["facts"]["reason"] for e in entries if e.content["kind"] == "delivery.refused"
    ]
    assert refused == ["not_the_assignee", "purpose_not_covered", "role_not_held",
                       "column_not_granted", "no_grant"]  # fmt: skip


def test_with_no_masks_there_is_nothing_to_see(town: Any) -> None:
    held = town.agreed()
    (town.city.settings.folder / "masks.yaml").unlink()
    found = page(town.desk, town.wanted(held), town.asker())
    assert isinstance(found, Refusal)
    assert found.reason == "no_mask_rule"


def test_rows_can_be_narrowed_on_columns_that_are_seen_as_they_are(town: Any) -> None:
    held = town.agreed()
    north = RowTerm("district", Operator.ONE_OF, ("north",))
    rows = rows_of(page(town.desk, town.wanted(held, rows=(north,)), town.asker()))
    assert [row["no"] for row in rows] == [0, 4, 8, 12, 16]
    masked = RowTerm("name", Operator.ONE_OF, ("张3",))
    found = page(town.desk, town.wanted(held, rows=(masked,)), town.asker())
    assert isinstance(found, Refusal)
    assert found.reason == "masked_condition"


def test_who_objected_with_success_leaves_no_more(town: Any) -> None:
    held = town.agreed()
    desk, wanted, asker = town.desk, town.wanted(held), town.asker()
    first = page(desk, wanted, asker)
    said = {"reason": "I never asked for aid", "by": "desk 3"}
    made = object_to(desk.receipts, first.receipt.id, "person", "p3", **said)
    by = Actor("r.zhou", PartyId("registry"))
    answer_objection(desk.receipts, made.id, by=by, text="Not needed", is_stopped=True)
    rest = [n for n in range(20) if n // 2 != 3]
    assert [row["no"] for row in rows_of(page(desk, wanted, asker))] == rest
    assert sorted(row["no"] for row in rows_of(file(desk, wanted, asker))) == rest
    counted = answer(desk, wanted, asker, "SELECT COUNT(*) AS n FROM residents")
    assert rows_of(counted) == [{"n": 18}]
    assert [r.id for r in uses_of(desk.receipts, "person", "p3")] == [first.receipt.id]
    # Another agreement is another use.
    others = page(desk, town.wanted(town.agreed("water")), town.asker("water"))
    assert len(rows_of(others)) == 20


def test_a_subject_finds_exactly_the_receipts_about_it(town: Any) -> None:
    held = town.agreed()
    desk, asker = town.desk, town.asker()
    north = town.wanted(held, rows=(RowTerm("district", Operator.ONE_OF, ("north",)),))
    pages = []
    cursor = None
    for _ in range(3):
        found = page(desk, town.wanted(held), asker, limit=8, cursor=cursor)
        pages.append(found.receipt.id)
        cursor = found.next_cursor
    whole = file(desk, north, asker).receipt.id
    # By hand: p3 is in rows 6 and 7 (south); p4 in rows 8 (north) and 9; p8 in rows 16, 17.
    expected = {"p3": {pages[0]}, "p4": {pages[1], whole}, "p8": {pages[2], whole}, "p99": set()}
    found = {p: {r.id for r in uses_of(desk.receipts, "person", p)} for p in expected}
    assert found == expected


@pytest.mark.parametrize("media", list(MediaType))
def test_the_receipt_has_the_hash_of_the_bytes_in_every_form(town: Any, media: MediaType) -> None:
    held = town.agreed()
    for deliver in (page, file):
        found = deliver(town.desk, town.wanted(held, media=media), town.asker())
        content = found.content.read()
        assert hashlib.sha256(content).hexdigest() == found.receipt.what.sha256
        assert sorted(numbers(content, media)) == list(range(20))


def numbers(content: bytes, media: MediaType) -> list[int]:
    """Read the numbers of the rows in a form with its ordinary reader."""
    if media is MediaType.JSON:
        return [row["no"] for row in json.loads(content)]
    if media is MediaType.CSV:
        return [int(row["no"]) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    source = pa.BufferReader(content)
    is_parquet = media is MediaType.PARQUET
    table = parquet.read_table(source) if is_parquet else pa.ipc.open_stream(source).read_all()
    found: list[int] = table["no"].to_pylist()
    return found


def test_a_key_that_is_none_seals_nothing(town: Any) -> None:
    key = town.city.settings.folder / "keys" / "city"
    key.parent.mkdir(exist_ok=True)
    key.write_bytes(b"")
    with pytest.raises(BrokenError, match=r"app.bad_city_key"):
        page(town.desk, town.wanted(town.agreed()), town.asker())
