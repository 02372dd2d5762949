"""From the YAML of a database and of an API to rows in the lake, run after run."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shuzhi.gather.contracts import parse_contract, register
from shuzhi.gather.lake import open_lake
from shuzhi.gather.sources import (
    Gathering,
    Progress,
    RunReport,
    State,
    read_source,
    run_source,
    runs,
)
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Clock

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:shuzhi:contract:test:permits
name: permits
version: 1.0.0
status: active
schema:
  - name: permits
    logicalType: object
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: holder, logicalType: string, required: true}
      - {name: floor_area_m2, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - name: updated_at
        logicalType: timestamp
        required: true
"""

KEPT_OUT = "permits__quarantine"
SQL_SOURCE = """
name: permits_db
dataset: permits
provider: housing
kind: sql
url: sqlite:///erp.db
table: permits
"""

HTTP_SOURCE = """
name: permits_api
dataset: permits
provider: housing
kind: http
url: ${PERMITS_API}/permits
headers: {Authorization: 'Bearer ${PERMITS_TOKEN}'}
records: data.items
paging: {style: page, total: data.total}
cursor_field: updated_at
cursor_parameter: since
"""


class NoProgress:
    """Shows nothing."""

    def started(self, label: str, total: int | None) -> None:
        pass

    def advanced(self, amount: int) -> None:
        pass

    def finished(self) -> None:
        pass


@dataclass
class Cut(NoProgress):
    """Ends the run, as a person does, when this many parts are in the lake."""

    after: int

    def advanced(self, amount: int) -> None:  # noqa: ARG002
        self.after -= 1
        if self.after == 0:
            raise KeyboardInterrupt


@dataclass(frozen=True)
class Town:
    """A platform with one contract, in a folder that sources can stand in."""

    folder: Path
    gathering: Gathering

    def run(self, yaml: str, extra: str = "", *, progress: Progress | None = None) -> RunReport:
        file = self.folder / "source.yaml"
        file.write_text(yaml + extra, encoding="utf-8")
        return run_source(self.gathering, read_source(file), self.folder, progress or NoProgress())

    def rows(self, dataset: str = "permits") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.gathering.lake.reader(dataset).read_all().to_pylist()
        return found

    def holders(self) -> dict[int, str]:
        return {row["id"]: row["holder"] for row in sorted(self.rows(), key=lambda row: row["id"])}

    def erp(self, *statements: str) -> None:
        with sqlite3.connect(self.folder / "erp.db") as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()


@pytest.fixture
def secrets() -> dict[str, str]:
    return {"PERMITS_TOKEN": "t-0815"}


@pytest.fixture
def town(tmp_path: Path, control: Control, clock: Clock, secrets: dict[str, str]) -> Town:
    register(control, parse_contract(CONTRACT.encode(), file="permits.odcs.yaml"), now=clock())
    lake = open_lake(tmp_path / "lake")
    scratch = tmp_path / "scratch"
    return Town(tmp_path, Gathering(control, lake, scratch, secrets.__getitem__, clock))


def counts(report: RunReport) -> tuple[int, int, int, int]:
    done = report.outcome
    return done.inserted, done.updated, done.unchanged, done.quarantined


# -- a database -----------------------------------------------------------------------------------


@pytest.fixture
def erp(town: Town) -> Town:
    town.erp(
        "CREATE TABLE permits (id INTEGER PRIMARY KEY, holder TEXT, floor_area_m2 REAL,"
        " updated_at TEXT)",
        "INSERT INTO permits VALUES (1, 'Ada', 80.5, '2026-01-01 08:00:00'),"
        " (2, 'Bo', 120, '2026-01-02 08:00:00'), (3, 'Cy', NULL, '2026-01-02 08:00:00')",
    )
    return town


INCREMENTAL = "cursor_column: updated_at\n"
UNIQUE = "cursor_column: id\ncursor_is_unique: true\nwrite: append"


