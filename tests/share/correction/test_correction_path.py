"""From a wrong value to a closed doubt, in a city with a real lake, rules, indicators and cases."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from shuzhi.app import City
from shuzhi.app.running.catching_up import correct
from shuzhi.audit.outbox import outbox_table
from shuzhi.cli.commands import app
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.agreements import Actor, AgreementId, Asked, Deed, agree, agreements, deal, submit
from shuzhi.share.agreements import Verb as AgreementVerb
from shuzhi.share.catalogue.model import SharingMethod
from shuzhi.share.correction import (
    Comparison,
    DecisionKind,
    Doubted,
    DoubtId,
    DoubtState,
    Nearness,
    Review,
    accept,
    acknowledge,
    doubt_file,
    in_doubt,
    notices,
    replayed,
    review,
    tick,
    to_review,
)
from shuzhi.share.correction import submit as doubt
from shuzhi.share.delivery import Asker
from shuzhi.share.forms import designate
from shuzhi.share.receipts import Delivered, Left, receipts, record_receipt, set_of, subject_number
from shuzhi.web.api.share.doubt_answers import DoubtFileAnswer

ECOLOGY, WATER, TRANSPORT, AUTHORITY = (
    Actor(f"{party}.clerk", PartyId(party)) for party in ("ecology", "water", "transport", "city")
)
KEY = (("at", "2026-03-02T08:00:00+08:00"), ("station", "s1"))
WRONG = Doubted("air", KEY, "pm10", seen="999", right="99", evidence="Read the meter")


def an_agreement(city: City, party: Actor) -> AgreementId:
    today = city.clock().date()
    asked = Asked(
        dataset="air",
        basis="水污染防治法 第二十五条",
        scenario="Dust on the water",
        purposes=("tracing",),
        roles=("analyst",),
        fields=("station", "at", "pm10"),
        rows=(),
        method=SharingMethod.SERVICE,
        starts_on=today - timedelta(days=1),
        ends_on=date(today.year + 1, 12, 31),
        agreed_by="l.chief",
    )
    office = city.sharing_office
    return agree(office, submit(office, asked, by=party).application.id, by=ECOLOGY).id


def delivered(
    city: City,
    agreement: AgreementId,
    party: str,
    *,
    columns: tuple[str, ...] = ("station", "at", "pm10"),
    stations: tuple[str, ...] = ("s1", "s2"),
    left: Left = Left.ROWS,
    version: int | None = None,
) -> None:
    read = city.lake.version("air") if version is None else version
    what = Delivered(
        agreement, PartyId("ecology"), PartyId(party), "an analyst", "analyst", "tracing", "air",
        "1.0.0", read, columns, {}, 2, 10,
        hashlib.sha256(b"rows").hexdigest(), left, "text/csv",
    )  # fmt: skip
    office = city.receipt_office
    subjects = set_of(subject_number(office, "station", s) for s in stations)
    record_receipt(office, what, subjects=subjects)


@pytest.fixture
def wrong(air: Any) -> City:
    """A city that has stored, judged, measured and delivered a wrong value."""
    air.write([("s1", 1, 20), ("s2", 0, 30)])
    city: City = air.city
    city.compute_indicators()
    air.write([("s1", 0, 999)])
    city.judge("air")
    city.compute_indicators()
    agreements = {"water": an_agreement(city, WATER), "transport": an_agreement(city, TRANSPORT)}
    delivered(city, agreements["water"], "water")
    delivered(city, agreements["water"], "water", left=Left.YES_NO)
    # Neither this column nor this station went there.
    delivered(city, agreements["transport"], "transport", columns=("station",))
    delivered(city, agreements["transport"], "transport", stations=("s2",))
    return city


def correct_it(air: Any, city: City, doubted: DoubtId) -> None:
    accept(city.correction_office, doubted, "099", by=ECOLOGY, text="The meter was misread")
    air.write([("s1", 0, 99)])
    correct(city)


def test_a_value_is_corrected_when_the_lake_holds_it(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    held = doubt(office, WRONG, by=WATER)
    assert (held.state, held.responsible) == (DoubtState.CHECKING, "ecology")
    assert dict(held.what.key)["at"] == "2026-03-02 00:00:00+00"
    assert [d.id for d in in_doubt(office, "air")] == [held.id]
    accept(office, held.id, "99", by=ECOLOGY)
    assert tick(office).moved == 0
    assert doubt_file(office, held.id).doubt.state is DoubtState.CORRECTING
    # Another row that comes in corrects nothing.
    air.write([("s1", 2, 99)])
    assert tick(office).moved == 0
    version = air.write([("s1", 0, 99)])
    assert tick(office).moved == 1
    used = doubt_file(office, held.id).doubt.used
    assert used is not None
    assert (used.new_version, used.old, used.first_version, used.last_version) == (
        version, "999", version - 2, version - 1,
    )  # fmt: skip
    assert in_doubt(office, "air") == ()
    told = DoubtFileAnswer.file(doubt_file(office, held.id)).used
    assert told is not None
    assert (told.first_version, told.last_version, told.new_version, told.is_whole) == (
        version - 2, version - 1, version, True,
    )  # fmt: skip


def test_receivers_of_the_value_are_told_and_no_others(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    held = doubt(office, WRONG, by=WATER)
    correct_it(air, wrong, held.id)
    file = doubt_file(office, held.id)
    assert [(n.party, len(n.receipts)) for n in file.notices] == [("water", 2)]
    assert notices(office, PartyId("transport")) == ()
    after = acknowledge(office, held.id, by=WATER)
    assert acknowledge(office, held.id, by=WATER) == after
    assert notices(office, PartyId("water")) == ()
    with pytest.raises(RefusedError) as refusal:
        acknowledge(office, held.id, by=TRANSPORT)
    assert refusal.value.code == "share.no_notice"


def test_every_decision_that_used_the_value_is_listed(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    before = [run.id for run in wrong.indicator_history("clean_air.sum_pm10")]
    held = doubt(office, WRONG, by=WATER)
    correct_it(air, wrong, held.id)
    wrong.compute_indicators()
    correct(wrong)
    listed = [each.decision for each in doubt_file(office, held.id).listed]
    by_kind = {kind: [d for d in listed if d.kind is kind] for kind in DecisionKind}
    # Only the sum that was computed while 999 stood there; the number of stations does not read it.
    assert [d.id for d in by_kind[DecisionKind.INDICATOR]] == [str(max(before))]
    assert "1049" in by_kind[DecisionKind.INDICATOR][0].title
    (warning,) = by_kind[DecisionKind.WARNING]
    (case,) = by_kind[DecisionKind.CASE]
    assert (warning.nearness, case.nearness) == (Nearness.ROW, Nearness.ROW)
    assert (warning.party, case.party) == ("ecology", "ecology")
    assert [d.party for d in by_kind[DecisionKind.VERIFICATION]] == ["water"]
    assert [d.party for d in by_kind[DecisionKind.DELIVERY]] == ["water"]


def test_a_doubt_closes_when_all_is_acknowledged_and_reviewed(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    held = doubt(office, WRONG, by=WATER)
    correct_it(air, wrong, held.id)
    acknowledge(office, held.id, by=WATER)
    for each in doubt_file(office, held.id).listed:
        assert doubt_file(office, held.id).doubt.state is DoubtState.RECALLING
        one = each.decision
        by = Actor("x", one.party)
        review(office, held.id, one.kind, one.id, Review.CHANGED, by=by, why="Computed again")
        tick(office)
    file = doubt_file(office, held.id)
    assert file.doubt.state is DoubtState.CLOSED
    assert {each.review for each in file.listed} == {Review.CHANGED}
    assert to_review(office, PartyId("ecology")) == ()
    assert replayed(office, held.id) == file.doubt
    assert tick(office).moved == 0
    with wrong.control.transaction() as connection:
        contents = connection.scalars(select(outbox_table.c.content).order_by(outbox_table.c.no))
        entries = [json.loads(content) for content in contents]
    told = [e["kind"] for e in entries if e["subject"] == f"doubt:{held.id}"]
    assert told[:3] == ["doubt.submitted", "doubt.accepted", "doubt.held"]
    assert told[3:] == ["doubt.acknowledged", *["doubt.reviewed"] * 5, "doubt.closed"]
    # The log tells what was done, never the value; three digits may stand in any hash.
    facts = [e["facts"] | {"step_sha256": ""} for e in entries if e["kind"][:6] == "doubt."]
    assert "999" not in json.dumps(facts)


def test_who_reviews_is_who_answers_for_it_or_the_authority(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    held = doubt(office, WRONG, by=WATER)
    correct_it(air, wrong, held.id)
    (warning,) = (
        each.decision
        for each in doubt_file(office, held.id).listed
        if each.decision.kind is DecisionKind.WARNING
    )
    given = (office, held.id, warning.kind, warning.id, Review.KEPT)
    with pytest.raises(RefusedError) as refusal:
        review(*given, by=WATER, why="It was dusty all the same")
    assert refusal.value.code == "share.not_your_doubt"
    review(*given, by=AUTHORITY, why="It was dusty all the same")
    with pytest.raises(RefusedError) as unknown:
        review(office, held.id, warning.kind, "77", Review.KEPT, by=AUTHORITY, why="No")
    assert unknown.value.code == "share.no_decision"


def test_for_a_receiver_out_of_reach_the_authority_acknowledges_and_says_why(
    air: Any, wrong: City
) -> None:
    office, unreachable = wrong.correction_office, PartyId("water")
    held = doubt(office, WRONG, by=TRANSPORT)
    correct_it(air, wrong, held.id)
    for by, why, code in (
        (ECOLOGY, "They are gone", "share.not_your_doubt"),
        (AUTHORITY, " ", "share.reason_missing"),
    ):
        with pytest.raises(RefusedError) as refusal:
            acknowledge(office, held.id, by=by, receiver=unreachable, why=why)
        assert refusal.value.code == code
    with pytest.raises(RefusedError) as refusal:
        acknowledge(office, held.id, by=AUTHORITY, receiver=PartyId("meteo"), why="Gone")
    assert refusal.value.code == "share.no_notice"
    acknowledge(office, held.id, by=AUTHORITY, receiver=unreachable, why="Merged into meteo")
    file = doubt_file(office, held.id)
    assert [n.by for n in file.notices if n.acknowledged_at] == [AUTHORITY.person]
    assert file.steps[-1].facts == {"receiver": "water", "text": "Merged into meteo"}
    assert replayed(office, held.id) == file.doubt


def test_who_received_is_told_also_when_its_agreement_is_over(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    (held,) = (a for a in agreements(wrong.sharing_office) if a.terms.assignee == "water")
    deal(wrong.sharing_office, held.id, Deed(AgreementVerb.END, WATER, text="Done"))
    gone = {"method": "deleted", "text": "All copies"}
    deal(wrong.sharing_office, held.id, Deed(AgreementVerb.DISPOSE, WATER, **gone))
    found = doubt(office, WRONG, by=TRANSPORT)
    correct_it(air, wrong, found.id)
    assert [n.party for n in doubt_file(office, found.id).notices] == ["water"]
    assert acknowledge(office, found.id, by=WATER).state is DoubtState.RECALLING


def test_a_late_indicator_comes_onto_the_list_too(air: Any, wrong: City) -> None:
    office = wrong.correction_office
    held = doubt(office, WRONG, by=WATER)
    correct_it(air, wrong, held.id)
    known = len(doubt_file(office, held.id).listed)
    agreement = an_agreement_in_force(wrong)
    late = Delivered(
        agreement, PartyId("ecology"), PartyId("transport"), "an analyst", "analyst", "tracing",
        "air", "1.0.0", wrong.lake.version("air") - 1, ("pm10",), {}, 1, 1,
        hashlib.sha256(b"late").hexdigest(), Left.FILE, "text/csv",
    )  # fmt: skip
    record_receipt(wrong.receipt_office, late)
    correct(wrong)
    file = doubt_file(office, held.id)
    assert len(file.listed) == known + 1
    assert {n.party for n in file.notices} == {"water", "transport"}
    correct(wrong)
    assert len(doubt_file(office, held.id).listed) == known + 1


def an_agreement_in_force(city: City) -> AgreementId:
    from shuzhi.share.agreements import agreements

    return agreements(city.sharing_office, party=PartyId("transport"))[0].id


def test_two_sources_of_one_meaning_are_shown_and_compared(air: Any, busy_lake: Any) -> None:
    air.write([("s1", 0, 10), ("s1", 1, 20), ("s2", 0, 5), ("s3", 0, None)])
    air.write([("s1", 0, 10), ("s1", 1, 21), ("s3", 0, None), ("s4", 0, 7)], "weather")
    city = air.city
    (conflict,) = (c for c in city.source_conflicts() if c.datum == "meaning:air.pm10")
    assert (conflict.parties, conflict.lead) == (("ecology", "meteo"), None)
    designate(city.sharing_office, conflict.datum, PartyId("ecology"), by=AUTHORITY, why="Its duty")
    (led,) = (c for c in city.source_conflicts() if c.datum == "meaning:air.pm10")
    assert led.lead == "ecology"
    asked = Asked(
        dataset="weather",
        basis="气象法 第三条",
        scenario="One source",
        purposes=("comparing",),
        roles=("analyst",),
        fields=("station", "at", "pm10"),
        rows=(),
        method=SharingMethod.SERVICE,
        starts_on=city.clock().date(),
        ends_on=date(2099, 1, 1),
        agreed_by="l.chief",
    )
    user = User("an analyst", PartyId("ecology"), frozenset({"analyst"}))
    asker = Asker(user, "analyst", "comparing")
    refused = city.compare_sources("air.pm10", "weather.pm10", asker=asker)
    assert getattr(refused, "reason", None) == "no_grant"
    office = city.sharing_office
    agree(
        office, submit(office, asked, by=ECOLOGY).application.id,
        by=Actor("m", PartyId("meteo")),
    )  # fmt: skip
    found = city.compare_sources("air.pm10", "weather.pm10", asker=asker)
    assert isinstance(found, Comparison), found
    assert (found.equal, found.differs, found.only_here, found.only_there) == (2, 1, 1, 1)
    # What the other party's agreement let out has its receipt; one's own data left nowhere.
    (told,) = receipts(city.receipt_office)
    assert (told.what.dataset, told.what.assignee, told.what.rows) == ("weather", "ecology", 3)
    assert told.what.lake_version == found.there_version
    (example,) = found.differing
    assert (example.key[0], example.here, example.there) == ("s1", "20", "21")
    assert [(e.key[0], e.here, e.there) for e in found.lacking] == [
        ("s2", "5", None),
        ("s4", None, "7"),
    ]
    # Who writes all the time neither shows in it nor keeps it from ending.
    more = city.lake.reader("air").read_all()
    busy = busy_lake(city.settings.lake_folder, lambda lake: lake.append("air", more))
    again = replace(city, lake=busy).compare_sources("air.pm10", "weather.pm10", asker=asker)
    assert again == found


def test_the_command_line_goes_the_whole_way(
    air: Any, wrong: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wrong.settings.folder)
    water, ecology = (["--as", f"{p}.clerk", "--party", p] for p in ("water", "ecology"))

    def shuzhi(*words: str, as_json: bool = True) -> Any:
        done = CliRunner().invoke(app, [*words, *(["--json"] if as_json else [])])
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout) if as_json else done.stdout

    key = ["--key", "station=s1", "--key", "at=2026-03-02T08:00:00+08:00"]
    said = ["--seen", "999", "--right", "99", "--text", "Read the meter"]
    made = shuzhi("correction", "doubt", "air.pm10", *key, *said, *water)
    assert (made["state"], made["responsible"]) == ("checking", "ecology")
    shuzhi("correction", "accept", "1", "--value", "99", *ecology)
    air.write([("s1", 0, 99)])
    assert shuzhi("correction", "tick") == {"moved": 1}
    assert shuzhi("correction", "notices", "water")[0]["doubt"] == 1
    shuzhi("correction", "acknowledge", "1", *water)
    for _, each in shuzhi("correction", "reviews", "ecology"):
        one = each["decision"]
        shuzhi(
            "correction", "review", "1", one["kind"], one["id"], "--changed", "--text", "Done",
            *ecology,
        )  # fmt: skip
    shown = [
        shuzhi(*words, as_json=False)
        for words in (
            ["correction", "list"],
            ["correction", "show", "1"],
            ["one-source", "conflicts"],
            ["one-source", "list"],
        )
    ]
    expected = ("recalling", "receipt:", "air.pm10", "Sources")
    assert [e for e, text in zip(expected, shown, strict=True) if e not in text] == []
