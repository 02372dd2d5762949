"""Linkage from the shell, in a city of two departments with made-up people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from starlette.testclient import TestClient
from tests.web.entering import PASSWORD, Enter, entering, hidden
from typer.testing import CliRunner

from shuzhi.app import create_city, open_city
from shuzhi.audit import read_entries, read_keys
from shuzhi.cli.commands import app
from shuzhi.kernel.ids import PartyId
from shuzhi.share.access import User
from shuzhi.share.accounts import NewAccount, NewKey, Right, Role, add_account, make_key
from shuzhi.share.delivery.setup import DeliverySetup
from shuzhi.share.linkage import Asker, Record, subject_of
from shuzhi.share.receipts import uses_of
from shuzhi.web import make_app

_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:{name}
name: {name}
version: 1.0.0
status: active
description: {{purpose: Made-up people for a test.}}
customProperties:
  - {{property: titleZh, value: 测试数据 {name}}}
  - {{property: provider, value: {party}}}
  - {{property: sharingType, value: conditional}}
  - {{property: sharingCondition, value: 限履职使用}}
  - {{property: sharingMethod, value: query}}
  - {{property: openType, value: closed}}
  - {{property: updateCycle, value: day}}
  - {{property: grade, value: general}}
schema:
  - name: {name}
    properties:
      - name: id
        logicalType: string
        primaryKey: true
        required: true
        customProperties: [{{property: subjectKind, value: person}}]
{columns}
"""
_APPLICATION = """
dataset: register
basis: 社会救助暂行办法 第五十八条
scenario: Check who is helped
purposes: [aid]
roles: [clerk, data_user]
fields: [id, full_name, born]
rows: []
method: service
period: {from: 2026-01-01, until: 2099-12-31}
agreed_by: w.qian
"""
_FILES = {
    "parties.yaml": """
parties:
  - {id: city, title: {zh: 数据局, en: Data Bureau}, level: city}
  - {id: police, title: {zh: 公安局, en: Police}, level: city, superior: city}
  - {id: health, title: {zh: 卫健委, en: Health}, level: city, superior: city}
  - {id: welfare, title: {zh: 民政局, en: Welfare}, level: city, superior: city}
""",
    "masks.yaml": """
id: test
title: {zh: 测试, en: Test}
source: made up for a test
verified: false
rules:
  - {grades: [general], kinds: any, roles: any, purposes: any, mask: keep}
""",
}


def _contract(name: str, party: str, columns: tuple[str, ...]) -> str:
    lines = "\n".join(f"      - {{name: {c}, logicalType: string}}" for c in columns)
    return _CONTRACT.format(name=name, party=party, columns=lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Any], yaml: str) -> Path:
    """A city whose people are linked and where welfare may see a part of the register."""
    city = tmp_path_factory.mktemp("city")
    create_city(city)
    (city / "linkages").mkdir()
    files = _FILES | {"linkages/residents.yaml": yaml, "application.yaml": _APPLICATION}
    for name, party in (("register", "police"), ("clinic", "health")):
        columns = tuple(tables[name].column_names[1:])
        files[f"contracts/{name}.odcs.yaml"] = _contract(name, party, columns)
    for name, text in files.items():
        (city / name).write_text(text.lstrip(), encoding="utf-8")
    held = open_city(city)
    held.register()
    for name, rows in tables.items():
        held.lake.append(name, rows)
    said(city, "application", "submit", str(city / "application.yaml"), *_WELFARE)
    said(city, "application", "answer", "1", "--as", "p.he", "--party", "police")
    trained = said(city, "linkage", "train", "residents", "--as", "li")
    assert "the one in use" in trained
    assert "- phone: The data do not show: " in trained
    assert trained.count("Train again when there are more rows.") == 1
    said(city, "linkage", "accept", "residents", "1", "--as", "wang")
    assert "subjects" in said(city, "linkage", "run", "residents", "--as", "li")
    return city


_WELFARE = ("--as", "w.li", "--party", "welfare")
_ASKED = (*_WELFARE, "--role", "clerk", "--purpose", "aid")


def said(city: Path, *words: str) -> str:
    """Run a command and return what it prints."""
    done = CliRunner().invoke(app, [*words, "--city", str(city)])
    assert done.exit_code == 0, done.exception
    return done.stdout


def told(city: Path, *words: str) -> Any:
    """Run a command and return what it prints as JSON."""
    return json.loads(said(city, *words, "--json"))


