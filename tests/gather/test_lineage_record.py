"""Recording runs: events, edges, what is current, and the standard's schemas."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from sqlalchemy import func, select

from shuzhi.gather.lineage import (
    Assertion,
    ColumnRef,
    Input,
    Kind,
    Node,
    Output,
    Run,
    SchemaField,
    Subtype,
    lake_node,
    record_run,
)
from shuzhi.gather.lineage.openlineage import end_event, start_event
from shuzhi.gather.lineage.store import column_edge_table, edge_table, event_table, job_table
from shuzhi.kernel.control import Control
from shuzhi.kernel.errors import BrokenError
from shuzhi.kernel.ids import RunId
from shuzhi.kernel.instant import Instant

NOON = Instant(datetime(2026, 3, 2, 12, tzinfo=UTC))
CSV = Node("file", "flights.csv")


def a_run(number: int = 1, **changes: Any) -> Run:
    flights = Output(
        lake_node("flights"),
        fields=(SchemaField("origin", "string", "机场"), SchemaField("delay", "int64")),
        columns={
            "origin": (
                ColumnRef(CSV, "origin"),
                ColumnRef(CSV, "year", Kind.INDIRECT, Subtype.FILTER),
            ),
            "delay": (
                ColumnRef(CSV, "dep_delay", Kind.DIRECT, Subtype.TRANSFORMATION),
                ColumnRef(CSV, "year", Kind.INDIRECT, Subtype.FILTER),
            ),
        },
        row_count=3,
        byte_count=120,
        file_count=1,
        version=4,
    )
    values: dict[str, Any] = {
        "run_id": RunId(UUID(int=number)),
        "job": "load:flights",
        "kind": "load",
        "inputs": (Input(CSV, assertions=(Assertion("not_null", True, "origin"),)),),
        "outputs": (flights,),
        "started_at": NOON,
        "ended_at": Instant(NOON + timedelta(seconds=number)),
        "is_complete": True,
        "sql": "SELECT origin FROM flights_csv",
    }
    return Run(**(values | changes))


@pytest.fixture(scope="session")
def schemas(shared: Path) -> dict[str, Draft202012Validator]:
    folder = shared / "conformance" / "openlineage"
    files = [folder / "OpenLineage.json", *sorted((folder / "facets").glob("*.json"))]
    contents = {f.stem: json.loads(f.read_text()) for f in files}
    registry: Registry[Any] = Registry().with_resources(
        (c["$id"], Resource.from_contents(c)) for c in contents.values()
    )
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        stem: Draft202012Validator(c, registry=registry, format_checker=checker)
        for stem, c in contents.items()
    }


def validate(schemas: dict[str, Draft202012Validator], text: str) -> list[str]:
    """Validate an event and each of its facets by the schema that the facet names."""
    event = json.loads(text)
    schemas["OpenLineage"].validate(event)
    checked = []
    datasets = event["inputs"] + event["outputs"]
    holders = [event["run"].get("facets", {}), event["job"].get("facets", {})]
    holders += [d[k] for d in datasets for k in ("facets", "inputFacets", "outputFacets") if k in d]
    for name, facet in (pair for holder in holders for pair in holder.items()):
        stem = facet["_schemaURL"].split("/")[-3].removesuffix(".json#")
        schemas[stem].validate({name: facet})
        checked.append(name)
    return sorted(checked)


def test_a_complete_run_is_a_valid_start_and_complete_event(
    schemas: dict[str, Draft202012Validator],
) -> None:
    assert validate(schemas, start_event(a_run())) == [
        "dataQualityAssertions",
        "dataSource",
        "jobType",
        "sql",
    ]
    assert validate(schemas, end_event(a_run())) == [
        "columnLineage",
        "dataQualityAssertions",
        "dataSource",
        "jobType",
        "outputStatistics",
        "schema",
        "sql",
        "version",
    ]


def test_a_failed_run_is_a_valid_fail_event_with_its_error(
    schemas: dict[str, Draft202012Validator],
) -> None:
    text = end_event(a_run(is_complete=False, error="gather.source_gone: file 航班.csv"))
    assert "errorMessage" in validate(schemas, text)
    event = json.loads(text)
    assert event["eventType"] == "FAIL"
    assert event["run"]["facets"]["errorMessage"]["message"].endswith("航班.csv")
    assert event["producer"] == "urn:shuzhi:gather"
    assert "航班" in text


def test_what_decides_every_column_alike_is_stated_once_for_the_data_set() -> None:
    (output,) = json.loads(end_event(a_run()))["outputs"]
    lineage = output["facets"]["columnLineage"]
    assert [f["field"] for f in lineage["dataset"]] == ["year"]
    assert [f["field"] for f in lineage["fields"]["delay"]["inputFields"]] == ["dep_delay"]


def test_recording_twice_changes_nothing(control: Control) -> None:
    record_run(control, a_run())
    record_run(control, a_run())
    assert _count(control, event_table) == 2
    assert _count(control, edge_table) == 1
    assert _count(control, column_edge_table) == 4


def test_a_run_can_be_told_when_it_starts_and_again_when_it_ends(control: Control) -> None:
    record_run(control, a_run(ended_at=None, is_complete=False, outputs=()))
    assert _types(control) == ["START"]
    assert _count(control, job_table) == 0
    record_run(control, a_run())
    assert _types(control) == ["START", "COMPLETE"]
    assert _count(control, job_table) == 1


def test_runs_of_one_shape_share_their_edges(control: Control) -> None:
    for number in range(1, 6):
        record_run(control, a_run(number))
    assert _count(control, event_table) == 10
    assert _count(control, edge_table) == 1


@pytest.mark.parametrize(
    ("later", "current"),
    [
        ({"ended_at": Instant(NOON + timedelta(hours=1))}, 2),
        ({"ended_at": Instant(NOON - timedelta(hours=1))}, 1),
        ({"is_complete": False, "error": "no"}, 1),
    ],
)
def test_the_latest_complete_run_is_current(
    control: Control, later: dict[str, Any], current: int
) -> None:
    record_run(control, a_run(1))
    record_run(control, a_run(2, **later))
    with control.transaction() as connection:
        (run_id,) = connection.scalars(select(job_table.c.run_id))
    assert run_id == str(UUID(int=current))


@pytest.mark.parametrize(
    "url", ["postgresql://sa:word@db/city", "HTTPS://u:p@host/x", "sftp://:p@host"]
)
def test_a_password_in_a_name_is_never_recorded(url: str) -> None:
    with pytest.raises(BrokenError) as caught:
        Node("sql", url)
    assert str(caught.value) == (
        "gather.lineage_secret: A data set outside the lake is named by a URL that holds a "
        "password. Name it without the password before it is recorded."
    )
    assert Node("sql", "postgresql://db:5432/city").name.endswith("city")


def _count(control: Control, table: Any) -> int:
    with control.transaction() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _types(control: Control) -> list[str]:
    with control.transaction() as connection:
        return list(connection.scalars(select(event_table.c.event_type).order_by("id")))
