"""SensorThings over a real socket, over what a real lake holds of monitors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pyarrow as pa
import pytest
import uvicorn

from shuzhi.app import City, create_city
from shuzhi.gather.sensors.landing.tables import OBSERVATIONS
from shuzhi.gather.sensors.stations import Station
from shuzhi.kernel.errors import RefusedError
from shuzhi.web import listen_of, make_app

MN, UNPLACED = "010000A8900016F000169DC0", "SIM000000000000000000001"
START = datetime(2026, 3, 2, tzinfo=UTC)
BASE = "/sensorthings/v1.1"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    city = create_city(tmp_path_factory.mktemp("web") / "city")
    placed = Station(MN, "31", outfall="DA001", longitude=106.5, latitude=29.5)
    city.add_station(placed, "123456", by="tester")
    city.add_station(Station(UNPLACED, "32"), "123456", by="tester")
    rows = [
        {
            "mn": MN,
            "st": "31",
            "cn": "2061",
            "data_time": START + timedelta(hours=hour),
            "factor": "a21026",
            "field": "Avg",
            "revision": 0,
            "number": 20.0 + hour,
            "unit": "mg/m3",
            "mark": "N",
            "qn": f"{hour}",
            "received_at": START + timedelta(hours=hour + 1),
            "record": hour,
        }
        for hour in range(30)
    ]
    city.lake.append("observations", pa.Table.from_pylist(rows, schema=OBSERVATIONS.schema))
    return city


@dataclass(frozen=True)
class Client:
    http: httpx.Client
    root: str

    def get(self, path: str, **options: str) -> Any:
        answer = self.http.get(BASE + path, params={f"${k}": v for k, v in options.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()


def _serving(city: City, token: str | None = None) -> Iterator[Client]:
    config = uvicorn.Config(make_app(city, token=token), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    root = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=root, timeout=30) as http:
        yield Client(http, root)
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="module")
def client(city: City) -> Iterator[Client]:
    yield from _serving(city)


def test_a_client_finds_its_way_from_a_station_to_its_newest_value(client: Client) -> None:
    (thing,) = client.get("/Things", filter=f"id eq '{MN}'")["value"]
    assert (thing["@iot.id"], thing["name"]) == (MN, "DA001")
    (stream,) = client.http.get(thing["Datastreams@iot.navigationLink"]).json()["value"]
    assert stream["unitOfMeasurement"]["symbol"] == "mg/m3"
    assert stream["phenomenonTime"] == "2026-03-02T00:00:00Z/2026-03-03T06:00:00Z"
    newest = client.http.get(
        stream["Observations@iot.navigationLink"],
        params={"$orderby": "phenomenonTime desc", "$top": "1"},
    ).json()["value"][0]
    assert (newest["result"], newest["resultQuality"]) == (49.0, "N")
    assert newest["phenomenonTime"] == "2026-03-03T05:00:00Z/2026-03-03T06:00:00Z"
    factor = client.http.get(stream["ObservedProperty@iot.navigationLink"]).json()
    assert factor["definition"] == "urn:hj212:factor:a21026"


def test_links_to_the_next_page_are_followed_to_the_end(client: Client) -> None:
    document = client.get("/Observations", top="12", orderby="result desc")
    values = [o["result"] for o in document["value"]]
    while "@iot.nextLink" in document:
        document = client.http.get(document["@iot.nextLink"]).json()
        values += [o["result"] for o in document["value"]]
    assert values == [49.0 - i for i in range(30)]


def test_what_is_refused_is_a_problem_with_its_reason(client: Client) -> None:
    answer = client.http.get(f"{BASE}/Things", params={"$filter": "colour eq 'red'"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["title"] == "Things have no property 'colour'."
    assert client.http.get(f"{BASE}/Nothings").status_code == 404
    assert client.http.get(f"{BASE}/Things?$filter={'a' * 9000}").status_code == 414


def test_nothing_can_be_written(client: Client) -> None:
    assert client.http.post(f"{BASE}/Things", json={"name": "x"}).status_code == 405
    assert client.http.delete(f"{BASE}/Things('{MN}')").status_code == 405


def test_answers_carry_the_headers_that_keep_browsers_safe(client: Client) -> None:
    headers = client.http.get(f"{BASE}/").headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


def test_with_a_token_nobody_is_served_without_it(city: City) -> None:
    for client in _serving(city, token="only-for-a-test"):  # noqa: S106
        assert client.http.get(f"{BASE}/").status_code == 401
        wrong = {"Authorization": "Bearer wrong"}
        assert client.http.get(f"{BASE}/", headers=wrong).status_code == 401
        right = {"Authorization": "Bearer only-for-a-test"}
        assert client.http.get(f"{BASE}/", headers=right).status_code == 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0.0.0.0:8000", "web.token_needed"),
        ("city.example:8000", "web.token_needed"),
        ("127.0.0.1", "web.bad_address"),
        ("127.0.0.1:99999", "web.bad_address"),
    ],
)
def test_addresses_that_others_reach_need_a_token(text: str, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        listen_of(text, has_token=False)
    assert refused.value.code == code


def test_a_city_without_values_has_no_observations(tmp_path: Path) -> None:
    empty = create_city(tmp_path / "city")
    for client in _serving(empty):
        assert client.get("/Observations")["value"] == []
        assert client.get("/Things")["value"] == []


def test_things_stand_where_the_registry_says_and_others_nowhere(client: Client) -> None:
    things = client.get("/Things", expand="Locations,HistoricalLocations($expand=Locations)")
    by_id = {thing["@iot.id"]: thing for thing in things["value"]}
    point = {"type": "Point", "coordinates": [106.5, 29.5]}
    (location,) = by_id[MN]["Locations"]
    (history,) = by_id[MN]["HistoricalLocations"]
    assert (location["location"], location["encodingType"]) == (point, "application/geo+json")
    assert history["Locations"][0]["@iot.id"] == location["@iot.id"]
    assert history["time"].endswith("Z")
    assert by_id[UNPLACED]["Locations"] == by_id[UNPLACED]["HistoricalLocations"] == []
    assert client.get(f"/FeaturesOfInterest('{MN}')")["feature"] == point
    assert client.get(f"/Locations('{MN}')/Things")["value"][0]["@iot.id"] == MN
