"""OGC SensorThings 1.1, read only: paths, options, filters, paging, what cannot be answered.

The names of what the OGC suite tests (ets-sta10, levels 1 and 3) stand beside our own tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shuzhi.share.sensorthings import COLUMNS, SETS, Engine, QueryError, Service
from shuzhi.share.sensorthings.expressions import parse_expression

ROOT = "http://city.example/sensorthings/v1.1"
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
HOURS = 250
TYPES = {
    "moment": pa.timestamp("us", tz="UTC"),
    "result_time": pa.timestamp("us", tz="UTC"),
    "phenomenon_start": pa.timestamp("us", tz="UTC"),
    "phenomenon_end": pa.timestamp("us", tz="UTC"),
    "longitude": pa.float64(),
    "latitude": pa.float64(),
    "result": pa.float64(),
}


def _hour(place: int, stream: str) -> dict[str, Any]:
    start = NOON + timedelta(hours=place)
    is_missing = place % 50 == 49
    return {
        "id": f"{stream}-{place:04}",
        "datastream_id": stream,
        "feature_id": "f1",
        "phenomenon_start": start,
        "phenomenon_end": start + timedelta(hours=1),
        "result_time": start + timedelta(hours=1, minutes=5),
        "result": None if is_missing else float(place % 20),
        "result_text": "--" if is_missing else None,
        "result_quality": "D" if is_missing else "N",
    }


ROWS: dict[str, list[dict[str, Any]]] = {
    "st_things": [
        {"id": "s1", "name": "东站", "description": "East", "properties": '{"kind": "air"}'},
        {"id": "s'2", "name": "West", "description": "西", "properties": '{"kind": "water"}'},
    ],
    "st_locations": [
        {"id": "l1", "name": "roof", "thing_id": "s1", "longitude": 106.5, "latitude": 29.5}
    ],
    "st_historical_locations": [
        {"id": "h1", "moment": NOON, "thing_id": "s1", "location_id": "l1"}
    ],
    "st_datastreams": [
        {
            "id": stream,
            "name": f"{name} at {thing}",
            "unit_symbol": unit,
            "unit_name": unit,
            "thing_id": thing,
            "sensor_id": "logger",
            "observed_property_id": name,
            "phenomenon_start": NOON,
            "phenomenon_end": NOON + timedelta(hours=HOURS),
        }
        for stream, name, thing, unit in (
            ("d1", "a34004", "s1", "ug/m3"),
            ("d2", "w01018", "s'2", "mg/L"),
        )
    ],
    "st_sensors": [{"id": "logger", "name": "logger", "metadata": "HJ 212"}],
    "st_observed_properties": [
        {"id": "a34004", "name": "PM2.5", "definition": "urn:hj212:a34004"},
        {"id": "w01018", "name": "COD", "definition": "urn:hj212:w01018"},
    ],
    "st_features": [{"id": "f1", "name": "roof", "longitude": 106.5, "latitude": 29.5}],
    "st_observations": [
        *(_hour(place, "d1") for place in range(HOURS)),
        *(_hour(place, "d2") for place in range(5)),
    ],
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for relation, columns in COLUMNS.items():
        rows = [{column: row.get(column) for column in columns} for row in ROWS[relation]]
        schema = pa.schema([(column, TYPES.get(column, pa.string())) for column in columns])
        connection.register(f"__{relation}", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"CREATE TABLE {relation} AS SELECT * FROM __{relation}")
    yield Service(Engine(connection, NOON + timedelta(days=30)), ROOT)
    connection.close()


def get(service: Service, path: str, **options: str) -> Any:
    return service.get(path, {f"${name}": text for name, text in options.items()}).document


def ids(document: Any) -> list[str]:
    return [one["@iot.id"] for one in document["value"]]


def follow(service: Service, link: str) -> Any:
    parts = urlsplit(link)
    path = parts.path.removeprefix(urlsplit(ROOT).path)
    return service.get(path, dict(parse_qsl(parts.query))).document


def test_the_root_names_every_entity_set(service: Service) -> None:  # checkServiceRootUri
    document = get(service, "/")
    assert {one["name"] for one in document["value"]} == set(SETS)
    assert all(one["url"] == f"{ROOT}/{one['name']}" for one in document["value"])


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_entity_has_its_id_links_and_properties(service: Service, name: str) -> None:
    # readEntitiesAndCheckResponse, readEntityAndCheckResponse
    document = get(service, f"/{name}")
    assert document["value"]
    for one in document["value"]:
        assert one["@iot.selfLink"].startswith(f"{ROOT}/{name}('")
        assert follow(service, one["@iot.selfLink"]) == one
        for link in SETS[name].links:
            there = follow(service, one[f"{link.name}@iot.navigationLink"])
            assert "value" in there if link.is_many else "@iot.id" in there


def test_ways_lead_over_links(service: Service) -> None:  # checkResourcePaths
    assert get(service, "/Observations('d1-0003')/Datastream/Thing")["@iot.id"] == "s1"
    assert ids(get(service, "/Things('s1')/Datastreams")) == ["d1"]
    assert ids(get(service, "/Things('s1')/Datastreams('d1')/Observations", top="2")) == [
        "d1-0000",
        "d1-0001",
    ]
    assert get(service, "/Things('s''2')/name") == {"name": "West"}
    assert service.get("/Things('s1')/name/$value", {}).text == "东站"
    assert get(service, "/Things('s1')/properties/kind") == {"kind": "air"}
    assert get(service, "/Datastreams('d2')/unitOfMeasurement/symbol") == {"symbol": "mg/L"}
    refs = get(service, "/Things('s1')/Datastreams/$ref")
    assert refs == {"value": [{"@iot.selfLink": f"{ROOT}/Datastreams('d1')"}]}


@pytest.mark.parametrize(
    "path",
    [
        "/Nothings",
        "/Things('zzz')",
        "/Things('s1')/Datastreams('d2')",
        "/Things('s1')/colour",
        "/Things/name",
        "/Things('s1')/properties/nothing",
        "/Observations('zzz')/Datastream",
    ],
)
def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    with pytest.raises(QueryError) as refused:  # readNonexistentEntity
        service.get(path, {})
    assert refused.value.status == 404


def test_the_newest_value_is_one_question(service: Service) -> None:
    newest = get(service, "/Datastreams('d1')/Observations", orderby="phenomenonTime desc", top="1")
    assert ids(newest) == [f"d1-{HOURS - 1:04}"]
    assert newest["value"][0]["result"] == "--"


def test_pages_follow_each_other_by_key_and_hold_everything_once(service: Service) -> None:
    seen: list[str] = []
    document = get(service, "/Observations", orderby="result desc", top="40")
    seen += ids(document)
    while "@iot.nextLink" in document:
        document = follow(service, document["@iot.nextLink"])
        seen += ids(document)
    assert len(seen) == len(set(seen)) == HOURS + 5


def test_top_skip_count_and_order(service: Service) -> None:
    # readEntitiesWithTopQO, SkipQO, CountQO, OrderbyQO, checkQueriesPriorityOrdering
    document = get(
        service,
        "/Observations",
        filter="result ge 10 and Datastream/id eq 'd1'",
        orderby="result asc, phenomenonTime desc",
        top="3",
        skip="2",
        count="true",
        select="id,result",
    )
    expected = sorted(
        (r["result"], -r["phenomenon_start"].timestamp(), r["id"])
        for r in ROWS["st_observations"]
        if r["datastream_id"] == "d1" and (r["result"] or 0) >= 10
    )
    assert ids(document) == [key for _, _, key in expected[2:5]]
    assert document["@iot.count"] == len(expected)
    assert set(document["value"][0]) == {"@iot.id", "result"}


def test_expansions_nest_and_have_options_of_their_own(service: Service) -> None:
    # readEntitiesWithExpand, …Relations, …Multilevel, …Nested
    document = get(
        service,
        "/Things",
        expand="Datastreams($expand=ObservedProperty;$select=name),Locations",
    )
    east = next(one for one in document["value"] if one["@iot.id"] == "s1")
    assert east["Datastreams"] == [
        {"name": "a34004 at s1", "ObservedProperty": get(service, "/ObservedProperties('a34004')")}
    ]
    assert east["Locations"][0]["location"] == {"type": "Point", "coordinates": [106.5, 29.5]}
    deep = get(service, "/Observations('d2-0001')", expand="Datastream/Thing")
    assert deep["Datastream"]["Thing"]["name"] == "West"


def test_an_expansion_is_a_page_with_a_link_to_the_next(service: Service) -> None:
    document = get(
        service,
        "/Datastreams('d1')",
        expand="Observations($top=2;$count=true;$orderby=phenomenonTime desc)",
    )
    assert [o["@iot.id"] for o in document["Observations"]] == ["d1-0249", "d1-0248"]
    assert document["Observations@iot.count"] == HOURS
    following = follow(service, document["Observations@iot.nextLink"])
    assert ids(following) == ["d1-0247", "d1-0246"]


@pytest.mark.parametrize(
    ("name", "where", "expected"),
    [
        ("Things", "name eq '东站'", ["s1"]),
        ("Things", "not (name eq '东站')", ["s'2"]),
        ("Things", "id eq 's''2'", ["s'2"]),
        ("Things", "properties/kind eq 'air'", ["s1"]),
        ("Things", "properties/nothing eq 'air'", []),
        ("Things", "Datastreams/unitOfMeasurement/symbol eq 'mg/L'", ["s'2"]),
        ("Things", "Datastreams/Observations/result gt 18.5", ["s1"]),
        ("Things", "substringof('es', name)", ["s'2"]),
        ("Things", "startswith(name,'W') and endswith(name,'t')", ["s'2"]),
        ("Things", "length(name) eq 2", ["s1"]),
        ("Things", "indexof(name, 'st') eq 2 and substring(name, 1, 2) eq 'es'", ["s'2"]),
        ("Things", "tolower(name) eq 'west' or toupper(name) eq 'x'", ["s'2"]),
        ("Things", "concat(concat(name, '/'), description) eq 'West/西'", ["s'2"]),
        ("Datastreams", "Thing/name eq 'West'", ["d2"]),
        ("Datastreams", "ObservedProperty/name eq 'PM2.5'", ["d1"]),
        ("Datastreams", "phenomenonTime lt 2027-01-01T00:00:00Z", ["d1", "d2"]),
        ("Observations", "Datastream/Thing/id eq 's''2' and result eq 3", ["d2-0003"]),
        ("Observations", "result add 1 mul 2 eq 6 and Datastream/id eq 'd2'", ["d2-0004"]),
        ("Observations", "(result add 1) mul 2 eq 6 and Datastream/id eq 'd2'", ["d2-0002"]),
        ("Observations", "result div 0 eq 1", []),
        ("Observations", "result mod 3 eq 2 and Datastream/id eq 'd2'", ["d2-0002"]),
        ("Observations", "result eq '--' and result eq '--' and id lt 'd1-0050'", ["d1-0049"]),
        ("Observations", "resultQuality eq 'D' and id lt 'd1-0050'", ["d1-0049"]),
        ("Observations", "result eq null", []),
        ("Observations", "resultTime eq null", []),
        ("Observations", "parameters ne null", []),
        (
            "Observations",
            "phenomenonTime ge 2026-03-02T06:00:00Z and phenomenonTime lt 2026-03-02T08:00:00Z "
            "and Datastream/id eq 'd2'",
            ["d2-0002", "d2-0003"],
        ),
        (
            "Observations",
            "resultTime sub duration'PT1H5M' eq 2026-03-02T12:00:00+08:00",
            ["d1-0000", "d2-0000"],
        ),
        ("Observations", "hour(resultTime) eq 5 and day(resultTime) eq 2", ["d1-0000", "d2-0000"]),
        ("Observations", "false or result gt 3 and id eq 'd2-0004'", ["d2-0004"]),
        ("Observations", "resultTime gt now()", []),
        ("Observations", "floor(result) eq 4 and round(result) eq 4 and id ge 'd2'", ["d2-0004"]),
    ],
)
def test_filters(service: Service, name: str, where: str, expected: list[str]) -> None:
    # readEntitiesWithFilterQO, checkAndOrPrecendece, checkArithmeticPrecendece
    assert ids(get(service, f"/{name}", filter=where)) == expected


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"filter": "name eq"}, 400),
        ({"filter": "name eq 'x"}, 400),
        ({"filter": "name eq 3"}, 400),
        ({"filter": "colour eq 'red'"}, 400),
        ({"filter": "name"}, 400),
        ({"filter": "name gt null"}, 400),
        ({"filter": "name eq 'x'; DROP TABLE st_things"}, 400),
        ({"filter": "read_text('/etc/passwd') eq 'x'"}, 400),
        ({"filter": "length(name, name) eq 2"}, 400),
        ({"filter": "((((" * 30 + "name"}, 400),
        ({"filter": "a" * 5_000}, 400),
        ({"filter": "geo.distance(name, name) lt 1"}, 501),
        ({"filter": "resultTime lt 2026-13-01T00:00:00Z"}, 400),
        ({"orderby": "name sideways up"}, 400),
        ({"orderby": "name eq 'x'"}, 400),
        ({"expand": "Nothing"}, 400),
        ({"expand": "Datastreams($top=1"}, 400),
        ({"expand": "Datastreams($colour=1)"}, 400),
        ({"select": "colour"}, 400),
        ({"top": "-1"}, 400),
        ({"top": "1e3"}, 400),
        ({"skip": "x"}, 400),
        ({"count": "perhaps"}, 400),
        ({"skiptoken": "!!!"}, 400),
        ({"skiptoken": "WyJhIiwiYiIsImMiXQ"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(
    service: Service, options: dict[str, str], status: int
) -> None:
    with pytest.raises(QueryError) as refused:
        get(service, "/Things", **options)
    assert refused.value.status == status


def test_a_page_is_never_larger_than_a_thousand(service: Service) -> None:
    assert len(get(service, "/Observations", top="1000000")["value"]) == HOURS + 5


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        parse_expression(text)
    except QueryError as error:
        assert error.status == 400


_NAMES = st.sampled_from(["name", "id", "result", "Datastream/Thing/name", "phenomenonTime", "not"])
_WORDS = st.sampled_from(
    ["eq", "and", "or", "(", ")", ",", "'x'", "3", "-1.5", "add", "div", "length", "now", "null"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_NAMES, _WORDS), max_size=12))
def test_any_words_are_answered_or_refused(service: Service, words: list[str]) -> None:
    try:
        get(service, "/Observations", filter=" ".join(words), top="1")
    except QueryError as error:
        assert error.status in (400, 501)
