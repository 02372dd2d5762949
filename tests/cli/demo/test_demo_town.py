"""What the demonstration makes up: monitors, people, departments and accounts, all labelled."""

from __future__ import annotations

import csv
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shuzhi.app import City
from shuzhi.cli.demo.accounts import make_accounts
from shuzhi.cli.demo.building import build_town
from shuzhi.cli.demo.linking import LINKAGE, link
from shuzhi.cli.demo.monitors import coming_faults, past_faults, past_of
from shuzhi.cli.demo.people import incomes, job_seekers, person_id, residents
from shuzhi.cli.running.tethered import COMMAND
from shuzhi.gather.sensors.simulator import read_script
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.share.access import User
from shuzhi.share.accounts import Role, accounts, all_grants
from shuzhi.share.agreements import ApplicationState, agreements, applications
from shuzhi.share.catalogue import entry
from shuzhi.share.forms import FormId, Verdict, registered
from shuzhi.share.linkage import Record, models, records, review, subject_of
from shuzhi.share.verification import Receipted, ask, question_of

MONITORS, PEOPLE = 8, 300
NOON = Instant(datetime(2026, 3, 2, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    return build_town(tmp_path_factory.mktemp("demo"), monitors=MONITORS, people=PEOPLE)


def test_every_role_has_an_account_whose_password_is_shown_once(town: City) -> None:
    office = town.accounts_office
    assert {grant.role for grant in all_grants(office)} == set(Role)
    assert all(account.has_password for account in accounts(office))
    assert [made.password for made in make_accounts(office)] == [None] * len(Role)


def test_monitors_and_people_say_that_they_are_simulated(town: City) -> None:
    assert [s.mn[:3] for s in town.stations()] == ["SIM"] * MONITORS
    assert all("simulated" in (s.outfall or "") for s in town.stations())
    named = town.ask("SELECT COUNT(*) FROM residents WHERE name_zh LIKE '模拟__'")
    assert named.rows == ((PEOPLE,),)
    own = [p for p in town.organisation() if p.id in ("city", "north", "north_hill")]
    assert [("模拟" in p.title_zh, "simulated" in p.title_en) for p in own] == [(True, True)] * 3


def test_outfalls_are_spread_over_towns_of_the_city(town: City) -> None:
    found = town.ask("SELECT DISTINCT party FROM outfalls").rows
    superiors = {town.organisation().superiors(party)[-1].id for (party,) in found}
    assert (len(found), superiors) == (4, {"city"})


def test_two_applications_are_agreed_to_and_one_waits(town: City) -> None:
    made = {each.terms.dataset for each in agreements(town.sharing_office)}
    assert made == {"residents", "job_seekers"}
    states = {a.asked.dataset: a.state for a in applications(town.sharing_office)}
    assert states == {
        "residents": ApplicationState.AGREED,
        "job_seekers": ApplicationState.AGREED,
        "incomes": ApplicationState.WAITING,
    }


def test_the_form_of_the_service_asks_only_what_is_not_held(town: City) -> None:
    held = registered(town.forms_office, FormId("relief"))
    verdicts = {field.name: held.judgement(field.name).verdict for field in held.form.fields}
    assert verdicts == {
        "born_on": Verdict.CONFIRM,
        "address": Verdict.CONFIRM,
        "household": Verdict.CONFIRM,
        "income": Verdict.APPLY,
        "reason": Verdict.COLLECT,
    }
    assert set(town.declared.matters) == {"relief"}


def test_building_again_changes_nothing(town: City) -> None:
    again = build_town(town.settings.folder, monitors=MONITORS, people=PEOPLE)
    assert len(agreements(again.sharing_office)) == 2
    assert len(again.stations()) == MONITORS
    assert again.ask("SELECT COUNT(*) FROM residents").rows == ((PEOPLE,),)


def test_people_are_the_same_each_time() -> None:
    assert residents(5) == residents(5)
    rows = list(csv.DictReader(residents(40).splitlines()))
    known = {person_id(number) for number in range(1, 41)}
    assert {row["person_id"] for row in rows} == known
    assert {row["person_id"] for row in csv.DictReader(incomes(40).splitlines())} < known
    assert job_seekers(40) == job_seekers(40)


def test_people_are_known_again_under_other_numbers_and_some_pairs_wait(town: City) -> None:
    link(town)
    link(town)
    office = town.linkage_office
    assert len(models(office, LINKAGE)) == 1
    assert review(office, LINKAGE)
    held = town.ask(
        "SELECT person_id, seeker_no FROM residents JOIN job_seekers"
        " USING (name_zh, born_on, address_zh)"
    )
    for person, seeker in held.rows:
        subject = subject_of(office, LINKAGE, Record("residents", person))
        assert subject
        assert Record("job_seekers", seeker) in records(office, LINKAGE, subject)
    assert held.rows


@pytest.mark.parametrize(("more", "said"), [(0, "yes"), (1, "no")])
def test_a_clerk_asks_whether_something_holds(town: City, more: int, said: str) -> None:
    town.refresh_verifications()
    rows = list(csv.DictReader(residents(PEOPLE).splitlines()))
    household = int(rows[2]["household"]) + more
    [made] = [a for a in agreements(town.sharing_office) if a.terms.dataset == "residents"]
    given = {
        "agreement": made.id,
        "purpose": "relief",
        "role": "data_user",
        "subject": rows[2]["person_id"],
        "claims": {"household": household},
    }
    clerk = User("data_user", PartyId("civil_affairs"), frozenset({"data_user"}))
    told = ask(town.verification_desk, clerk, question_of(given))
    assert isinstance(told, Receipted)
    assert told.answer.told == said


def test_registers_of_people_leave_nothing_to_mend(town: City) -> None:
    for dataset in ("residents", "incomes", "job_seekers"):
        assert not entry(town.control, dataset).findings


@pytest.mark.parametrize(
    ("hour", "hours"), [(0, 24), (3, 27), (4, 4), (23, 23)], ids=lambda h: f"{h} h"
)
def test_the_past_begins_at_a_midnight_of_the_city(hour: int, hours: int) -> None:
    now = Instant(datetime(2026, 3, 1, 16, tzinfo=UTC) + timedelta(hours=hour))
    assert past_of(now, "Asia/Shanghai") == timedelta(hours=hours)


def test_what_goes_wrong_is_a_script_that_the_simulator_reads(tmp_path: Path) -> None:
    coming, bad = coming_faults(MONITORS, NOON)
    for name, text in (("coming", coming), ("past", past_faults(MONITORS, timedelta(hours=8)))):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    [soon] = read_script(tmp_path / "coming.yaml", NOON)
    [before] = read_script(tmp_path / "past.yaml", NOON)
    assert (soon.monitor, soon.begins > NOON) == (bad.number, True)
    assert before.ends == NOON + timedelta(hours=8)
    assert bad != coming_faults(MONITORS, Instant(NOON + timedelta(minutes=30)))[1]


def test_a_command_ends_when_nobody_keeps_it(town: City) -> None:
    command = (*COMMAND, "land", "--follow", "--city", str(town.settings.folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603
        assert process.poll() is None
        process.stdin.close()  # type: ignore[union-attr]
        assert process.wait(timeout=60) in (0, -signal.SIGTERM)