def test_the_file_of_a_subject_shows_what_was_agreed_on_and_no_more(folder: Path) -> None:
    file = told(folder, "linkage", "subject", "residents", "register:r7", *_ASKED)
    register, clinic = file["sheets"]
    assert register["rows"][0][0] == "r7"
    assert clinic["refusal"]["reason"] == "no_grant"
    # Whether the clinic knows them is told by nothing, not by an id of what holds both together.
    assert file["subject"] is None
    alone = said(folder, "linkage", "subject", "residents", "register:r7", *_ASKED)
    assert "residents: no other record that you may see" in alone
    known = subject_of(open_city(folder).linkage_office, "residents", Record("register", "r7"))
    assert known
    assert "not shown" in said(folder, "linkage", "subject", "residents", known, *_ASKED)


def test_a_look_has_its_receipt_and_who_it_was_about_can_find_it(folder: Path) -> None:
    office = open_city(folder).receipt_office
    before = len(uses_of(office, "person", "r7"))
    told(folder, "linkage", "subject", "residents", "register:r7", *_ASKED)
    uses = uses_of(office, "person", "r7")
    assert len(uses) == before + 1
    assert (uses[0].what.dataset, uses[0].what.purpose, uses[0].what.rows) == ("register", "aid", 1)
    assert uses_of(office, "person", "r9") == ()


ASKER = Asker(User("w.li", PartyId("welfare"), frozenset({"clerk"})), "clerk", "aid")
_USER = ("--as", "w.li", "--party", "welfare", "--role", "data_user")


@pytest.fixture(scope="module")
def enter(folder: Path) -> Iterator[Enter]:
    """Lets people of the city sign in: a data user of welfare, one of health, and a manager."""
    city = open_city(folder)
    for name, party, role in (
        ("w.li", "welfare", Role.DATA_USER),
        ("h.sun", "health", Role.DATA_USER),
        ("w.boss", "welfare", Role.MANAGER),
    ):
        new = NewAccount(name, PartyId(party), name.title(), frozenset({role}))
        add_account(city.accounts_office, new, by="root", password=PASSWORD)
    with entering(city) as visitor:
        yield visitor


def looked(client: TestClient, which: str, **typed: str) -> str:
    """Send the form of the page and return what it shows."""
    form = hidden(client.get("/subjects"), "look") | {"linkage": "residents", "which": which}
    form |= {"party": "welfare", "role": "data_user", "purpose": "aid"} | typed
    return client.post("/subjects", data=form).text


def test_a_data_user_sees_over_http_what_the_command_line_shows(folder: Path, enter: Enter) -> None:
    city = open_city(folder)
    shown = told(
        folder, "linkage", "subject", "residents", "register:r7", *_USER, "--purpose", "aid"
    )
    by_command = uses_of(city.receipt_office, "person", "r7")[0]
    rights = frozenset({Right.QUERY})
    key = NewKey("w.li", PartyId("welfare"), "a program", rights, timedelta(days=9))
    bearer = {"Authorization": f"Bearer {make_key(city.accounts_office, key, by='w.li')[1].value}"}
    with TestClient(make_app(city, asks_login=True), "http://127.0.0.1") as client:
        asked = {"role": "data_user", "purpose": "aid"}
        asked |= {"record": {"dataset": "register", "key": "r7"}}  # type: ignore[dict-item]
        path = "/api/v1/linkages/residents/subject-files"
        file = client.post(path, json=asked, headers=bearer).json()
    by_program = uses_of(city.receipt_office, "person", "r7")[0]
    # With the colon of who types Chinese.
    page = looked(enter("w.li"), "register： r7")
    by_page = uses_of(city.receipt_office, "person", "r7")[0]
    reasons = [None if s["refusal"] is None else s["refusal"]["reason"] for s in shown["sheets"]]
    assert reasons == [None, "no_grant"]
    assert [s["rows"] for s in file["sheets"]] == [s["rows"] for s in shown["sheets"]]
    assert [s["columns"] for s in file["sheets"]] == [s["columns"] for s in shown["sheets"]]
    assert all(f"<td>{value}</td>" in page for value in shown["sheets"][0]["rows"][0])
    assert page.count("<tbody>") == 1
    assert "Not shown:" in page
    # The same receipt each time, found by whoever it was about.
    assert by_command.id < by_program.id < by_page.id
    assert by_command.what == by_program.what == by_page.what


