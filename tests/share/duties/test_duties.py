"""Duties in a whole city: each look sees what is broken, sees it once, and sees when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from shuzhi.act.cases import cases
from shuzhi.act.evaluation import Window
from shuzhi.app import City, create_city, open_city
from shuzhi.app.share.duties import duty_facts
from shuzhi.audit import read_entries, read_keys
from shuzhi.cli.commands import app
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant, parse_instant
from shuzhi.share.agreements import Act, Actor, Asked, Verb, act, agree, submit, tick
from shuzhi.share.catalogue import entry
from shuzhi.share.catalogue.model import LegalBasis, Rank, Sharing, SharingMethod, Text
from shuzhi.share.catalogue.use_cases import publish
from shuzhi.share.duties import Breach, DutyError, breaches, duty_list, records
from shuzhi.share.duties.looks import LOOKS
from shuzhi.share.forms import column_datum, designate, read_form

_PARTIES = """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: police, title: {zh: 公安局, en: Police}, level: city, superior: city}
  - {id: civil, title: {zh: 民政局, en: Civil Affairs}, level: city, superior: city}
  - {id: health, title: {zh: 卫健委, en: Health}, level: city, superior: city}
  - {id: town_a, title: {zh: 甲镇, en: Town A}, level: town, superior: city}
"""
_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: {version}
status: active
description: {{purpose: A register.}}
customProperties:
  - {{property: titleZh, value: 登记}}
  - {{property: provider, value: police}}
  - {{property: sharingType, value: conditional}}
  - {{property: grade, value: general}}
  - {{property: sharingMethod, value: query}}
  - {{property: openType, value: closed}}
  - {{property: updateCycle, value: month}}
{condition}
schema:
  - name: {name}
    properties:
      - {{name: person, logicalType: string, primaryKey: true, required: true}}
      - {{name: born_on, logicalType: date}}
"""
_CONDITION = "  - {property: sharingCondition, value: 限履职使用}"
_FORM = """
id: {id}
title: {{zh: 月报, en: Monthly return}}
owner: {owner}
basis: {{title: 统计法, rank: law, article: 第九条}}
filled_by: {{kind: parties, level: town}}
due: {{every: month, first_due: 2026-01-31}}
minutes: 10
fields:
  - {{name: pets, title: {{zh: 宠物数, en: Pets}}, type: integer, meaning: town.pets}}
"""
ASKED = Asked(
    dataset="people",
    basis="统计法 第九条",
    scenario="Relief",
    purposes=("relief",),
    roles=("clerk",),
    fields=("person", "born_on"),
    rows=(),
    method=SharingMethod.QUERY,
    starts_on=date(2026, 3, 2),
    ends_on=date(2026, 12, 31),
    agreed_by="c.qian",
)
CIVIL, POLICE, CITY = (
    Actor(person, PartyId(party))
    for person, party in (("c.qian", "civil"), ("p.wu", "police"), ("d.he", "city"))
)


