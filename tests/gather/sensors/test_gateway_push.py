"""Messages that are pushed over HTTP and MQTT are stored once, as their contract has it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from kept import all_of_it
from running import eventually

from shuzhi.app import City, create_city

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: urn:shuzhi:contract:test:noise_hourly
name: noise_hourly
version: 1.0.0
status: active
schema:
  - name: noise_hourly
    logicalType: object
    properties:
      - {name: post, logicalType: string, primaryKey: true, primaryKeyPosition: 1, required: true}
      - {name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2, required: true}
      - {name: level_db, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 140}}
"""
CITY = """
name: pushing
title_zh: 推送
title_en: Pushing
gateway:
  listen: []
  land_every_seconds: 0.1
  http:
    listen: 127.0.0.1:0
    sources:
      noise: {dataset: noise_hourly, token_secret: NOISE_TOKEN}
      nowhere: {dataset: nobody_promised_this, token_secret: NOISE_TOKEN}
    message_bytes: 20000
"""
TOKEN = "a-long-token-of-the-test"  # noqa: S105
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


def made(folder: Path, settings: str, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setenv("NOISE_TOKEN", TOKEN)
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "noise_hourly.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "city.yaml").write_text(settings, encoding="utf-8")
    return create_city(folder)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, monkeypatch_module: pytest.MonkeyPatch) -> City:
    return made(tmp_path_factory.mktemp("city"), CITY, monkeypatch_module)


@pytest.fixture(scope="module")
def url(city: City) -> Iterator[str]:
    with all_of_it(city) as (_, (_, port)):
        yield f"http://127.0.0.1:{port}/push"


def reading(post: str, hour: int, level: object = 55.5, **more: object) -> dict[str, object]:
    return {"post": post, "at": f"2024-03-01T{hour:02d}:00:00+08:00", "level_db": level, **more}


def rows(city: City, table: str, what: str, where: str = "true") -> list[tuple[Any, ...]]:
    if not city.lake.exists(table):
        return []
    with city.lake.duck(only=[table]) as connection:
        return connection.sql(f"SELECT {what} FROM {table} WHERE {where} ORDER BY ALL").fetchall()


def post(url: str, content: object, **more: Any) -> httpx2.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx2.post(url, content=raw, **{"headers": ALLOWED, "timeout": 30, **more})


def test_a_pushed_record_is_stored_when_it_is_answered(city: City, url: str) -> None:
    told = post(f"{url}/noise", reading("north", 8))
    assert (told.status_code, told.json()) == (200, {"stored": 1})
    eventually(lambda: rows(city, "noise_hourly", "post, level_db", "post = 'north'"))
    assert rows(city, "noise_hourly", "level_db", "post = 'north'") == [(55.5,)]


def test_a_list_is_stored_and_a_repeated_one_once(city: City, url: str) -> None:
    many = [reading("south", hour, hour) for hour in range(20)]
    for _ in range(3):
        assert post(f"{url}/noise", many).json() == {"stored": 20}
    assert post(f"{url}/noise", reading("south", 20, 20)).status_code == 200
    eventually(lambda: len(rows(city, "noise_hourly", "post", "post = 'south'")) == 21)


def test_rows_that_break_the_contract_go_to_its_quarantine(city: City, url: str) -> None:
    bad = [reading("west", 1, 500), reading("west", 2, "loud"), {"post": "west"}, 7]
    assert post(f"{url}/noise", [*bad, reading("west", 3)]).status_code == 200
    eventually(lambda: len(rows(city, "noise_hourly__quarantine", "row")) == 4)
    eventually(lambda: rows(city, "noise_hourly", "post", "post = 'west'"))
    findings = str(rows(city, "noise_hourly__quarantine", "findings"))
    assert all(code in findings for code in ("maximum", "type", "required", "no_object"))


def test_what_nobody_promised_is_kept_apart_and_holds_up_nothing(city: City, url: str) -> None:
    assert post(f"{url}/nowhere", {"a": 1}).status_code == 200
    eventually(lambda: rows(city, "frames_quarantine", "code") == [("gather.no_contract",)])
    assert post(f"{url}/noise", reading("after", 1)).status_code == 200
    eventually(lambda: rows(city, "noise_hourly", "post", "post = 'after'"))


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "code"),
    [
        ("noise", {"a": 1}, {}, 401, "push.not_allowed"),
        ("noise", {"a": 1}, {"Authorization": "Bearer x"}, 401, "push.not_allowed"),
        ("noise", {"a": 1}, {"Authorization": f"Bearer {TOKEN}x"}, 401, "push.not_allowed"),
        ("other", {"a": 1}, ALLOWED, 401, "push.not_allowed"),
        ("other", {"a": 1}, {"Authorization": "Bearer x"}, 401, "push.not_allowed"),
        ("noise", b"{not json", ALLOWED, 400, "push.not_json"),
        ("noise", b"\xff\xfe", ALLOWED, 400, "push.not_json"),
        ("noise", b"[" * 15_000, ALLOWED, 400, "push.not_json"),
        ("noise", b"7", ALLOWED, 400, "push.no_records"),
        ("noise", [reading("big", 1)] * 400, ALLOWED, 413, "push.too_large"),
    ],
)
def test_what_is_not_taken_is_told(
    url: str, path: str, content: object, headers: dict[str, str], status: int, code: str
) -> None:
    told = post(f"{url}/{path}", content, headers=headers)
    assert (told.status_code, told.json()["code"]) == (status, code)