def test_nobody_sees_by_a_page_what_no_agreement_shows(folder: Path, enter: Enter) -> None:
    before = len(uses_of(open_city(folder).receipt_office, "person", "r7"))
    assert "There is no record" in looked(enter("h.sun"), "register:r7", party="health")
    assert "<tbody>" not in looked(enter("w.li"), "register:r7", purpose="curiosity")
    assert "<tbody>" not in looked(enter("w.li"), "register:r7", role="manager")
    # Neither is another party's agreement used, nor one's own without the right to query.
    refused = looked(enter("h.sun"), "register:r7")
    assert "<tbody>" not in refused
    assert enter("w.boss").get("/subjects").status_code == 403
    assert 'href="/subjects"' not in enter("w.boss").get("/receipts").text
    assert 'href="/subjects"' in enter("w.li").get("/receipts").text
    assert len(uses_of(open_city(folder).receipt_office, "person", "r7")) == before


def test_the_page_of_files_offers_linkages_by_name_and_purposes_that_were_agreed_on(
    enter: Enter,
) -> None:
    page = enter("w.li").get("/subjects", headers={"Accept-Language": "en"}).text
    linkage, role, purpose = re.findall(r"<select[^>]*>(.*?)</select>", page, re.DOTALL)[-3:]
    assert re.findall(r">([^<]+)</option>", linkage) == ["Residents"]
    assert 'value="data_user"' in role
    assert re.findall(r'value="(\w+)"', purpose) == ["aid"]
    # Whom nothing is granted types a purpose, and is told why nothing is shown.
    assert re.search(r'<input[^>]*name="purpose"', enter("h.sun").get("/subjects").text)


def test_too_many_looks_within_a_minute_show_nothing(folder: Path) -> None:
    city = open_city(folder)
    settings = city.settings
    slow = settings.city.model_copy(update={"delivery": DeliverySetup(per_minute=1)})
    few = replace(city, settings=replace(settings, city=slow))
    told(folder, "linkage", "subject", "residents", "register:r7", *_ASKED)
    before = len(uses_of(city.receipt_office, "person", "r7"))
    sheet = few.subject_file("residents", Record("register", "r7"), asker=ASKER).sheets[0]
    assert sheet.refusal is not None
    assert (sheet.refusal.reason, sheet.rows) == ("too_often", ())
    assert len(uses_of(city.receipt_office, "person", "r7")) == before


def test_pairs_are_listed_explained_and_decided(folder: Path) -> None:
    (listed,) = told(folder, "linkage", "list")
    assert listed["run"]["figures"]["subjects"] > 80
    first = told(folder, "linkage", "review", "residents")["waiting"][0]["placed"]["pair"]
    ends = [":".join(first[side]) for side in ("left", "right")]
    verdict = ("--verdict", "different", "--why", "twins", "--as", "li")
    assert "different" in said(folder, "linkage", "decide", "residents", *ends, *verdict)
    sample = said(folder, "linkage", "review", "residents", "--sample", "5")
    assert "nothing can be said yet" in sample
    why = ("why", "residents", "clinic:c7", "register:r7", "--as", "li", "--in", "en")
    assert "phone: the same; weight +" in said(folder, "linkage", *why)
    done = CliRunner().invoke(app, ["linkage", *why[:-1], "fr", "--city", str(folder)])
    assert "no language 'fr'" in str(done.exception)


def test_every_act_is_in_the_log(folder: Path) -> None:
    settings = open_city(folder).settings
    keys = read_keys(settings.audit_key.with_suffix(".pub").read_text().splitlines())
    kinds = {json.loads(raw)["entry"]["kind"] for raw in read_entries(settings.audit_folder, keys)}
    assert {"linkage.trained", "linkage.accepted", "linkage.ran"} <= kinds


def test_the_receipt_names_the_version_that_was_read(folder: Path, busy_lake: Any) -> None:
    city = open_city(folder)
    people = city.lake.reader("register").read_all()
    same = people.filter(pc.equal(people["id"], "r7"))
    before, count = city.lake.version("register"), same.num_rows
    # Each version has the person once more, and somebody writes one whenever we look for it.
    busy = busy_lake(city.settings.lake_folder, lambda lake: lake.append("register", same))
    one = Record("register", "r7")
    shown = replace(city, lake=busy).subject_file("residents", one, asker=ASKER)
    read = uses_of(city.receipt_office, "person", "r7")[0].what
    assert read.lake_version is not None
    assert len(shown.sheets[0].rows) == read.rows == count * (1 + read.lake_version - before)
    assert before < read.lake_version < city.lake.version("register")
