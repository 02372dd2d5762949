"""Files into the lake: what is good is stored once, what is bad is kept with its reasons."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shuzhi.gather.contracts import parse_contract, register
from shuzhi.gather.lake import Lake, open_lake
from shuzhi.gather.sources import (
    Gathering,
    RunReport,
    State,
    newest_runs,
    read_source,
    reasons,
    run_source,
    runs,
)
from shuzhi.kernel.control import Control, metadata, open_control
from shuzhi.kernel.documents import DocumentError
from shuzhi.kernel.errors import RefusedError
from shuzhi.kernel.instant import Instant

NOW = Instant(datetime(2026, 3, 2, 8, tzinfo=UTC))
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:city:air
name: air
version: 1.0.0
status: active
schema:
  - name: air
    properties:
      - {name: station, logicalType: string, primaryKey: true, required: true}
      - {name: day, logicalType: date, primaryKey: true, primaryKeyPosition: 2, required: true}
      - name: pm10_ug_m3
        logicalType: integer
        logicalTypeOptions: {minimum: 0}
      - {name: note, logicalType: string}
"""
SOURCE = """
name: air_file
dataset: air
provider: ecology
kind: file
path: in/*
format: csv
"""
GOOD = "station,day,pm10_ug_m3,note\n解放碑,2026-03-01,12,\n南泉,2026-03-01,8,ok\n"


class Silent:
    """Shows no progress."""

    def started(self, label: str, total: int | None) -> None: ...

    def advanced(self, amount: int) -> None: ...

    def finished(self) -> None: ...