def test_only_posts_are_taken(url: str) -> None:
    told = httpx2.get(f"{url}/noise", headers=ALLOWED, timeout=30)
    assert (told.status_code, told.json()["code"]) == (405, "push.not_a_post")


def test_many_at_once_are_all_stored(city: City, url: str) -> None:
    def push(number: int) -> int:
        return post(f"{url}/noise", reading(f"crowd{number:03d}", 1)).status_code

    with ThreadPoolExecutor(16) as crowd:
        assert set(crowd.map(push, range(120))) == {200}
    eventually(lambda: len(rows(city, "noise_hourly", "post", "post LIKE 'crowd%'")) == 120)


# MQTT, against the broker that Debian has; `make test-mqtt` installs it and runs these.

MQTT = """
name: broking
title_zh: 代理
title_en: Broking
gateway:
  listen: []
  land_every_seconds: 0.1
  mqtt:
    host: 127.0.0.1
    port: PORT
    identifier: shuzhi-test
    topics: {"TOPIC": noise_hourly}
"""


TOPIC = "city/noise/+"


class Broker:
    """Mosquitto, with what it keeps of sessions and messages in a folder."""

    def __init__(self, folder: Path) -> None:
        command = shutil.which("mosquitto", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
        if command is None:
            pytest.skip("mosquitto is not installed; make test-mqtt does")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
            f"user root\nlog_dest file {folder}/log\nlog_type subscribe\n"
        )
        self._log = folder / "log"
        self._command = [command, "-c", str(self._config)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)  # noqa: S603
        eventually(self._is_there)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def knows(self, topic: str) -> bool:
        """Whether somebody has subscribed to a topic."""
        return self._log.exists() and f" {topic}\n" in self._log.read_text()

    def _is_there(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    yield broker
    broker.stop()


def publish(broker: Broker, topic: str, *contents: object) -> None:
    """Publish with QoS 1 and wait until the broker has them all."""
    import paho.mqtt.client as paho

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for content in contents:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        client.publish(topic, raw, qos=1).wait_for_publish(20)
    client.loop_stop()
    client.disconnect()


@pytest.fixture
def subscribing(tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> City:
    settings = MQTT.replace("PORT", str(broker.port)).replace("TOPIC", TOPIC)
    return made(tmp_path / "city", settings, monkeypatch)


@pytest.mark.mqtt
def test_messages_of_a_broker_are_stored(subscribing: City, broker: Broker) -> None:
    with all_of_it(subscribing):
        eventually(lambda: broker.knows(TOPIC))
        publish(broker, "city/noise/north", *(reading("north", h) for h in range(24)))
        publish(broker, "city/noise/south", [reading("south", h) for h in range(24)])
        publish(broker, "city/water/south", reading("water", 1))
        publish(broker, "city/noise/bad", b"not json", reading("bad", 1, 999))
        eventually(lambda: len(rows(subscribing, "noise_hourly", "post")) == 48)
        eventually(lambda: len(rows(subscribing, "noise_hourly__quarantine", "row")) == 2)


@pytest.mark.mqtt
def test_what_comes_while_the_gateway_is_away_is_not_lost(
    subscribing: City, broker: Broker
) -> None:
    with all_of_it(subscribing):
        eventually(lambda: broker.knows(TOPIC))
        publish(broker, "city/noise/north", reading("north", 0))
        eventually(lambda: rows(subscribing, "noise_hourly", "post"))
    publish(broker, "city/noise/north", *(reading("north", h) for h in range(1, 10)))
    broker.stop()
    broker.start()
    with all_of_it(subscribing):
        eventually(lambda: len(rows(subscribing, "noise_hourly", "post")) == 10)


@pytest.mark.mqtt
def test_a_broker_that_comes_back_is_found_again(subscribing: City, broker: Broker) -> None:
    with all_of_it(subscribing):
        eventually(lambda: broker.knows(TOPIC))
        broker.stop()
        broker.start()
        publish(broker, "city/noise/north", reading("north", 3))
        eventually(lambda: rows(subscribing, "noise_hourly", "post"))
