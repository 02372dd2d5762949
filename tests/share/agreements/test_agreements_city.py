"""Sharing from the shell: an application in a file, its agreement, and what is late as a case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from shuzhi.act.cases import cases
from shuzhi.app import City, create_city, open_city
from shuzhi.app.running.catching_up import share
from shuzhi.audit import read_entries, read_keys
from shuzhi.cli.commands import app
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.ids import PartyId
from shuzhi.kernel.instant import Instant
from shuzhi.kernel.workdays import china_working_days
from shuzhi.share.agreements import Actor, Verb, read_application, steps_since, submit, tick
from shuzhi.web import make_app

_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: ecology, title: {zh: 生态环境局, en: Ecology Bureau}, level: city, superior: city}
  - {id: water, title: {zh: 水利局, en: Water Bureau}, level: city, superior: city}
""",
    "contracts/air.odcs.yaml": """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.2.0
status: active
description: {purpose: Hourly readings of dust.}
customProperties:
  - {property: titleZh, value: 空气质量小时值}
  - {property: provider, value: ecology}
  - {property: sharingType, value: conditional}
  - {property: sharingCondition, value: 限履职使用}
  - {property: sharingMethod, value: query}
  - {property: openType, value: open}
  - {property: updateCycle, value: hour}
  - {property: grade, value: general}
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer}
""",
}
APPLICATION = """
dataset: air
basis: 水污染防治法 第二十五条
scenario: Find who pollutes above the weir
purposes: [tracing]
roles: [analyst]
fields: [station, pm10_ug_m3]
rows: [{column: station, operator: one_of, values: [s1, s2]}]
method: service
period: {from: 2026-01-01, until: 2099-12-31}
agreed_by: w.qian
"""
NOTICE = """
year: {year}
legal_reference: an example, not the State's notice
holidays: [{year}-01-01, {year}-05-01, {year}-10-01]
working_weekends: []
"""
WATER, ECOLOGY, CITY = (
    ["--as", person, "--party", party]
    for person, party in (("w.li", "water"), ("e.zhou", "ecology"), ("c.he", "city"))
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    city = tmp_path / "city"
    create_city(city)
    for name, text in _FILES.items():
        (city / name).write_text(text.lstrip(), encoding="utf-8")
    made = open_city(city)
    made.register()
    # Whatever day it is, the clocks of these tests run in years that are known.
    for year in range(china_working_days().last_year + 1, made.clock().year + 2):
        (tmp_path / "notice.yaml").write_text(NOTICE.format(year=year), encoding="utf-8")
        made.take_notice(tmp_path / "notice.yaml")
    (city / "application.yaml").write_text(APPLICATION, encoding="utf-8")
    return city


@pytest.fixture
def shuzhi(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command and return what it prints, as JSON where it was asked for."""
    monkeypatch.chdir(folder)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout)

    return run


def refused(*words: str) -> BaseException | None:
    """Run a command and return what it was refused with."""
    return CliRunner().invoke(app, [*words]).exception


def later(folder: Path, days: int) -> City:
    """Open the city as it is some days from now."""
    city = open_city(folder)
    then = Instant(city.clock() + timedelta(days=days))
    return replace(city, clock=lambda: then)


def test_an_application_in_a_file_becomes_an_agreement_with_a_policy(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    held = shuzhi("application", "submit", "application.yaml", *WATER, "--origin", "form:1")
    again = shuzhi("application", "submit", "application.yaml", *WATER, "--origin", "form:1")
    assert (held["id"], held["state"]) == (again["id"], "waiting")
    made = shuzhi("application", "answer", "1", *ECOLOGY, "--seen", "1")
    assert made["terms"]["contract_version"] == "1.2.0"
    policy = shuzhi("agreement", "show", "1", "--policy")
    assert policy["@type"] == "Agreement"
    assert policy["dct:conformsTo"] == ["urn:shuzhi:contract:air:1.2.0"]
    assert shuzhi("agreement", "list", "--party", "water", "--in-force")[0]["id"] == 1
    shown = shuzhi("application", "show", "1")
    assert [step["verb"] for step in shown["steps"]] == ["submit", "agree"]
    settings = open_city(folder).settings
    keys = read_keys(settings.audit_key.with_suffix(".pub").read_text().splitlines())
    entries = [json.loads(raw)["entry"] for raw in read_entries(settings.audit_folder, keys)]
    kinds = [entry["kind"] for entry in entries]
    assert kinds == ["application.submitted", "agreement.made", "application.agreed"]


def test_what_is_missing_is_said_and_completed(shuzhi: Callable[..., Any], folder: Path) -> None:
    (folder / "short.yaml").write_text("dataset: air\npurposes: [tracing]\n")
    held = shuzhi("application", "submit", "short.yaml", *WATER)
    assert held["state"] == "incomplete"
    assert "basis" in held["missing"]
    done = shuzhi("application", "complete", "1", "application.yaml", *WATER)
    assert (done["state"], done["missing"]) == ("waiting", [])


def test_refusal_extension_and_dispute_go_by_the_command_line(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    shuzhi("application", "submit", "application.yaml", *WATER)
    shuzhi("application", "extend", "1", "--days", "5", "--text", "Many offices", *ECOLOGY)
    granted = shuzhi("application", "extend", "1", "--grant", *CITY)
    assert granted["extension"]["is_granted"] is True
    refuse = ["application", "refuse", "1", "--law", "某局办法", "--article", "第三条", *ECOLOGY]
    low = refused(*refuse, "--rank", "local_rule", "--text", "No")
    assert "share.rank_too_low" in str(low)
    assert shuzhi(*refuse, "--rank", "law", "--text", "No")["state"] == "refused"
    shuzhi("application", "dispute", "1", "--text", "The law does not say so", *WATER)
    up = shuzhi("application", "go-up", "1", "--text", "No result", *ECOLOGY)
    assert up["state"] == "mediating"
    ordered = shuzhi("application", "decide", "1", "--share", "--text", "To be shared", *CITY)
    assert (ordered["state"], ordered["is_ordered"]) == ("waiting", True)
    (numbers,) = shuzhi("application", "statistics")
    assert (numbers["provider"], numbers["refused"], numbers["overruled"]) == ("ecology", 1, 1)
    with TestClient(make_app(open_city(folder)), "http://127.0.0.1") as client:
        assert client.get("/api/v1/applications/statistics").json() == {"items": [numbers]}
        page = client.get("/applications", headers={"Accept-Language": "en"}).text
    assert "How providers answer" in page
    # One refusal, on a law, of all that was answered; the dispute overruled it.
    row = page[page.index("How providers answer") :].partition("<tbody>")[2]
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
    assert cells == ["Ecology Bureau", "1", "0", "1", "100 %", "0", "0", "1", "law 1"]


def test_an_agreement_is_stopped_renewed_ended_and_disposed_of(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    shuzhi("application", "submit", "application.yaml", *WATER)
    shuzhi("application", "answer", "1", *ECOLOGY)
    shuzhi("agreement", "provide", "1", *ECOLOGY)
    proposed = shuzhi("agreement", "suspend", "1", "--text", "Repair", *ECOLOGY)
    assert (proposed["state"], proposed["proposal"]) == ("active", "suspend")
    assert shuzhi("agreement", "suspend", "1", "--text", "Yes", *CITY)["state"] == "suspended"
    assert shuzhi("agreement", "resume", "1", *CITY)["state"] == "active"
    period = ["--from", "2100-01-01", "--until", "2100-12-31", "--agreed-by", "w.qian"]
    assert shuzhi("agreement", "renew", "1", *period, *WATER)["renews"] == 1
    assert shuzhi("agreement", "end", "1", "--text", "Done", *WATER)["state"] == "ended"
    (folder / "paper.txt").write_text("All copies deleted.")
    given = ["--method", "deleted", "--text", "All copies", "--document", "paper.txt"]
    gone = shuzhi("agreement", "dispose", "1", *given, *WATER)
    assert gone["state"] == "disposed"
    assert len(gone["receipt"]["document_sha256"]) == 64


def test_people_read_where_things_stand(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "short.yaml").write_text("dataset: air\nrows: all\n")
    said = [
        CliRunner().invoke(app, words).output
        for words in (
            ["application", "submit", "short.yaml", *WATER],
            ["application", "complete", "1", "application.yaml", *WATER],
            ["application", "list", "--open"],
            ["application", "answer", "1", *ECOLOGY],
            ["application", "show", "1"],
            ["application", "statistics"],
            ["agreement", "list"],
            ["agreement", "end", "1", "--text", "Over", *ECOLOGY],
            ["agreement", "show", "1"],
        )
    ]
    expected = (
        "履职依据", "waiting", "1 application", "agreement 1: air 1.2.0", "What was done",
        "ecology", "1 agreement", "it counts when water or city does it", "unverified",
    )  # fmt: skip
    assert [e for e, text in zip(expected, said, strict=True) if e not in text] == []


def test_shell_and_interface_say_why_nobody_knows_a_deadline(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    year = open_city(folder).sharing_office.time.calendar.last_year
    new_year_eve = Instant(datetime(year, 12, 31, 2, tzinfo=UTC))
    city = replace(open_city(folder), clock=lambda: new_year_eve)
    asked = replace(read_application(folder / "application.yaml"), starts_on=date(year, 12, 1))
    submit(city.sharing_office, asked, by=Actor("w.li", PartyId("water")))
    files = [shuzhi("application", "show", "1")["application"], *shuzhi("application", "list")]
    with TestClient(make_app(city), "http://127.0.0.1") as client:
        told = client.get("/api/v1/applications/1").json()["clocks"]
        runs = [*told, *(run for file in files for run in file["runs"])]
        said = {(run["clock"], run["due_at"], run["why_undated"]) for run in runs}
        assert (len(runs), said) == (3, {("answer", None, "kernel.calendar_ends")})
        shuzhi("application", "return", "1", "--text", "Which stations?", *ECOLOGY)
        # A clock that stands waits for the applicant, and for no notice.
        (still,) = client.get("/api/v1/applications/1").json()["clocks"]
        assert (still["is_paused"], still["due_at"], still["why_undated"]) == (True, None, None)


def test_an_answer_that_is_late_becomes_one_case_of_the_provider(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    shuzhi("application", "submit", "application.yaml", *WATER)
    city = later(folder, 21)
    assert share(city) == 1
    assert share(city) == 0
    (case,) = cases(city.office).cases
    assert (case.kind, case.responsible) == ("sharing_overdue", "ecology")


def test_what_a_killed_process_did_not_tell_is_caught_up(
    shuzhi: Callable[..., Any], folder: Path
) -> None:
    shuzhi("application", "submit", "application.yaml", *WATER)
    city = later(folder, 21)
    # The clock broke, and the process ended before it told anybody.
    tick(replace(city.sharing_office, publish=lambda _: None))
    assert cases(city.office).cases == ()
    share(city)
    share(later(folder, 22))
    assert shuzhi("application", "tick") == {"moved": 0}
    assert len(cases(city.office).cases) == 1
    office = city.sharing_office
    broken = [s for _, s in steps_since(office, 0) if s.verb is Verb.BREAK_CLOCK]
    assert len(broken) == 1


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("dataset: air\nfield: [a]\n", "field: unknown key; did you mean fields?"),
        ("dataset: air\nrows: some\n", "rows"),
        ("dataset: air\nperiod: {from: soon}\n", "period.from"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, finding: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "wrong.yaml").write_text(text)
    error = refused("application", "submit", "wrong.yaml", *WATER)
    assert isinstance(error, DocumentError)
    assert error.code == "share.bad_application"
    assert f"wrong.yaml:2: {finding}" in str(error.findings[0])