class Desk:
    """A city's folder with one contract and one source."""

    def __init__(self, folder: Path, control: Control) -> None:
        self.folder = folder
        self.control = control
        self.lake: Lake = open_lake(folder / "lake")
        (folder / "in").mkdir()
        register(control, parse_contract(CONTRACT.encode(), file="air"), now=NOW)

    def put(self, name: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        (self.folder / "in" / name).write_bytes(raw)

    def run(self, source: str = SOURCE) -> RunReport:
        path = self.folder / "air_file.yaml"
        path.write_text(source, encoding="utf-8")
        gathering = Gathering(
            self.control, self.lake, self.folder / "scratch", lambda name: name, lambda: NOW
        )
        return run_source(gathering, read_source(path), self.folder, Silent())

    def rows(self, query: str = "SELECT * FROM air ORDER BY station") -> list[tuple[object, ...]]:
        with self.lake.duck() as connection:
            return connection.execute(query).fetchall()

    def reasons(self) -> list[tuple[object, ...]]:
        return self.rows(
            "SELECT row_number, f.column, f.code, f.value FROM (SELECT row_number, "
            "unnest(findings) AS f FROM air__quarantine) ORDER BY ALL"
        )


@pytest.fixture
def desk(tmp_path: Path, control: Control) -> Desk:
    return Desk(tmp_path, control)


def test_a_file_is_loaded_and_accounted_for(desk: Desk) -> None:
    desk.put("a.csv", GOOD)
    report = desk.run()
    assert (report.state, report.outcome.read, report.outcome.inserted) == (State.DONE, 2, 2)
    assert [row[0] for row in desk.rows()] == ["南泉", "解放碑"]
    assert runs(desk.control)[0] == report


def test_times_without_an_offset_are_of_the_zone_of_their_source(desk: Desk) -> None:
    calls = CONTRACT.replace("air", "calls").replace(
        "{name: note, logicalType: string}", "{name: at, logicalType: timestamp}"
    )
    register(desk.control, parse_contract(calls.encode(), file="calls"), now=NOW)
    desk.put(
        "a.csv", "station,day,at\na,2026-03-01,2026-03-01 08:00\nb,2026-03-01,2026-03-01T08:00Z\n"
    )
    desk.run(SOURCE.replace("dataset: air", "dataset: calls") + "zone: America/New_York\n")
    times = desk.rows('SELECT "at" FROM calls ORDER BY station')
    assert times == [(datetime(2026, 3, 1, hour, tzinfo=UTC),) for hour in (13, 8)]
    with pytest.raises(DocumentError, match="no time zone 'Mars'"):
        desk.run(SOURCE + "zone: Mars\n")


def test_a_second_run_stores_nothing_twice(desk: Desk) -> None:
    desk.put("a.csv", GOOD)
    first, second = desk.run(), desk.run()
    assert (first.outcome.inserted, second.outcome.parts_known) == (2, 1)
    assert len(desk.rows()) == 2


def test_the_newest_run_of_each_source_is_found_however_many_there_are(desk: Desk) -> None:
    desk.put("a.csv", GOOD)
    first = desk.run()
    others = [desk.run(SOURCE.replace("air_file", "other_file")) for _ in range(21)]
    newest = newest_runs(desk.control)
    assert newest["air_file"] == first
    assert newest["other_file"] in others


def test_a_changed_file_changes_only_what_differs(desk: Desk) -> None:
    desk.put("a.csv", GOOD)
    desk.run()
    desk.put("a.csv", GOOD.replace("12", "13") + "土主,2026-03-01,5,new\n")
    outcome = desk.run().outcome
    assert (outcome.inserted, outcome.updated, outcome.unchanged) == (1, 1, 1)


def test_bad_rows_are_kept_with_a_reason_for_each_cell(desk: Desk) -> None:
    desk.put("a.csv", GOOD + "x,2026-02-30,-1,\n,2026-03-01,1.5,\n")
    outcome = desk.run().outcome
    assert (outcome.read, outcome.inserted, outcome.quarantined) == (4, 2, 2)
    assert desk.reasons() == [
        (4, "day", "type", "2026-02-30"),
        (4, "pm10_ug_m3", "minimum", "-1"),
        (5, "pm10_ug_m3", "type", "1.5"),
        (5, "station", "required", None),
    ]


def test_ragged_rows_are_kept_with_their_line(desk: Desk) -> None:
    desk.put("a.csv", GOOD + "a,2026-03-01\nb,2026-03-01,1,n,extra\n")
    outcome = desk.run().outcome
    assert (outcome.read, outcome.inserted, outcome.quarantined) == (4, 2, 2)
    assert [(row, code) for row, _, code, _ in desk.reasons()] == [
        (4, "ragged_row"),
        (5, "ragged_row"),
    ]


def test_a_row_that_repeats_is_counted_and_one_that_contradicts_is_kept_out(desk: Desk) -> None:
    again = "南泉,2026-03-01,8,ok\n"
    desk.put("a.csv", GOOD + again + "解放碑,2026-03-01,99,\n")
    outcome = desk.run().outcome
    assert (outcome.inserted, outcome.repeated, outcome.quarantined) == (1, 1, 2)
    assert {(code, value) for _, _, code, value in desk.reasons()} == {
        ("conflicting_key", "解放碑, 2026-03-01")
    }


def test_gb18030_and_gzip_are_read(desk: Desk) -> None:
    desk.put("a.csv.gz", gzip.compress(GOOD.encode("gb18030")))
    report = desk.run(SOURCE + "encoding: gb18030\n")
    assert report.outcome.inserted == 2
    assert desk.rows()[1][0] == "解放碑"


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(RefusedError) as refusal:
        run()
    return str(refusal.value)


def test_a_wrong_encoding_is_refused_whole(desk: Desk) -> None:
    desk.put("a.csv", GOOD.encode("gb18030"))
    assert refused(desk.run) == (
        "gather.wrong_encoding: a.csv is not utf-8: line 2 cannot be read. Correct the source "
        "(set `encoding: gb18030`) and run it again; nothing was loaded."
    )
    assert (runs(desk.control)[0].state, desk.lake.exists("air")) == (State.FAILED, False)


def test_utf_8_is_not_taken_for_gb18030_as_which_it_would_be_nonsense(desk: Desk) -> None:
    desk.put("a.csv", "station,day\n重庆市南岸区天文,2026-03-01\n")
    assert refused(lambda: desk.run(SOURCE + "encoding: gb18030\n")) == (
        "gather.wrong_encoding: a.csv is utf-8, not gb18030: read as such it would become "
        "nonsense. Set `encoding: utf-8` in the source and run it again; nothing was loaded."
    )
    assert not desk.lake.exists("air")


def test_cells_are_cut_by_the_sign_that_the_source_says(desk: Desk) -> None:
    desk.put("a.tsv", GOOD.replace(",", "\t").replace("ok", " "))
    told = SOURCE + 'csv: {delimiter: "\\t"}\nmissing: [" "]\n'
    assert desk.run(told).outcome.inserted == 2
    assert desk.rows("SELECT count(note) FROM air") == [(0,)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "station\tday\nx\t2026-03-01\n",
            "gather.wrong_delimiter: The header of a.csv is not cut by \",\": 'station\\tday'. "
            'Set `csv: {delimiter: "\\t"}` in the source if that is it.',
        ),
        (
            "<!DOCTYPE html><html>",
            "gather.html_not_table: a.csv is a web page, not a table: it begins with "
            "<!doctype html>. Fetch the file itself; an error page or a log-in page was saved "
            "instead.",
        ),
        (
            "",
            "gather.empty_file: a.csv is empty: not even column names stand in it. "
            "Ask its provider for the file; nothing was loaded.",
        ),
        (
            "station,station\n",
            "gather.bad_header: The header of a.csv cannot be used: 'station' stands twice. "
            "Correct the header, or give `header: false` and `names` in the source.",
        ),
        (
            "station,note\nx,y\n",
            "gather.column_missing: a.csv has no column 'day', which contract 'air' requires. "
            "Map the column under `columns` in the source, or ask the provider.",
        ),
        (
            "station,date\nx,2026-03-01\n",
            "gather.column_missing: a.csv has no column 'day', which contract 'air' requires; "
            "it does not know 'date'. Map the column under `columns` in the source "
            "(`date: day`), or ask the provider.",
        ),
        (
            "station,day,colour\nx,2026-03-01,red\n",
            "gather.column_unknown: a.csv has columns that contract 'air' does not know: "
            "'colour'; 'pm10_ug_m3', 'note' did not come. Add them to the contract, "
            "or set `extra_columns: ignore` in the source.",
        ),
    ],
)
def test_what_is_no_table_of_the_contract_is_refused(
    content: str, message: str, desk: Desk
) -> None:
    desk.put("a.csv", content)
    assert refused(desk.run) == message


