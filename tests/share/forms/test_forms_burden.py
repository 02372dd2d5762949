"""What forms cost: days on which they are due, minutes measured and declared, league and trend."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from shuzhi.app import City
from shuzhi.cli.commands import app
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.agreements import Actor
from shuzhi.share.forms import (
    Axis,
    Every,
    Filling,
    FillingId,
    FormId,
    Registered,
    Schedule,
    all_demands,
    declared_minutes,
    hand_in,
    read_form,
    saved_minutes,
    start,
)
from shuzhi.share.forms.burden import Record, Version, added_up, demands

NOW = "2026-03-02T01:00:00+00:00"
CIVIL = Actor("c.li", PartyId("civil"))
TOWNS = (PartyId("town_a"), PartyId("town_b"), PartyId("town_c"))
FIELDS = (
    "  - {name: birth_date, title: {zh: 出生日期, en: Born on}, type: date, minutes: 10,"
    " meaning: person.birth_date}\n",
    "  - {name: birthday, title: {zh: 生日, en: Birthday}, type: date, minutes: 8,"
    " column: population.born_on, confirm: true, confirm_minutes: 2}\n",
    "  - {name: hobby, title: {zh: 爱好, en: Hobby}, type: string, minutes: 20}\n",
)
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1))


@given(every=st.sampled_from(list(Every)), first=DAYS, start=DAYS, span=st.integers(1, 800))
def test_due_days_do_not_depend_on_where_one_starts_to_count(
    every: Every, first: date, start: date, span: int
) -> None:
    schedule, end = Schedule(every, first), start + timedelta(days=span)
    found = list(schedule.due_days(start, end))
    assert found == sorted(set(found))
    assert all(start <= day < end and day >= first for day in found)
    middle = start + timedelta(days=span // 2)
    parts = [*schedule.due_days(start, middle), *schedule.due_days(middle, end)]
    assert parts == found
    assert all(schedule.is_due_on(day) for day in found)


@pytest.mark.parametrize(
    ("every", "days"),
    [
        (Every.ONCE, ["2026-01-31"]),
        (Every.MONTH, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (Every.QUARTER, ["2026-01-31", "2026-04-30"]),
        (Every.YEAR, ["2026-01-31"]),
    ],
)
def test_a_month_without_the_day_is_due_on_its_last(every: Every, days: list[str]) -> None:
    schedule = Schedule(every, date(2026, 1, 31), date(2026, 12, 31))
    found = schedule.due_days(date(2026, 1, 1), date(2026, 5, 1))
    assert [day.isoformat() for day in found] == days


@pytest.fixture
def relief(at: Callable[[str], City], written: Callable[..., Path]) -> Registered:
    """The form as it is registered: of 43 minutes, 16 are saved."""
    return at(NOW).register_form(read_form(written(*FIELDS)), by=CIVIL)


def a_filling(day: date, party: PartyId | None, minutes: float) -> Filling:
    begun = Instant(datetime(2026, 3, 2, tzinfo=UTC))
    ended = Instant(begun + timedelta(minutes=minutes))
    return Filling(FillingId(1), FormId("relief"), 1, party, day, begun, "t", ended, ("hobby",))


def test_what_is_held_is_not_counted_as_work(relief: Registered) -> None:
    # The whole hobby, two minutes to confirm, five for the attachment.
    assert declared_minutes(relief) == 20 + 2 + 5
    assert saved_minutes(relief) == 10 + 6


@given(taken=st.lists(st.floats(0, 400), max_size=3))
def test_minutes_are_those_measured_and_else_declared(
    relief_once: Registered, taken: list[float]
) -> None:
    day = date(2026, 3, 31)
    fillings = tuple(a_filling(day, t, m) for t, m in zip(TOWNS, taken, strict=False))
    record = Record((Version(date(2026, 3, 2), relief_once),), TOWNS, fillings)
    (burden,) = added_up(demands(record, date(2026, 3, 1), date(2026, 4, 1)), Axis.FORM)
    assert burden.times == 3
    assert burden.measured == pytest.approx(sum(taken), abs=1e-4)
    assert burden.minutes == pytest.approx(sum(taken) + 27 * (3 - len(taken)), abs=1e-4)
    assert burden.saved == 16 * 3


@pytest.fixture(scope="module")
def relief_once(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """The same form, judged by hand, for many examples."""
    from shuzhi.share.forms import Judgement, Verdict

    file = tmp_path_factory.mktemp("form") / "relief.yaml"
    head = (
        "id: relief\ntitle: {zh: 月报, en: Return}\nowner: civil\n"
        "basis: {title: 办法, rank: law, article: 第三条}\n"
        "filled_by: {kind: parties, level: town}\ndue: {every: month, first_due: 2026-01-31}\n"
        "attachments: [{title: {zh: 书, en: Paper}, minutes: 5}]\nfields:\n"
    )
    file.write_text(head + "".join(FIELDS), encoding="utf-8")
    met = (Verdict.TAKE, Verdict.CONFIRM, Verdict.COLLECT)
    form = read_form(file)
    now = Instant(datetime(2026, 3, 2, tzinfo=UTC))
    judged = tuple(Judgement(f.name, v) for f, v in zip(form.fields, met, strict=True))
    return Registered(form, 1, judged, now, now)


def test_a_filling_left_open_overnight_is_not_taken_for_work(relief_once: Registered) -> None:
    filling = a_filling(date(2026, 3, 31), TOWNS[0], 900)
    record = Record((Version(date(2026, 3, 2), relief_once),), TOWNS, (filling,))
    (burden,) = added_up(demands(record, date(2026, 3, 1), date(2026, 4, 1)), Axis.OWNER)
    assert (burden.minutes, burden.measured) == (81, 0)


def test_the_dearest_comes_first_and_months_in_their_order(
    at: Callable[[str], City], written: Callable[..., Path], relief: Registered
) -> None:
    city = at(NOW)
    hobby = FIELDS[2].replace("minutes: 20", "minutes: 200")
    city.register_form(
        read_form(written(hobby, form="survey", owner="tax")), by=Actor("t", PartyId("tax"))
    )
    held = start(city.forms_office, relief.form.id, date(2026, 3, 31), by=Actor("a", TOWNS[0]))
    later = at("2026-03-02T01:12:00+00:00")
    hand_in(later.forms_office, held.id, by=Actor("a", TOWNS[0]), typed=["hobby"])
    span = (date(2026, 3, 1), date(2026, 5, 1))
    league = city.burden(*span, by=Axis.OWNER)
    assert [(b.key, b.times, b.minutes) for b in league] == [
        ("tax", 6, 6 * 205.0),
        ("civil", 6, 12.0 + 5 * 27),
    ]
    assert league[1].measured_share == pytest.approx(12 / 147)
    months = city.burden(*span, by=Axis.MONTH, owner="civil")
    assert [(b.key, b.minutes) for b in months] == [("2026-03", 66.0), ("2026-04", 81.0)]
    (town,) = city.burden(*span, by=Axis.PARTY, party="town_a", form="relief")
    assert (town.key, town.minutes, town.saved) == ("town_a", 39.0, 32.0)
    assert sum(d.minutes for d in all_demands(city.forms_office, *span)) == 1377


def test_last_month_is_counted_by_the_form_of_last_month(
    at: Callable[[str], City], written: Callable[..., Path]
) -> None:
    at(NOW).register_form(read_form(written(*FIELDS)), by=CIVIL)
    april = at("2026-04-02T01:00:00+00:00")
    longer = FIELDS[2].replace("minutes: 20", "minutes: 50")
    april.register_form(read_form(written(*FIELDS[:2], longer)), by=CIVIL)
    months = april.burden(date(2026, 3, 1), date(2026, 5, 1), by=Axis.MONTH)
    assert [b.minutes for b in months] == [3 * 27, 3 * 57]


def test_people_are_counted_as_expected_or_as_they_came(
    at: Callable[[str], City], written: Callable[..., Path]
) -> None:
    city = at(NOW)
    file = written(FIELDS[2])
    text = file.read_text().replace(
        "{kind: parties, level: town}", "{kind: citizens, expected: 100}"
    )
    file.write_text(text)
    city.register_form(read_form(file), by=CIVIL)
    held = start(city.forms_office, FormId("relief"), date(2026, 3, 31), by=Actor("a", TOWNS[0]))
    later = at("2026-03-02T01:30:00+00:00")
    hand_in(later.forms_office, held.id, by=Actor("a", TOWNS[0]), typed=["hobby"])
    (burden,) = city.burden(date(2026, 3, 1), date(2026, 4, 1), by=Axis.PARTY)
    assert (burden.key, burden.times, burden.minutes) == ("", 100, 99 * 25 + 30)


def test_a_burden_needs_a_span(at: Callable[[str], City]) -> None:
    with pytest.raises(RefusedError) as refusal:
        at(NOW).burden(date(2026, 3, 1), date(2026, 3, 1))
    assert refusal.value.code == "share.bad_period"


def test_the_command_line_does_it_all(
    folder: Path, written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    file = written(*FIELDS)
    civil = ["--as", "c.li", "--party", "civil"]
    town = ["--as", "a.wu", "--party", "town_a"]

    def shuzhi(*words: str, as_json: bool = True) -> Any:
        done = CliRunner().invoke(app, [*words, *(["--json"] if as_json else [])])
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout) if as_json else done.stdout

    held = shuzhi("form", "register", str(file), *civil)
    assert [j["verdict"] for j in held["judgements"]] == ["take", "confirm", "collect"]
    assert shuzhi("form", "check") == {"changed": 0}
    filling = shuzhi("form", "start", "relief", "--due", "2026-03-31", *town)
    given = ["--typed", "hobby", "--confirmed", "birthday"]
    done = shuzhi("form", "hand-in", str(filling["id"]), *given, *town)
    assert (done["typed"], done["confirmed"]) == (["hobby"], ["birthday"])
    span = ["--from", "2026-03-01", "--to", "2026-04-01"]
    assert shuzhi("form", "burden", *span)[0]["saved"] == 48
    shuzhi("form", "say", "relief", "hobby", "population.household", "--different", *civil)
    values = shuzhi("form", "prefill", "relief", "p1", "--role", "clerk", *civil)
    assert [v["reason"] for v in values] == ["no_grant", "no_grant"]
    said = [
        shuzhi("form", *words, as_json=False)
        for words in (
            ["list", "--open"],
            ["show", "relief"],
            ["repeats"],
            ["burden", *span, "--by", "party"],
            ["withdraw", "relief", "--text", "Over", *civil],
        )
    ]
    expected = ("2 of 3", "population.born_on", "Repeats", "town_a", "withdrawn")
    assert [e for e, text in zip(expected, said, strict=True) if e not in text] == []


_SCHEME = """id: reuse
title: {zh: 不重复采集评价, en: Asking nothing twice}
period: month
levels: [city]
due: deadline
least_weight: 0.5
measures:
  - id: spared
    title: {zh: 免填占比, en: Share that was spared}
    formula: {zh: 免填分钟 ÷ 不共享时应填分钟, en: minutes spared / minutes without reuse}
    of: burden
    only: [relief]
    numerator: saved
    denominator: minutes_without_reuse
    weight: 100
    best: 1
    worst: 0
    least: 1
    gaming: {zh: 多设已有字段也能抬高；每份用时列于旁。, en: Needless fields raise it too.}
    beside: [each]