def test_a_second_run_brings_only_what_is_new_or_changed(erp: Town) -> None:
    assert counts(erp.run(SQL_SOURCE, INCREMENTAL)) == (3, 0, 0, 0)
    erp.erp(
        "UPDATE permits SET holder = 'Bea', updated_at = '2026-01-03 08:00:00' WHERE id = 2",
        "INSERT INTO permits VALUES (4, 'Di', 60, '2026-01-02 08:00:00')",
    )
    assert counts(erp.run(SQL_SOURCE, INCREMENTAL)) == (1, 1, 1, 0)
    assert erp.holders() == {1: "Ada", 2: "Bea", 3: "Cy", 4: "Di"}


def test_runs_without_news_change_nothing(erp: Town) -> None:
    erp.run(SQL_SOURCE, INCREMENTAL)
    erp.run(SQL_SOURCE, INCREMENTAL)
    version = erp.gathering.lake.version("permits")
    third = erp.run(SQL_SOURCE, INCREMENTAL)
    assert (third.outcome.parts_known, third.outcome.read) == (1, 0)
    assert erp.gathering.lake.version("permits") == version


def test_values_arrive_as_the_contract_types_them(erp: Town) -> None:
    erp.run(SQL_SOURCE, INCREMENTAL)
    [first] = [row for row in erp.rows() if row["id"] == 1]
    assert first["floor_area_m2"] == 80.5
    assert first["updated_at"].isoformat() == "2026-01-01T08:00:00+00:00"


def test_a_deleted_row_stays_unless_the_whole_is_replaced(erp: Town) -> None:
    erp.run(SQL_SOURCE, INCREMENTAL)
    erp.erp("DELETE FROM permits WHERE id = 1")
    erp.run(SQL_SOURCE, INCREMENTAL)
    assert erp.holders() == {1: "Ada", 2: "Bo", 3: "Cy"}
    erp.run(SQL_SOURCE.replace("permits_db", "permits_whole"), "write: replace\n")
    assert erp.holders() == {2: "Bo", 3: "Cy"}


@pytest.mark.parametrize("write", ["upsert", "replace"])
def test_a_table_that_goes_back_to_what_it_was_is_followed(erp: Town, write: str) -> None:
    seen = []
    for holder in ("Ada", "Eve", "Ada"):
        erp.erp(f"UPDATE permits SET holder = '{holder}' WHERE id = 1")
        erp.run(SQL_SOURCE, f"write: {write}\n")
        seen.append(erp.holders()[1])
    assert seen == ["Ada", "Eve", "Ada"]


def test_a_bad_row_of_a_database_is_quarantined_with_its_reason(erp: Town) -> None:
    erp.erp("INSERT INTO permits VALUES (5, 'Eli', -4, '2026-01-05 08:00:00')")
    assert counts(erp.run(SQL_SOURCE, INCREMENTAL)) == (3, 0, 0, 1)
    [apart] = erp.rows(KEPT_OUT)
    assert json.loads(apart["row"])["holder"] == "Eli"
    assert [finding["column"] for finding in apart["findings"]] == ["floor_area_m2"]


def test_a_bad_row_that_is_told_again_stands_in_quarantine_once(erp: Town) -> None:
    erp.erp("INSERT INTO permits VALUES (5, 'Eli', -4, '2026-01-05 08:00:00')")
    erp.run(SQL_SOURCE, INCREMENTAL)
    erp.erp("INSERT INTO permits VALUES (6, 'Flo', 1, '2026-01-06 08:00:00')")
    assert counts(erp.run(SQL_SOURCE, INCREMENTAL)) == (1, 0, 0, 1)
    assert len(erp.rows(KEPT_OUT)) == 1
    erp.erp("UPDATE permits SET floor_area_m2 = -5 WHERE id = 5")
    erp.run(SQL_SOURCE)
    areas = [json.loads(row["row"])["floor_area_m2"] for row in erp.rows(KEPT_OUT)]
    assert sorted(areas) == ["-4.0", "-5.0"]


@pytest.mark.parametrize("way", ["cursor_column: updated_at", UNIQUE], ids=["upsert", "append"])
@pytest.mark.parametrize(("part_rows", "cut_after"), [(1, 1), (1, 3), (100, 1)])
def test_a_run_that_is_cut_off_is_completed_by_the_next(
    erp: Town, way: str, part_rows: int, cut_after: int
) -> None:
    erp.erp("INSERT INTO permits VALUES (4, 'Di', 60, '2026-01-04 08:00:00')")
    small = f"{way}\npart_rows: {part_rows}\n"
    with pytest.raises(KeyboardInterrupt):
        erp.run(SQL_SOURCE, small, progress=Cut(cut_after))
    erp.erp("INSERT INTO permits VALUES (5, 'Ed', 60, '2026-01-05 08:00:00')")
    erp.run(SQL_SOURCE, small)
    assert sorted(row["id"] for row in erp.rows()) == [1, 2, 3, 4, 5]
    states = {report.state for report in runs(erp.gathering.control, "permits_db")}
    assert states == {State.DONE, State.KILLED}


