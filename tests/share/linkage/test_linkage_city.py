"""Linkage from the shell, in a city of two departments with made-up people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from shuzhi.app import create_city, open_city
from shuzhi.audit import read_entries, read_keys
from shuzhi.cli.commands import app
from shuzhi.share.receipts import uses_of

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
roles: [clerk]
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
    assert "not estimated: phone: last 7.0: m" in trained
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
    assert "not shown" in said(folder, "linkage", "subject", "residents", file["subject"], *_ASKED)


def test_a_look_has_its_receipt_and_who_it_was_about_can_find_it(folder: Path) -> None:
    office = open_city(folder).receipt_office
    before = len(uses_of(office, "person", "r7"))
    told(folder, "linkage", "subject", "residents", "register:r7", *_ASKED)
    uses = uses_of(office, "person", "r7")
    assert len(uses) == before + 1
    assert (uses[0].what.dataset, uses[0].what.purpose, uses[0].what.rows) == ("register", "aid", 1)
    assert uses_of(office, "person", "r9") == ()


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
    assert "phone (phone) the same" in said(folder, "linkage", *why)


def test_every_act_is_in_the_log(folder: Path) -> None:
    settings = open_city(folder).settings
    keys = read_keys(settings.audit_key.with_suffix(".pub").read_text().splitlines())
    kinds = {json.loads(raw)["entry"]["kind"] for raw in read_entries(settings.audit_folder, keys)}
    assert {"linkage.trained", "linkage.accepted", "linkage.ran"} <= kinds