beside:
  - id: each
    title: {zh: 每份用时, en: Minutes for each}
    formula: {zh: 分钟 ÷ 份数, en: minutes / fillings}
    of: burden
    only: [relief]
    numerator: minutes
    denominator: times
    shown: number
appeal:
  raise_within: {working_days: 5, verified: false, note: of a test}
  decide_within: {working_days: 10, verified: false, note: of a test}
"""


@pytest.mark.usefixtures("relief")
def test_what_forms_cost_is_scored_with_the_facts_behind_it(at: Callable[[str], City]) -> None:
    folder = at(NOW).settings.folder / "evaluation"
    folder.mkdir(exist_ok=True)
    (folder / "reuse.yaml").write_text(_SCHEME, encoding="utf-8")
    city = at("2026-04-02T01:00:00+00:00")
    city.score("reuse", "2026-03", by="tester")
    behind = city.behind("reuse", "2026-03", PartyId("civil"), "spared")
    # Three towns, 27 minutes each and 16 of them spared, on the last day of the month.
    assert (behind.number.numerator, behind.number.denominator) == (48, 129)
    (beside,) = behind.beside.values()
    assert (beside.numerator, beside.denominator) == (81, 3)
    assert [counted.fact.id for counted in behind.facts] == [
        f"burden:relief/2026-03-31/{town}" for town in TOWNS
    ]
    assert city.recompute_score("reuse", "2026-03")