def test_rows_that_are_told_again_are_not_appended(erp: Town) -> None:
    with pytest.raises(RefusedError) as caught:
        erp.run(SQL_SOURCE, "write: append\n")
    assert str(caught.value) == (
        "gather.would_double: Source 'permits_db' tells rows again that it told before, and to "
        "append them to 'permits' would store them twice. Give the contract a primary key, or use "
        "write: replace, or, for a database, a `cursor_column` with `cursor_is_unique`."
    )


def test_a_run_that_failed_is_kept_with_its_reason(erp: Town) -> None:
    erp.erp("INSERT INTO permits VALUES (7, 'Gus', 1, NULL)")
    with pytest.raises(RefusedError):
        erp.run(SQL_SOURCE, INCREMENTAL)
    [kept] = runs(erp.gathering.control, "permits_db")
    assert (kept.state, kept.error_code) == (State.FAILED, "gather.cursor_unusable")


# -- an API ---------------------------------------------------------------------------------------


@dataclass
class Api:
    """An API on this machine; `records` are what it holds, `asked` what it was asked for."""

    records: list[Any]
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def api(secrets: dict[str, str]) -> Iterator[Api]:
    served = Api([])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: v[0] for name, v in parse_qs(urlsplit(self.path).query).items()}
            served.asked.append({**query, "auth": self.headers["Authorization"]})
            since, first = query.get("since", ""), (int(query["page"]) - 1) * 2
            held = [r for r in served.records if isinstance(r, int) or r["updated_at"] >= since]
            page = {"data": {"items": held[first : first + 2], "total": len(held)}}
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    secrets["PERMITS_API"] = f"http://127.0.0.1:{server.server_port}"
    yield served
    server.shutdown()
    server.server_close()


def permit(number: int, holder: str, day: int) -> dict[str, Any]:
    moment = f"2026-01-{day:02}T08:00:00Z"
    return {"id": number, "holder": holder, "floor_area_m2": 70.25, "updated_at": moment}


def test_pages_of_an_api_become_rows_and_the_next_run_asks_for_what_is_new(
    town: Town, api: Api
) -> None:
    api.records = [permit(1, "Ada", 1), permit(2, "Bo", 2), permit(3, "Cy", 3)]
    assert counts(town.run(HTTP_SOURCE)) == (3, 0, 0, 0)
    api.records[0] = permit(1, "Ann", 4)
    assert counts(town.run(HTTP_SOURCE)) == (0, 1, 1, 0)
    assert town.holders() == {1: "Ann", 2: "Bo", 3: "Cy"}
    assert [asked.get("since") for asked in api.asked] == [None, None, "2026-01-03T08:00:00Z"]
    assert {asked["auth"] for asked in api.asked} == {"Bearer t-0815"}


def test_a_record_that_is_no_object_is_quarantined(town: Town, api: Api) -> None:
    api.records = [permit(1, "Ada", 1), 42]
    assert counts(town.run(HTTP_SOURCE)) == (1, 0, 0, 1)
    [apart] = town.rows(KEPT_OUT)
    assert (apart["row_number"], json.loads(apart["row"])) == (2, {"text": "42"})
    assert apart["findings"][0]["code"] == "no_object"


def test_no_secret_is_kept_with_a_run(town: Town, api: Api, secrets: dict[str, str]) -> None:
    api.records = [{**permit(1, "Ada", 1), "surprise": 1}]
    with pytest.raises(RefusedError) as caught:
        town.run(HTTP_SOURCE)
    assert caught.value.code == "gather.column_unknown"
    [kept] = runs(town.gathering.control, "permits_api")
    assert kept.error is not None
    assert secrets["PERMITS_TOKEN"] not in kept.error
