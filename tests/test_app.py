"""A city in a folder: made, migrated, filled from a pack, asked by SQL, told by the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import delete, insert, select, text

from shuzhi.act.evaluation.store import appeal_table, basis_table
from shuzhi.app import City, create_city, open_city
from shuzhi.kernel.control import metadata, open_control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import EPOCH
from shuzhi.migrations import declare_tables, migrate

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
description: {purpose: Hourly readings of dust.}
customProperties:
  - {property: titleZh, value: 空气质量小时值}
  - {property: provider, value: ecology}
  - {property: sharingType, value: unconditional}
  - {property: sharingMethod, value: query}
  - {property: openType, value: open}
  - {property: updateCycle, value: hour}
  - {property: grade, value: general}
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: pm10_ug_m3, logicalType: integer, logicalTypeOptions: {minimum: 0}}
"""
KIND = """
id: dust
title: {zh: 扬尘, en: Dust}
severities: [ordinary, urgent]
steps:
  verify: {from: NEW, by: desk}
  file: {from: VERIFIED, by: desk}
  dispatch: {from: FILED, by: dispatcher}
  take: {from: DISPATCHED, by: handler}
  feed_back: {from: IN_HAND, by: handler}
  check: {from: FED_BACK, by: checker}
  close: {from: CHECKED, by: desk}
clocks:
  - id: handle
    title: {zh: 处置, en: Handled}
    over: [DISPATCHED, IN_HAND]
    answers: handler
    limit: 5 working days
    escalate_every: 1 working day
    legal_basis: city management measures, article 12
closing:
  evidence: {photo: 1}
working_hours: ["09:00-12:00", "14:00-18:00"]
"""
PARTIES = """
parties:
  - {id: city, title: {zh: 市政府, en: City}, level: city}
  - {id: ecology, title: {zh: 生态环境局, en: Ecology Bureau}, level: city}
"""
SOURCE = """
name: air_file
dataset: air
provider: ecology
kind: file
path: ../incoming/air.csv
format: csv
on_broken_rule: keep
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    city = tmp_path / "city"
    create_city(city)
    (city / "contracts" / "air.odcs.yaml").write_text(CONTRACT)
    (city / "parties.yaml").write_text(PARTIES)
    (city / "cases").mkdir()
    (city / "cases" / "dust.yaml").write_text(KIND)
    (city / "sources" / "air.yaml").write_text(SOURCE)
    (city / "incoming" / "air.csv").write_text("station,pm10_ug_m3\nx,12\ny,-3\nz,abc\n")
    return city


def shuzhi(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "shuzhi", *arguments], capture_output=True, text=True, check=False
    )


def test_the_migrations_make_what_the_rooms_declare(tmp_path: Path) -> None:
    declare_tables()
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    migrate(control)
    migrate(control)
    with control.transaction() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    # The tables of the search index belong to SQLite's full-text engine.
    assert [d for d in found if "catalogue_fts" not in str(d)] == []


def test_appeals_of_before_are_kept_when_a_deadline_may_be_unknown(tmp_path: Path) -> None:
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    old = Config()
    old.set_main_option("script_location", str(Path(str(files("shuzhi.migrations")))))
    basis = {"scheme": "s", "period": "2026", "scheme_text": "", "bodies": {}, "facts_sha256": ""}
    basis |= dict.fromkeys(("starts_at", "ends_at", "taken_at"), EPOCH)
    appeal = {"basis_id": 1, "version": 1, "measure": "m", "facts": ["f"], "reason": "r"}
    appeal |= {"party": "p", "raised_by": "n", "raised_at": EPOCH, "due_at": EPOCH}
    appeal |= {"legal_basis": "", "is_verified": False, "corrections": []}
    kept = select(*(column for column in appeal_table.c if column.name != "raise_until"))
    with control.transaction() as connection:
        old.attributes["connection"] = connection
        command.upgrade(old, "0023")
        connection.execute(insert(basis_table).values(basis))
        connection.execute(insert(appeal_table).values(appeal))
        before = connection.execute(kept).all()
    migrate(control)
    with control.transaction() as connection:
        assert connection.execute(kept).all() == before
        connection.execute(insert(appeal_table).values({**appeal, "due_at": None}))
        connection.execute(delete(appeal_table).where(appeal_table.c.id == 2))
        # A number is used once, also after the table was made anew.
        connection.execute(insert(appeal_table).values(appeal))
        assert connection.scalars(select(appeal_table.c.id)).all() == [1, 3]


def test_a_store_that_a_later_version_wrote_is_left_alone(tmp_path: Path) -> None:
    control = open_control(f"sqlite:///{tmp_path / 'control.db'}")
    migrate(control)
    with control.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RefusedError, match=r"migrations.store_is_newer: .* at version 9999,"):
        migrate(control)


def test_a_city_opens_again(folder: Path) -> None:
    city: City = open_city(folder)
    assert city.register().contracts == ("air",)
    assert open_city(folder).datasets() == ("air",)


def test_a_folder_without_a_city_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refusal:
        open_city(tmp_path)
    assert refusal.value.code == "settings.no_city"
    assert refusal.value.next_step == (
        "Make one with: shuzhi init FOLDER; or name one with --city FOLDER."
    )


def test_an_unknown_pack_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no scenario pack 'mars'") as refusal:
        create_city(tmp_path / "city", pack="mars")
    assert "nyc_flights" in refusal.value.next_step


def test_commands_load_check_and_query(folder: Path) -> None:
    where = ("--city", str(folder), "--json")
    loaded = json.loads(shuzhi("gather", "run", *where).stdout)
    outcome = loaded[0]["outcome"]
    assert (outcome["read"], outcome["inserted"], outcome["quarantined"]) == (3, 2, 1)
    checked = json.loads(shuzhi("quality", "check", "--worst", "5", *where).stdout)
    assert checked["reports"][0]["scores"]["completeness"] == {"satisfied": 3, "checked": 3}
    assert checked["worst_rows"]["air"][0]["key"] == {"station": "y"}
    shuzhi("quality", "check", "air", *where)
    trend = json.loads(shuzhi("quality", "trend", "air", *where).stdout)
    assert [one["scores"]["completeness"]["checked"] for one in trend] == [3, 3]
    rows = json.loads(shuzhi("sql", "SELECT station FROM air ORDER BY 1", *where).stdout)
    assert rows == [{"station": "x"}, {"station": "y"}]


def test_commands_read_well_to_people(folder: Path) -> None:
    loaded = shuzhi("gather", "run", "--city", str(folder))
    assert "air_file" in loaded.stdout
    checked = shuzhi("quality", "check", "--city", str(folder))
    assert "air.pm10_ug_m3.minimum" in checked.stdout
    trend = shuzhi("quality", "trend", "air", "--city", str(folder))
    assert "quality over time" in trend.stdout
    listed = shuzhi("gather", "list", "--city", str(folder))
    assert "done" in listed.stdout


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT * FROM read_csv('/etc/hostname')", "gather.bad_sql"),
        ("SELEC 1", "gather.bad_sql"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "gather.not_a_question"),
        ("ATTACH '/tmp/x.db'", "gather.not_a_question"),
        ("SET enable_external_access = true", "gather.not_a_question"),
    ],
)
def test_sql_reads_the_lake_and_nothing_else(query: str, code: str, folder: Path) -> None:
    done = shuzhi("sql", query, "--city", str(folder), "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == code


def test_a_refusal_says_what_next_and_exits_with_2(tmp_path: Path) -> None:
    done = shuzhi("gather", "list", "--city", str(tmp_path))
    assert done.returncode == 2
    assert "shuzhi init FOLDER" in done.stderr


def test_commands_find_and_show_what_is_catalogued(folder: Path) -> None:
    where = ("--city", str(folder), "--json")
    loaded = shuzhi("gather", "run", *where)
    assert loaded.returncode == 0
    assert shuzhi("quality", "check", *where).returncode == 0
    page = json.loads(shuzhi("catalogue", "search", "空气", *where).stdout)
    assert [hit["entry"]["id"] for hit in page["hits"]] == ["air"]
    record = json.loads(shuzhi("catalogue", "show", "air", *where).stdout)
    assert record["row_count"] == 2
    turtle = shuzhi("catalogue", "export", "--city", str(folder)).stdout
    assert "<http://localhost:8000/datasets/air> a dcat:Dataset" in turtle


def test_a_case_is_opened_acted_on_and_logged_for_good(folder: Path) -> None:
    assert shuzhi("init", str(folder)).returncode == 0
    where = ("--city", str(folder), "--json")
    desk = ("--as", "d.chen", "--party", "city", "--role", "desk")
    opened = json.loads(shuzhi("case", "open", "dust", "--title", "Site 7", *desk, *where).stdout)
    number = str(opened["case_id"])
    verified = json.loads(shuzhi("case", "do", number, "verify", *desk, *where).stdout)
    assert verified["stage"] == "VERIFIED"
    refused = shuzhi("case", "do", number, "close", *desk, *where)
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["code"].startswith("act.")
    listed = json.loads(shuzhi("case", "list", *where).stdout)
    assert [case["title"] for case in listed["cases"]] == ["Site 7"]
    drawn = shuzhi("case", "show", number, "--draw", "--city", str(folder)).stdout
    assert drawn.startswith("stateDiagram")
    whole = json.loads(shuzhi("audit", "verify", *where).stdout)
    assert (whole["is_whole"], whole["entries"]) == (True, 2)
    assert "case.verified" in shuzhi("audit", "prove", "1", "--city", str(folder)).stdout


def test_a_log_that_was_touched_is_not_whole(folder: Path) -> None:
    assert shuzhi("init", str(folder)).returncode == 0
    desk = ("--as", "d.chen", "--party", "city", "--role", "desk", "--city", str(folder))
    assert shuzhi("case", "open", "dust", *desk).returncode == 0
    bundle = next(p for p in (folder / "audit").rglob("*") if p.is_file() and "entries" in str(p))
    bundle.write_bytes(bundle.read_bytes().replace(b"d.chen", b"d.wang"))
    touched = shuzhi("audit", "verify", "--city", str(folder))
    assert touched.returncode == 2
    assert "NOT whole" in touched.stdout