def write_contract(
    folder: Path, name: str, version: str = "1.0.0", condition: str = _CONDITION
) -> None:
    text = _CONTRACT.format(name=name, version=version, condition=condition).lstrip()
    (folder / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    city = tmp_path / "city"
    create_city(city)
    (city / "parties.yaml").write_text(_PARTIES.lstrip(), encoding="utf-8")
    write_contract(city, "people")
    return city


@pytest.fixture
def at(folder: Path) -> Callable[[str], City]:
    """Open the city as it is at a moment; what was declared meanwhile is registered."""

    def opened(moment: str) -> City:
        then = parse_instant(moment)
        city = replace(open_city(folder), clock=lambda: then)
        city.register()
        return city

    return opened


def going_on(city: City) -> dict[str, list[tuple[str, str]]]:
    """Return what is broken now: by duty, the party and what it is about."""
    found: dict[str, list[tuple[str, str]]] = {}
    for breach in breaches(city.duties_office):
        found.setdefault(breach.duty, []).append((str(breach.party), breach.subject))
    return found


def opened(city: City) -> list[tuple[str, str]]:
    """Return the kind of each case, and who answers for it."""
    return [(case.kind, str(case.responsible)) for case in cases(city.office).cases]


def test_a_breach_that_could_not_be_told_is_told_by_the_next_review(
    folder: Path, at: Callable[[str], City], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_contract(folder, "cars", condition="")
    city = at("2026-03-02T09:00+08:00")

    def full(*_: object) -> None:
        raise RefusedError("test.full", "The office is full.")

    with monkeypatch.context() as patched:
        patched.setattr("shuzhi.app.reactions.open_case", full)
        done = city.review_duties()
    assert done.failed == {"catalogue_missing dataset:cars": "test.full: The office is full."}
    assert opened(city) == []
    assert city.review_duties().found == ()
    assert opened(city) == [("duty_broken", "police")]


def test_every_duty_has_looks_that_exist_and_every_look_a_duty() -> None:
    used = [look for duty in duty_list().duties for look in duty.looks]
    assert sorted(used) == sorted(LOOKS)
    assert len({duty.id for duty in duty_list().duties}) == len(duty_list().duties)


def test_a_city_that_keeps_its_duties_breaks_none(at: Callable[[str], City]) -> None:
    done = at("2026-03-02T09:00+08:00").review_duties()
    assert (done.found, done.ended, done.failed) == ((), (), {})


def test_data_that_no_entry_describes_are_missing_until_one_does(
    folder: Path, at: Callable[[str], City]
) -> None:
    write_contract(folder, "cars", condition="")
    city = at("2026-03-02T09:00+08:00")
    city.review_duties()
    assert going_on(city) == {"catalogue_missing": [("police", "dataset:cars")]}
    write_contract(folder, "cars", version="1.1.0")
    city = at("2026-03-03T09:00+08:00")
    ended = city.review_duties().ended
    assert [(b.duty, b.subject) for b in ended] == [("catalogue_missing", "dataset:cars")]
    assert going_on(city) == {}


def test_an_entry_of_an_old_contract_is_behind_after_ten_working_days(
    folder: Path, at: Callable[[str], City]
) -> None:
    at("2026-03-02T09:00+08:00")
    write_contract(folder, "people", version="1.1.0", condition="")
    # Monday the second; the tenth working day after it is Monday the sixteenth.
    city = at("2026-03-02T10:00+08:00")
    city.review_duties()
    last = at("2026-03-16T23:00+08:00")
    last.review_duties()
    assert going_on(last) == {}
    late = at("2026-03-17T00:00+08:00")
    late.review_duties()
    assert going_on(late) == {"catalogue_behind": [("police", "dataset:people")]}


def test_data_older_than_their_cycle_are_not_kept(at: Callable[[str], City]) -> None:
    city = at("2026-03-02T09:00+08:00")
    city.lake.append("people", pa.table({"person": ["a"]}))
    loaded = city.lake.committed_at("people", 0)
    # Two cycles of a month: one to collect, one to deliver.
    in_time = replace(city, clock=lambda: Instant(loaded + timedelta(days=62)))
    in_time.review_duties()
    assert going_on(in_time) == {}
    later = replace(city, clock=lambda: Instant(loaded + timedelta(days=62, seconds=1)))
    later.review_duties()
    assert going_on(later) == {"data_not_kept": [("police", "dataset:people")]}
    later.lake.append("people", pa.table({"person": ["b"]}))
    newer = replace(city, clock=lambda: later.lake.committed_at("people", 1))
    assert [b.duty for b in newer.review_duties().ended] == ["data_not_kept"]


@pytest.mark.parametrize(
    ("sharing", "basis", "why"),
    [
        (Sharing.CONDITIONAL, None, "sharing_condition: is missing"),
        (Sharing.WITHHELD, None, "legal_basis: is missing"),
        (
            Sharing.WITHHELD,
            LegalBasis("某办法", Rank.LOCAL_RULE, "第三条"),
            "legal_basis: is of rank",
        ),
        (Sharing.WITHHELD, LegalBasis("测绘法", Rank.LAW, "第四十七条"), None),
    ],
)
def test_conditions_need_their_ground(
    at: Callable[[str], City], sharing: Sharing, basis: LegalBasis | None, why: str | None
) -> None:
    city = at("2026-03-02T09:00+08:00")
    own = entry(city.control, "people").entry
    foreign = replace(
        own,
        id="other:people",
        origin="other",
        identifier="people",
        sharing=sharing,
        sharing_condition=Text(),
        legal_basis=basis,
    )
    publish(city.control, foreign, by="other", now=city.clock())
    found = city.review_duties().found
    assert [b.duty for b in found] == ([] if why is None else ["conditions_invented"])
    assert all(why is not None and b.facts["why"][0].startswith(why) for b in found)


def test_a_late_answer_is_a_broken_duty_until_it_comes(at: Callable[[str], City]) -> None:
    city = at("2026-03-02T09:00+08:00")
    number = submit(city.sharing_office, ASKED, by=CIVIL).application.id
    city = at("2026-04-20T09:00+08:00")
    tick(city.sharing_office)
    city.review_duties()
    assert going_on(city) == {"answer_late": [("police", f"application:{number}")]}
    agree(city.sharing_office, number, by=POLICE)
    assert [b.duty for b in city.review_duties().ended] == ["answer_late"]
    kept = breaches(city.duties_office, is_open=None)
    assert [(b.facts["clock"], b.facts["verified"]) for b in kept] == [("answer", "False")]


def test_data_that_change_under_an_agreement_are_changed_alone(
    folder: Path, at: Callable[[str], City]
) -> None:
    city = at("2026-03-02T09:00+08:00")
    application = submit(city.sharing_office, ASKED, by=CIVIL).application
    made = agree(city.sharing_office, application.id, by=POLICE)
    write_contract(folder, "people", version="2.0.0")
    city = at("2026-03-03T09:00+08:00")
    city.review_duties()
    assert going_on(city) == {"changed_alone": [("police", f"agreement:{made.id}")]}


def test_what_two_parties_ask_is_collected_again_by_the_second(
    folder: Path, at: Callable[[str], City]
) -> None:
    for day, owner in ((2, "civil"), (3, "health")):
        file = folder / f"{owner}.yaml"
        file.write_text(_FORM.format(id=owner, owner=owner).lstrip(), encoding="utf-8")
        city = at(f"2026-03-0{day}T09:00+08:00")
        city.register_form(read_form(file), by=Actor("x.y", PartyId(owner)))
    city.review_duties()
    assert going_on(city) == {
        "collected_again": [("health", "form:health:town.pets")],
        "source_not_designated": [("city", "meaning:town.pets")],
    }


def test_several_sources_need_a_lead(at: Callable[[str], City]) -> None:
    city = at("2026-03-02T09:00+08:00")
    datum = column_datum("people", "born_on")
    for party in ("police", "health"):
        named = PartyId(party)
        designate(city.sharing_office, datum, named, by=CITY, why="it holds them", is_lead=False)
    city.review_duties()
    assert going_on(city) == {"source_not_designated": [("city", datum)]}
    designate(city.sharing_office, datum, PartyId("police"), by=CITY, why="it registers births")
    assert [b.duty for b in city.review_duties().ended] == ["source_not_designated"]


def test_looking_again_finds_nothing_new_and_opens_one_case(
    folder: Path, at: Callable[[str], City]
) -> None:
    write_contract(folder, "cars", condition="")
    city = at("2026-03-02T09:00+08:00")
    assert len(city.review_duties().found) == 1
    again = city.review_duties()
    assert (again.found, again.ended) == ((), ())
    assert opened(city) == [("duty_broken", "police")]
    city.record()
    settings = city.settings
    keys = read_keys(settings.audit_key.with_suffix(".pub").read_text().splitlines())
    verbs = [json.loads(raw)["entry"]["kind"] for raw in read_entries(settings.audit_folder, keys)]
    assert verbs.count("duty.broken") == 1


def test_a_late_answer_opens_no_second_case(at: Callable[[str], City]) -> None:
    city = at("2026-03-02T09:00+08:00")
    submit(city.sharing_office, ASKED, by=CIVIL)
    city = at("2026-04-20T09:00+08:00")
    tick(city.sharing_office)
    assert [b.duty for b in city.review_duties().found] == ["answer_late"]
    assert opened(city) == [("sharing_overdue", "police")]


def test_a_look_that_fails_ends_nothing(
    folder: Path, at: Callable[[str], City], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_contract(folder, "cars", condition="")
    city = at("2026-03-02T09:00+08:00")
    city.review_duties()

    def blind(_: object) -> list[Breach]:
        raise RefusedError("test.blind", "It cannot be seen.")

    monkeypatch.setitem(LOOKS, "catalogue.missing", blind)  # type: ignore[arg-type]
    done = city.review_duties()
    assert (done.found, done.ended) == ((), ())
    assert done.failed == {"catalogue.missing": "test.blind: It cannot be seen."}
    assert going_on(city) == {"catalogue_missing": [("police", "dataset:cars")]}


def test_duties_are_facts_of_a_period(folder: Path, at: Callable[[str], City]) -> None:
    write_contract(folder, "cars", condition="")
    city = at("2026-03-02T09:00+08:00")
    city.review_duties()
    number = submit(city.sharing_office, ASKED, by=CIVIL).application.id
    answered = at("2026-03-04T09:00+08:00")
    why = LegalBasis("测绘法", Rank.LAW, "第四十七条")
    act(answered.sharing_office, number, Act(Verb.REFUSE, POLICE, basis=why, text="Maps"))
    march = Window(parse_instant("2026-03-01T00:00+08:00"), parse_instant("2026-04-01T00:00+08:00"))
    facts = sorted(duty_facts(answered.duties_office, march), key=lambda f: f.subject)
    assert [(f.subject, f.is_late, f.ended_at is None) for f in facts] == [
        ("duty.catalogue_missing", True, True),
        ("sharing.answer", False, False),
    ]
    april = replace(march, starts_at=march.ends_at, ends_at=parse_instant("2026-05-01T00:00+08:00"))
    [still] = duty_facts(answered.duties_office, april)
    assert (still.subject, still.due_at) == ("duty.catalogue_missing", april.starts_at)


def test_the_shell_lists_reviews_and_shows(folder: Path, at: Callable[[str], City]) -> None:
    write_contract(folder, "cars", condition="")
    at("2026-03-02T09:00+08:00")

    def shell(*words: str) -> str:
        done = CliRunner().invoke(app, ["duty", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "nobody compared it with the law" in shell("list")
    assert len(json.loads(shell("list", "--json"))["duties"]) == len(duty_list().duties)
    assert "newly broken: 1, kept again: 0" in shell("review", "--city", str(folder))
    [breach] = json.loads(shell("breaches", "--json", "--city", str(folder)))
    assert (breach["duty"], breach["subject"]) == ("catalogue_missing", "dataset:cars")
    assert "police" in shell("standing", "--city", str(folder))
    assert "dataset:cars" in shell("breaches", "--city", str(folder))


def test_a_party_stands_by_what_goes_on_and_what_ever_was(
    folder: Path, at: Callable[[str], City]
) -> None:
    write_contract(folder, "cars", condition="")
    at("2026-03-02T09:00+08:00").review_duties()
    write_contract(folder, "cars", version="1.1.0")
    city = at("2026-03-03T09:00+08:00")
    city.review_duties()
    [record] = records(city.duties_office)
    assert (record.party, record.going_on.total(), record.ever.total()) == ("police", 0, 1)
    assert [b.duty for b in breaches(city.duties_office, is_open=False)] == ["catalogue_missing"]
    with pytest.raises(DutyError, match="catalogue_missing"):
        breaches(city.duties_office, duty="no_such")