def test_a_vanished_source_is_refused_and_what_was_loaded_stays(desk: Desk) -> None:
    desk.put("a.csv", GOOD)
    desk.run()
    (desk.folder / "in" / "a.csv").unlink()
    assert refused(desk.run) == (
        "gather.source_gone: Source 'air_file' finds no file at in/*. "
        "Bring the file back or correct `path`; what was loaded before stays."
    )
    assert len(desk.rows()) == 2


def test_drift_is_reported_not_guessed(desk: Desk) -> None:
    desk.put("a.csv", "station,day,colour\nx,2026-03-01,red\n")
    outcome = desk.run(SOURCE + "extra_columns: ignore\n").outcome
    assert (outcome.unknown_columns, outcome.missing_columns) == (
        ("colour",),
        ("pm10_ug_m3", "note"),
    )


def test_json_lines_are_loaded_and_other_lines_kept(desk: Desk) -> None:
    desk.put("a.jsonl", '{"station": "x", "day": "2026-03-01", "pm10_ug_m3": 3}\n[1]\nnot json\n')
    outcome = desk.run(SOURCE.replace("csv", "jsonl")).outcome
    assert (outcome.inserted, outcome.quarantined) == (1, 2)


def test_a_workbook_is_loaded(desk: Desk) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["station", "day", "pm10_ug_m3", "note"])
    sheet.append(["x", datetime(2026, 3, 1), 12.0, None])  # noqa: DTZ001
    book.save(desk.folder / "in" / "a.xlsx")
    desk.run(SOURCE.replace("csv", "excel"))
    assert desk.rows("SELECT station, pm10_ug_m3 FROM air") == [("x", 12)]


def test_a_web_page_that_is_called_a_workbook_is_named_as_one(desk: Desk) -> None:
    desk.put("a.xls", "<html><table><tr><td>station</td></tr></table></html>")
    told = SOURCE.replace("csv", "excel")
    assert refused(lambda: desk.run(told)).startswith("gather.html_not_table: a.xls is a web page")


def test_why_rows_were_kept_out_is_told_once_for_each_reason(desk: Desk) -> None:
    desk.put("a.csv", GOOD + "x,2026-02-30,-1,\ny,yesterday,2,\nz,2026-03-01\n")
    found = reasons(desk.lake, desk.run())
    assert [(r.column, r.code, r.rows, r.origin, r.row_number, r.value) for r in found] == [
        ("day", "type", 2, "a.csv", 4, "2026-02-30"),
        ("pm10_ug_m3", "minimum", 1, "a.csv", 4, "-1"),
        (None, "ragged_row", 1, "a.csv", 6, None),
    ]
    assert reasons(desk.lake, desk.run()) == ()


def test_wide_tables_are_melted(desk: Desk) -> None:
    desk.put("a.csv", "day,x,y\n2026-03-01,1,2\n")
    melt = "melt: {keep: [day], name: station, value: pm10_ug_m3}\n"
    desk.run(SOURCE + melt)
    assert desk.rows("SELECT station, pm10_ug_m3 FROM air ORDER BY 1") == [("x", 1), ("y", 2)]


def test_an_unknown_key_of_a_source_is_named(desk: Desk) -> None:
    with pytest.raises(DocumentError) as refusal:
        desk.run(SOURCE + "fromat: csv\n")
    assert [f.line for f in refusal.value.findings] == [8]


cells = st.text(st.sampled_from('a1-,"\n\r 年'), max_size=5)
lines = st.lists(cells, min_size=1, max_size=6).map(",".join)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.lists(lines, max_size=8).map("\n".join))
def test_any_text_balances(body: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("desk")
    control = open_control(f"sqlite:///{folder / 'control.db'}")
    metadata.create_all(control.engine)
    desk = Desk(folder, control)
    desk.put("a.csv", GOOD + body + "\n")
    outcome = desk.run().outcome
    stored = outcome.inserted + outcome.updated + outcome.unchanged
    assert outcome.read == stored + outcome.repeated + outcome.quarantined
